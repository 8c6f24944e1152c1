"""Connecting to an organization: the client from the settings, and what the key can do."""

from dataclasses import dataclass

from django.conf import settings

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.upstream import organization as lists
from costwatch.upstream import usage
from costwatch.upstream.client import AdminClient
from costwatch.upstream.credential import MissingCredential, admin_key
from costwatch.upstream.errors import Refused, UpstreamError
from costwatch.upstream.pages import Window

CONSOLE = "https://console.anthropic.com/settings/admin-keys"


class CannotConnect(Exception):
    """The organization cannot be read: the vendor's sentence and what to do about it."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A client and the organization its key belongs to."""

    client: AdminClient
    organization: Organization


def client() -> AdminClient:
    """The client of the configured origin. Raises: CannotConnect when the settings are wrong."""
    try:
        return AdminClient(settings.UPSTREAM_URL, admin_key, proxy=settings.HTTPS_PROXY, ca_bundle=settings.CA_BUNDLE)
    except (ValueError, OSError) as error:
        raise CannotConnect(f"COSTWATCH_UPSTREAM_URL or COSTWATCH_CA_BUNDLE: {error}") from None


def connect(with_client: AdminClient) -> Connection:
    """Find out whose key this is; a key is judged by what it can do.

    Raises: CannotConnect with the vendor's sentence and what to do; UpstreamError when nobody answers.
    """
    try:
        found = lists.me(with_client)
        identity, name = found.id, found.name
    except MissingCredential as error:
        raise CannotConnect(str(error)) from None
    except Refused as error:
        identity, name = _identify_by_usage(with_client, error), "Organization"
    organization, _ = Organization.objects.get_or_create(
        external_id=identity[:200], defaults={"name": name, "created_at": clock.now()}
    )
    if organization.name != name and name != "Organization":
        organization.name = name.replace("\x00", "\u2400")
        organization.save(update_fields=["name"])
    return Connection(with_client, organization)


def _identify_by_usage(with_client: AdminClient, refusal: Refused) -> str:
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
    except UpstreamError:
        raise CannotConnect(f"{refusal} {advice(refusal)}") from None
    return answer.organization_id or "unknown"


def advice(refusal: Refused) -> str:
    """What to do about a refused key. The prefix only chooses the hint."""
    try:
        key = admin_key().reveal()
    except Exception:
        return f"Set COSTWATCH_ADMIN_KEY_FILE to a file that holds an Admin key ({CONSOLE})."
    if key.startswith("sk-ant-api"):
        return (
            "This is an ordinary API key, made for calling models in one workspace; reading the reports of an "
            f"organization takes an Admin key (sk-ant-admin01-…), which an admin makes at {CONSOLE}."
        )
    if refusal.status == 401:
        return f"The key is wrong, was deleted, or was not copied whole; make a new Admin key at {CONSOLE}."
    return f"The key may not read this; an admin of the organization can make one that may at {CONSOLE}."
