"""Which credentials this process has, whether they can be used, and what is known of each. Never a secret."""

from collections.abc import Iterator
from functools import partial

from django.conf import settings

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest.examine.line import FAIL, NOTE, OK, WARN, Line, first_line
from costwatch.role import ALONE, BEAT, CHORES, COMMAND, MIGRATION, WEB, WORKER
from costwatch.secrets import book, configured, files, keyring
from costwatch.secrets.configured import DATABASE, Configured
from costwatch.secrets.models import Credential
from costwatch.upstream.credential import VARIABLE, MissingCredential

GROUP, KNOWN = "Configuration", "Credentials"
# They read nothing of the vendor's, so they look at no key, wherever it lies (SEC-08).
KEYLESS = (WEB, CHORES, BEAT, MIGRATION)
READERS = (WORKER, ALONE)
PUT_IT = (
    f"Put the Admin key alone into a file, and its path into {VARIABLE}_FILE; or the file into the folder that "
    f"{files.FOLDER} names."
)
line = partial(Line, GROUP)


def credentials() -> Iterator[Line]:
    """Every line about where credentials come from. Reads the environment and files, and no database."""
    if settings.ROLE in KEYLESS:
        return
    is_given = files.are_given(settings.CREDENTIALS)
    if settings.SANDBOX:
        yield _sandbox(is_given=is_given)
        return
    if settings.PRODUCTION and not is_given and settings.ROLE not in READERS:
        # Only a worker reads the organization; every other process is better off without the key (SEC-08).
        if settings.ROLE == COMMAND:
            yield line(NOTE, "this process has no Admin key", "Right for all but the worker, which reads.")
        return
    yield from _in_database() if settings.CREDENTIALS == DATABASE else _in_files()


def _sandbox(*, is_given: bool) -> Line:
    if is_given:
        return line(
            NOTE,
            "an Admin key is set but the sandbox is read",
            "Unset COSTWATCH_SANDBOX to read your organization.",
        )
    return line(
        NOTE,
        "no Admin key: the sandbox is read",
        f"Set {VARIABLE}_FILE to a file with an Admin key to read yours.",
    )


def _in_database() -> Iterator[Line]:
    wrong = keyring.mistakes()
    for mistake in wrong:
        yield line(FAIL, mistake, keyring.MAKE_ONE)
    if not wrong:
        ring = keyring.keyring()
        others = f", {len(ring.keys) - 1} more decrypt" if len(ring.keys) > 1 else ""
        yield line(OK, f"credentials are in the database, the master key {ring.active!r} encrypts{others}")
    if files.are_given(configured.FILES):
        yield line(
            WARN,
            "credentials come from the database, and others are in the environment, which are not used",
            "Unset them, or unset COSTWATCH_CREDENTIALS.",
        )


def _in_files() -> Iterator[Line]:
    try:
        found = configured.credentials()
    except MissingCredential as error:
        yield line(FAIL, str(error), error.do or PUT_IT)
        return
    if not found:
        yield line(FAIL, configured.nothing(), PUT_IT)
    if files.is_shadowed():
        yield line(WARN, f"{VARIABLE} is set too and not used", f"Unset {VARIABLE}; the file is what counts.")
    for one in found:
        yield from _usable(one)


def _usable(one: Configured) -> Iterator[Line]:
    try:
        secret = one.read()
    except MissingCredential as error:
        yield line(FAIL, str(error), error.do or PUT_IT)
        return
    if one.where == VARIABLE:
        yield line(
            NOTE,
            f"{one.shown} {secret.fingerprint} comes from {VARIABLE}",
            f"A file is safer, and can be replaced at any time: mode 0600, its path in {VARIABLE}_FILE.",
        )
        return
    yield line(OK, f"{one.shown} {secret.fingerprint} comes from {one.where}")


def known() -> Iterator[Line]:
    """What the database knows of each credential: age, use, refusals; and organizations that none reads."""
    told = partial(Line, KNOWN)
    names = dict(Organization.objects.values_list("external_id", "name"))
    labels = None
    if files.are_given(settings.CREDENTIALS) or settings.SANDBOX:
        try:
            found = configured.credentials()
        except MissingCredential:
            return
        labels = {one.label for one in found}
        if settings.CREDENTIALS == DATABASE:
            yield from _unopened(found)
    for row in Credential.objects.order_by("label"):
        if labels is not None and row.label not in labels:
            continue
        yield from _age(row, names.get(row.organization, row.organization))
    for organization in Organization.objects.order_by("pk"):
        if not organization.is_read or (labels is not None and organization.credential not in labels):
            yield told(
                WARN,
                f"no credential reads the organization {organization.name!r}; what was read of it stays",
                "Put a credential of it back to read on, or leave it as it is.",
            )


def _unopened(found: list[Configured]) -> Iterator[Line]:
    for one in found:
        try:
            one.read()
        except MissingCredential as error:
            yield Line(KNOWN, FAIL, str(error), error.do)


def _age(row: Credential, organization: str) -> Iterator[Line]:
    now = clock.now()
    days = max(0, (now - row.set_at).days)
    used = f"last used {clock.rfc3339(row.last_used_at)}" if row.last_used_at else "never used"
    by = f" by {row.set_by}" if row.set_by else ""
    name = f"{row.kind} {row.label!r}" if row.label else row.kind
    what = f"{name} {row.fingerprint} of {organization!r}: there since {row.set_at:%Y-%m-%d}{by}, {used}"
    if row.refusal:
        yield Line(KNOWN, FAIL, f"{name} {row.fingerprint} was refused: {first_line(row.refusal)}", "Replace it.")
    elif book.is_old(row, now):
        yield Line(KNOWN, WARN, f"{what}; {days} days old", "Make a new one, replace it, and delete the old one.")
    else:
        yield Line(KNOWN, OK, what)
