"""Connecting to an organization: the client of one credential, whose credential it is, and what it can do."""

import logging
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest import availability
from costwatch.ingest.gate import gate_of
from costwatch.ingest.models import Source
from costwatch.secrets import book, configured
from costwatch.secrets.configured import Configured
from costwatch.upstream import organization as lists
from costwatch.upstream import usage
from costwatch.upstream.client import AdminClient
from costwatch.upstream.credential import MissingCredential, Secret
from costwatch.upstream.errors import Refused, UpstreamError
from costwatch.upstream.pages import Window

CONSOLE = "https://console.anthropic.com/settings/admin-keys"
UNNAMED = "Organization"
log = logging.getLogger(__name__)


class CannotConnect(Exception):
    """The organization cannot be read: the vendor's sentence and what to do about it.

    `is_refused`: the vendor, or we, said no to this very credential; asking again at once would not help.
    `request_id` is the vendor's, empty where nobody was asked.
    """

    def __init__(self, what: str, *, is_refused: bool = False, request_id: str = "") -> None:
        super().__init__(what)
        self.is_refused, self.request_id = is_refused, request_id


@dataclass(frozen=True, slots=True)
class Connection:
    """A client and the organization its key belongs to."""

    client: AdminClient
    organization: Organization


def client(label: str = "") -> AdminClient:
    """The client of the configured origin with one credential. Raises: CannotConnect when the settings are wrong."""
    one = _found(label)
    try:
        # Read here once: what is encrypted in the database is not opened by the threads that fetch.
        one.read()
        return AdminClient(
            settings.UPSTREAM_URL,
            one.read,
            proxy=settings.HTTPS_PROXY,
            ca_bundle=settings.CA_BUNDLE,
            gate=gate_of(label),
        )
    except MissingCredential as error:
        raise _unusable(error) from None
    except (ValueError, OSError) as error:
        raise CannotConnect(f"COSTWATCH_UPSTREAM_URL or COSTWATCH_CA_BUNDLE: {error}") from None


def connect(with_client: AdminClient, label: str = "") -> Connection:
    """Find out whose credential this is; it is judged by what it can do.

    Raises: CannotConnect with the vendor's sentence and what to do; UpstreamError when nobody answers.
    """
    one = _found(label)
    try:
        try:
            identity, name = identify(with_client, one.read())
            organization = _claimed(identity, name, one)
        except CannotConnect as error:
            if error.is_refused:
                book.refused(one, str(error))
            raise
        if book.used(one, organization.external_id):
            # Another key may read what the one before it could not.
            _reopen(organization)
    except MissingCredential as error:
        raise _unusable(error) from None
    return Connection(with_client, organization)


def identify(with_client: AdminClient, secret: Secret) -> tuple[str, str]:
    """The id and the name of the organization a secret reads.

    Raises: CannotConnect with the vendor's sentence and what to do; UpstreamError; MissingCredential.
    """
    try:
        found = lists.me(with_client)
    except Refused as error:
        return _identify_by_usage(with_client, error, secret), UNNAMED
    return found.id[:200], found.name


def _identify_by_usage(with_client: AdminClient, refusal: Refused, secret: Secret) -> str:
    """A key may be refused its organization's name and still read usage: one bucket tells, and names it."""
    hour = clock.floor_hour(clock.now())
    window = Window(hour - clock.HOUR, hour)
    params = [
        ("starting_at", clock.rfc3339(window.start)),
        ("ending_at", clock.rfc3339(window.end)),
        ("bucket_width", "1h"),
        ("limit", "1"),
    ]
    try:
        answer = with_client.get(usage.PATH, params)
    except UpstreamError as error:
        said = f"{refusal} {advice(refusal, secret)}"
        is_refused = isinstance(error, Refused) and refusal.is_about_the_key and error.is_about_the_key
        raise CannotConnect(said, is_refused=is_refused, request_id=refusal.request_id) from None
    return (answer.organization_id or "unknown")[:200]


def _claimed(identity: str, name: str, one: Configured) -> Organization:
    """The organization, which this credential reads from now on.

    Raises: CannotConnect where another credential reads it already: it is not read twice.
    """
    with transaction.atomic():
        organization, _ = Organization.objects.select_for_update().get_or_create(
            external_id=identity, defaults={"name": name, "created_at": clock.now()}
        )
        changed = []
        if not organization.is_read or organization.credential != one.label:
            _refuse_second(organization, one)
            # Under this label another organization's secret stood before.
            for former in Organization.objects.filter(is_read=True, credential=one.label):
                release(former)
            organization.is_read, organization.credential = True, one.label
            changed += ["is_read", "credential"]
            availability.reopen(
                Source.objects.filter(organization=organization, reason=availability.REMOVED), clock.now()
            )
        if organization.name != name and name != UNNAMED:
            organization.name = name.replace("\x00", "\u2400")
            changed.append("name")
        if changed:
            organization.save(update_fields=changed)
    return organization


def _refuse_second(organization: Organization, one: Configured) -> None:
    """Raises: CannotConnect where another credential reads the organization, and still is the one that did."""
    others = configured.credentials() if organization.is_read else []
    other = next((each for each in others if each.label == organization.credential), None)
    if other is None or book.is_new(other):
        return
    raise CannotConnect(
        f"{one.shown} and {other.shown} belong to the same organization ({organization}). It is read with "
        f"{repr(other.label) if other.label else 'the latter'}; remove the other one.",
        is_refused=True,
    )


def release(organization: Organization) -> None:
    """Say on its sources that nobody reads an organization any more. What was read of it stays."""
    log.warning("the credential %r of %s is gone; what was read stays", organization.credential, organization)
    with transaction.atomic():
        Organization.objects.filter(pk=organization.pk).update(is_read=False, credential="")
        availability.close(Source.objects.filter(organization=organization), availability.REMOVED, clock.now())


def _reopen(organization: Organization) -> None:
    with transaction.atomic():
        availability.reopen(Source.objects.filter(organization=organization, available=False), clock.now())
    Source.objects.filter(organization=organization).update(paused_until=None)


def _found(label: str) -> Configured:
    try:
        return configured.find(label)
    except MissingCredential as error:
        raise _unusable(error) from None


def _unusable(error: MissingCredential) -> CannotConnect:
    return CannotConnect(f"{error}. {error.do}" if error.do else str(error))


def advice(refusal: Refused, secret: Secret | None) -> str:
    """What to do about a refused credential. Its prefix only chooses the hint."""
    if secret is None:
        return f"Set COSTWATCH_ADMIN_KEY_FILE to a file that holds an Admin key ({CONSOLE})."
    if secret.is_ordinary_key:
        return (
            "This is an ordinary API key, made for calling models in one workspace; reading the reports of an "
            f"organization takes an Admin key (sk-ant-admin01-…), which an admin makes at {CONSOLE}."
        )
    if secret.is_bearer:
        return "The Bearer token must be valid now and have the scope org:admin; look at what writes its file."
    if refusal.status == 401:
        return f"The key is wrong, was deleted, or was not copied whole; make a new Admin key at {CONSOLE}."
    return f"The key may not read this; an admin of the organization can make one that may at {CONSOLE}."
