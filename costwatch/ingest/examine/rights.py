"""What each credential is permitted: every source asked once, all at the same time."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from django.conf import settings

from costwatch import clock
from costwatch.ingest.connect import advice
from costwatch.ingest.examine.line import FAIL, NOTE, OK, WARN, Line, TookTooLong, within
from costwatch.secrets import configured
from costwatch.secrets.configured import Configured
from costwatch.upstream import cost, organization, usage
from costwatch.upstream.client import TOLERATED_SKEW_SECONDS, AdminClient
from costwatch.upstream.credential import MissingCredential, Secret
from costwatch.upstream.errors import Refused, UpstreamError
from costwatch.upstream.pages import Window

GROUP = "Upstream"
SECONDS = 5.0
line = partial(Line, GROUP)


@dataclass(frozen=True, slots=True)
class Probe:
    """One question to the Admin API: what it is about, how it is asked, and what goes without the answer."""

    name: str
    ask: Callable[[AdminClient], str]
    without: str


class Once(Exception):
    """A first try failed; an examination does not wait for a second one."""


def rights() -> Iterator[Line]:
    """Every source of every credential: ok, refused with the vendor's sentence, or unreachable."""
    if settings.PRODUCTION and not settings.HAS_CREDENTIALS and not settings.SANDBOX:
        yield line(NOTE, "not asked: there is no Admin key here", "Run manage.py doctor where the worker runs.")
        return
    try:
        found = configured.credentials()
    except MissingCredential:
        found = []
    if not found:
        yield line(FAIL, "nothing can be asked: there is no credential", "Correct the lines about it above.")
    for one in found:
        for told in _rights(one):
            yield replace(told, group=f"{GROUP}, {one.label}") if one.label else told


def _rights(one: Configured) -> Iterator[Line]:
    try:
        client = AdminClient(
            settings.UPSTREAM_URL,
            one.read,
            proxy=settings.HTTPS_PROXY,
            ca_bundle=settings.CA_BUNDLE,
            sleep=_no_second_try,
        )
    except (ValueError, OSError):
        yield line(
            FAIL, "nothing can be asked: the upstream is not configured", "Correct the lines under Configuration."
        )
        return
    began = time.monotonic()
    outcomes = within(SECONDS, {probe.name: partial(probe.ask, client) for probe in PROBES})
    took = time.monotonic() - began
    yield from _told(outcomes, one)
    yield from _clock(client.traffic.skew_seconds)
    if took > SECONDS / 2 and not any(isinstance(one, Exception) for one in outcomes.values()):
        yield line(NOTE, f"the answers took {took:.1f} s", "Look at the network or the proxy in between.")


def _clock(skew: float | None) -> Iterator[Line]:
    """How far this machine's clock and the vendor's are apart: what is due is told by ours (HTTP-15)."""
    if skew is not None and abs(skew) > TOLERATED_SKEW_SECONDS:
        which = "behind" if skew > 0 else "ahead of"
        yield line(WARN, f"this machine's clock is {abs(skew):.0f} s {which} the vendor's", "Let it be set by NTP.")


def _told(outcomes: dict[str, str | Exception], one: Configured) -> Iterator[Line]:
    """One line for each source; those that failed alike share one."""
    failed: dict[tuple[str, str, str], list[str]] = {}
    reads_nothing = all(isinstance(outcomes[name], Refused) for name in (USAGE, COST))
    for probe in PROBES:
        outcome = outcomes[probe.name]
        if not isinstance(outcome, Exception):
            yield line(OK, f"{probe.name}: {outcome}")
            continue
        mark, what, do = _judged(probe, outcome, one)
        if mark == WARN and reads_nothing and probe.name in (USAGE, COST):
            mark = FAIL
        failed.setdefault((mark, what, do), []).append(probe.name)
    for (mark, what, do), names in failed.items():
        yield line(mark, f"{', '.join(names)}: {what}", do)


def _judged(probe: Probe, error: Exception, one: Configured) -> tuple[str, str, str]:
    """The mark, what happened, and what to do."""
    if isinstance(error, Refused):
        said = f"refused: {error.status} {error.kind}: {error.sentence}"
        if error.status == 401:
            return FAIL, said, advice(error, _secret(one))
        if probe.name == SPEED:
            return NOTE, said, probe.without
        return WARN, said, f"{probe.without} {advice(error, _secret(one))}"
    if isinstance(error, MissingCredential):
        return FAIL, f"not asked: {error}", "Correct the line about the key above."
    cause = error.__context__ if isinstance(error, Once) else error
    if isinstance(cause, UpstreamError | TookTooLong):
        what = f"unreachable: {cause}"
    elif isinstance(error, Once):
        what = "unreachable: the Admin API is busy or failing"
    else:
        what = f"not understood: {type(error).__name__}: {error}"
    return (
        FAIL,
        what,
        (
            "Look at the network (COSTWATCH_HTTPS_PROXY, COSTWATCH_CA_BUNDLE) and the vendor's status page; what was "
            "read stays, and reading goes on by itself."
        ),
    )


def _secret(one: Configured) -> Secret | None:
    try:
        return one.read()
    except MissingCredential:
        return None


def _no_second_try(seconds: float) -> None:
    raise Once


def _me(client: AdminClient) -> str:
    found = organization.me(client)
    return f"{found.name!r} ({found.id})"


def _usage(client: AdminClient, chain: usage.Chain) -> str:
    end = clock.floor_hour(clock.now())
    report = usage.read(client, Window(end - clock.HOUR, end), chain, limit=1)
    return f"one hour read, {sum(len(bucket.rows) for bucket in report.buckets)} rows"


def _cost(client: AdminClient) -> str:
    end = clock.floor_day(clock.now())
    report = cost.read(client, Window(end - timedelta(days=1), end), limit=1)
    return f"one day read, {sum(len(bucket.rows) for bucket in report.buckets)} lines"


def _count(read: Callable[[AdminClient], Iterator[object]], client: AdminClient) -> str:
    return f"{sum(1 for _ in read(client))} read"


ME, USAGE, SPEED, COST = "organization", "usage", "usage by speed", "cost report"
PROBES = (
    Probe(ME, _me, "The organization goes without its name; the rest works."),
    Probe(USAGE, lambda client: _usage(client, usage.BASE), "Without usage there is only what the cost report says."),
    Probe(
        SPEED,
        lambda client: _usage(client, usage.FAST),
        "Nothing to do unless you use fast mode: all usage counts as standard speed.",
    ),
    Probe(COST, _cost, "Without the cost report there is only what we compute, and nothing to compare it with."),
    Probe("workspaces", partial(_count, organization.workspaces), "Workspaces go by their ids."),
    Probe("API keys", partial(_count, organization.api_keys), "API keys go by their ids."),
    Probe("members", partial(_count, organization.users), "Members are not shown."),
)
