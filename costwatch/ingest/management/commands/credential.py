"""manage.py credential: enter, list, try, replace and wipe credentials, and change the master key."""

import contextlib
import getpass
import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest.connect import CONSOLE, CannotConnect, client, connect, identify
from costwatch.ingest.examine.boot import refuse_wrong_configuration
from costwatch.ingest.installation import WrongDatabase, ensure, prepare
from costwatch.secrets import book, configured
from costwatch.secrets.configured import DATABASE
from costwatch.secrets.files import LABEL
from costwatch.secrets.models import Credential
from costwatch.upstream.client import AdminClient
from costwatch.upstream.credential import BEARER, MissingCredential, Secret, secret_of
from costwatch.upstream.errors import UpstreamError

LARGEST = 64 * 1024
WHERE_FILES = (
    "credentials come from files and the environment here: change them there, each takes effect at once. To keep them "
    "encrypted in the database set COSTWATCH_CREDENTIALS=database and COSTWATCH_KEK_FILE"
)


class Command(BaseCommand):
    help = "Enter, list, try, replace and wipe credentials (COSTWATCH_CREDENTIALS=database), and change the master key."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        for name, text in (
            ("add", "enter a credential; it is read from standard input, tried with one question, and encrypted"),
            ("list", "fingerprints, who set them and when, last use and age"),
            ("test", "try each credential, or one"),
            ("rotate", "replace a credential: the new one is tried, then the old one is wiped"),
            ("remove", "wipe a credential; what was read with it stays"),
            ("rotate_kek", "wrap every stored secret with the first key of COSTWATCH_KEK_FILE"),
            ("verify", "how many secrets are left on another key; exit 1 if there are any"),
        ):
            action = actions.add_parser(name, help=text)
            if name in ("add", "test", "rotate", "remove"):
                action.add_argument("--label", default=None, help="tells several apart: letters, digits, . _ -")
            if name in ("add", "rotate"):
                action.add_argument("--bearer", action="store_true", help="it is a Bearer token, not an Admin key")
                action.add_argument("--file", metavar="PATH", help="read it from a file instead of standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        action = options["action"]
        refuse_wrong_configuration()
        if action not in ("list", "test") and settings.CREDENTIALS != DATABASE:
            raise CommandError(WHERE_FILES)
        try:
            prepare()
            ensure()
            getattr(self, f"_{action}")(options)
        except (CannotConnect, WrongDatabase, UpstreamError, ValueError) as error:
            raise CommandError(str(error)) from None
        except MissingCredential as error:
            raise CommandError(f"{error}. {error.do}".strip()) from None

    def _add(self, options: dict[str, Any]) -> None:
        from costwatch.secrets import stored

        label = options["label"] or ""
        if label and not LABEL.fullmatch(label):
            raise CommandError(f"{label!r} is no label: letters, digits, dots, dashes and underscores, 64 at most")
        if any(one.label == label for one in configured.credentials()):
            said = f"there is a credential {label!r}" if label else "there is a credential without a label"
            raise CommandError(f"{said}; replace it with rotate, or give this one a --label of its own")
        secret = _entered(options)
        identity, name = _tried(secret)
        other = Credential.objects.filter(organization=identity, sealed__isnull=False).first()
        if other:
            raise CommandError(f"{name} is read with {other} already; replace that one with rotate")
        stored.add(label=label, secret=secret, organization=identity, set_by=_who())
        self.stdout.write(f"Kept: {secret.kind} {secret.fingerprint} of {name} ({identity})")

    def _rotate(self, options: dict[str, Any]) -> None:
        from costwatch.secrets import stored

        row = _row(options["label"])
        secret = _entered(options)
        if secret.fingerprint == row.fingerprint:
            raise CommandError("this is the credential that is there already")
        identity, name = _tried(secret)
        if identity != row.organization:
            raise CommandError(
                f"this is a credential of another organization ({name}, {identity}); nothing was changed. Add it with "
                "a --label of its own"
            )
        old = row.fingerprint
        stored.replace(row=row, secret=secret, set_by=_who())
        self.stdout.write(
            f"Switched from {old} to {secret.fingerprint}, and wiped the old one here. Delete it at {CONSOLE}"
        )

    def _remove(self, options: dict[str, Any]) -> None:
        from costwatch.secrets import stored

        row = _row(options["label"])
        stored.remove(row)
        self.stdout.write(f"Wiped {row.kind} {row.fingerprint}. What was read with it stays. Delete it at {CONSOLE}")

    def _list(self, options: dict[str, Any]) -> None:
        now = clock.now()
        names = dict(Organization.objects.values_list("external_id", "name"))
        rows = {row.label: row for row in Credential.objects.all()}
        found = configured.credentials()
        for one in found:
            row = rows.get(one.label)
            if row is None:
                self.stdout.write(f"{one.shown} from {one.where}: not used yet")
                continue
            by = f" by {row.set_by}" if row.set_by else ""
            used = clock.rfc3339(row.last_used_at) if row.last_used_at else "never"
            self.stdout.write(
                f"{one.shown} {row.fingerprint} from {one.where}, of {names.get(row.organization, row.organization)}: "
                f"set {clock.rfc3339(row.set_at)}{by}, {(now - row.set_at).days} days old, last used {used}"
            )
            if book.is_old(row, now):
                self.stdout.write("  it is 90 days old or more: make a new one, replace it, and delete the old one")
            if row.refusal:
                self.stdout.write(f"  refused: {row.refusal}")
        if not found:
            self.stdout.write(configured.nothing())

    def _test(self, options: dict[str, Any]) -> None:
        found = [one for one in configured.credentials() if options["label"] in (None, one.label)]
        if not found:
            raise CommandError(f"there is no credential {options['label']!r}" if options["label"] else "there is none")
        failed = 0
        for one in found:
            try:
                with client(one.label) as opened:
                    organization = connect(opened, one.label).organization
                self.stdout.write(f"{one.shown} {one.read().fingerprint} reads {organization}")
            except (CannotConnect, UpstreamError) as error:
                failed += 1
                self.stdout.write(f"{one.shown}: {error}")
        if failed:
            sys.exit(1)

    def _rotate_kek(self, options: dict[str, Any]) -> None:
        from costwatch.secrets import stored

        came = stored.rewrap(self.stdout.write)
        self.stdout.write(f"{came.done} wrapped anew")
        self._verify(options)

    def _verify(self, options: dict[str, Any]) -> None:
        from costwatch.secrets import stored

        left = stored.left()
        self.stdout.write(f"{left} left on another key than the first" + ("" if left else ": it can be deleted"))
        if left:
            sys.exit(1)


def _row(label: str | None) -> Credential:
    """The one stored credential of a label; without a label the only one there is. Raises: CommandError."""
    rows = list(Credential.objects.filter(sealed__isnull=False).select_related("sealed"))
    chosen = [row for row in rows if row.label == label] if label is not None else rows
    if len(chosen) == 1:
        return chosen[0]
    if not rows:
        raise CommandError(configured.nothing())
    raise CommandError(f"which one? --label is one of {', '.join(repr(row.label) for row in rows)}")


def _entered(options: dict[str, Any]) -> Secret:
    """The secret a person gives: typed without an echo, piped, or in a file; never an argument, which others see."""
    kind = BEARER if options["bearer"] else "Admin key"
    if options["file"]:
        try:
            text = Path(options["file"]).read_text()[:LARGEST]
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise CommandError(f"{options['file']} cannot be read: {reason}") from None
    elif sys.stdin.isatty():
        text = getpass.getpass(f"{kind}: ")
    else:
        text = sys.stdin.read(LARGEST)
    return secret_of(text, "what was given", is_bearer=options["bearer"])


def _tried(secret: Secret) -> tuple[str, str]:
    """Ask the vendor whose it is. Shape: id and name. Raises: CannotConnect with the vendor's sentence and a hint."""
    with AdminClient(
        settings.UPSTREAM_URL, lambda: secret, proxy=settings.HTTPS_PROXY, ca_bundle=settings.CA_BUNDLE
    ) as opened:
        return identify(opened, secret)


def _who() -> str:
    """The account of this machine that enters a credential."""
    with contextlib.suppress(KeyError, OSError):
        return getpass.getuser()[:80]
    return f"user number {os.geteuid()}"
