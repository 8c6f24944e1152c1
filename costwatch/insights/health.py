"""Whether the data of an organization is complete and fresh: each source, and only what is wrong."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from django.db.models import Count, Max, Min

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest import heartbeat
from costwatch.ingest.availability import REMOVED
from costwatch.ingest.lease import database_now
from costwatch.ingest.models import Coverage, Installation, Lease, Novelty, Quarantined, Source, State
from costwatch.ingest.progress import Progress, progress
from costwatch.ingest.sources import BASIS, EVERY, SOURCES
from costwatch.insights.coverage_calendar import MISSING, UNREAD, Calendar, read_since
from costwatch.insights.health_failures import told
from costwatch.insights.health_proofs import control_totals, proofs
from costwatch.insights.health_runs import RunLine, Usual, last_run, usual
from costwatch.insights.standings import Standing, standings

RATE_OVER = timedelta(minutes=2)
# Below that a rate says nothing yet.
RATE_NEEDS = timedelta(seconds=3)
ROWS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """One source. Shape: `state` is closed, failing, late, unread, reading, gaps, inconsistent or complete."""

    source: str
    state: str
    reason: str
    through: datetime | None
    whole_until: datetime | None
    last_success: datetime | None
    paused_until: datetime | None
    failures: int
    is_at_work: bool
    usual: Usual
    last_run: RunLine | None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Shape: `kind` is unconnected, silent, failing, late, gap, inconsistent, set_aside, differs, unproved, closed or
    let_go;
    `sources` those it is about (of `silent`: the part); `why` the vendor's or our sentence, with the `request` it came
    with.
    Levels: danger, warn, info.
    """

    kind: str
    level: str
    sources: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    count: int = 0
    why: str = ""
    request: str = ""
    again: datetime | None = None


@dataclass(frozen=True, slots=True)
class Backfill:
    """How far the history is read: days done of all, how fast, and how long it takes still.

    `days_a_minute` and `left` are None where nothing was read lately.
    """

    progress: Progress
    days_a_minute: float | None
    left: timedelta | None


@dataclass(frozen=True, slots=True)
class New:
    """A field or value of a report that this version does not know."""

    source: str
    path: str
    value: str
    first_seen: datetime
    last_seen: datetime
    seen: int


@dataclass(frozen=True, slots=True)
class Aside:
    """A row of a report that could not be recorded."""

    source: str
    bucket: datetime
    reason: str
    raw: str
    seen_at: datetime


def sources(organization: Organization, cover: Calendar) -> list[SourceHealth]:
    """Every source there is, in the order they are read."""
    known = {one.source: one for one in standings(organization)}
    rows = {row.name: row for row in Source.objects.filter(organization=organization)}
    at_work = set(
        Lease.objects.filter(organization=organization, expires_at__gte=database_now()).values_list("source", flat=True)
    )
    names = [*SOURCES, *sorted(set(known) - set(SOURCES))]
    return [_source(organization, name, known.get(name), rows.get(name), cover, name in at_work) for name in names]


def _source(
    organization: Organization,
    name: str,
    standing: Standing | None,
    row: Source | None,
    cover: Calendar,
    is_at_work: bool,
) -> SourceHealth:
    return SourceHealth(
        source=name,
        state=_state(name, row, cover, is_at_work),
        reason=(row.last_error if row.available else row.reason) if row else "",
        through=standing.through if standing else None,
        whole_until=standing.whole_until if standing else None,
        last_success=row.last_success_at if row else None,
        paused_until=row.paused_until if row else None,
        failures=row.failures if row else 0,
        is_at_work=is_at_work,
        usual=usual(organization, name),
        last_run=last_run(organization, name),
    )


def _state(name: str, row: Source | None, cover: Calendar, is_at_work: bool) -> str:
    if row is None:
        return "unread"
    if not row.available:
        return "closed"
    if row.failures:
        return "failing"
    buckets = cover.of(name)
    if row.last_success_at is None:
        return "reading" if is_at_work else "unread"
    if is_late(row):
        return "late"
    if buckets.get(UNREAD):
        return "reading"
    if buckets.get(MISSING):
        return "gaps"
    return "inconsistent" if buckets.get(State.INCONSISTENT) else "complete"


def is_late(row: Source) -> bool:
    """Whether a source that worked before has not worked for longer than it may."""
    if clock.is_frozen() or row.last_success_at is None:
        return False
    return clock.now() - row.last_success_at > allowed_age(row.name)


def allowed_age(source: str) -> timedelta:
    """How old the newest success of a source may be."""
    return EVERY[source].late_after


def problems(organization: Organization, found: list[SourceHealth], cover: Calendar) -> list[Problem]:
    """Everything that is wrong, worst first."""
    made = [
        *_unconnected(found),
        *_silent(),
        *_failing(found),
        *(Problem("late", "warn", (one.source,), one.last_success) for one in found if one.state == "late"),
        *(Problem("gap", "warn", (gap.source,), gap.start, gap.end) for gap in cover.gaps),
        *_inconsistent(organization),
        *_set_aside(organization),
        *_differing(organization),
        *_unproved(organization),
        *_closed(found),
    ]
    order = {"danger": 0, "warn": 1, "info": 2}
    return sorted(made, key=lambda one: order[one.level])


def _unconnected(found: list[SourceHealth]) -> Iterator[Problem]:
    """Nobody can be reached with a configured key; where this organization is read, it is another one's."""
    said = Installation.objects.exclude(connect_error="").values_list("connect_error", flat=True).first()
    if said:
        why, request = told(said)
        is_read = any(one.last_success for one in found) and not any(one.state == "failing" for one in found)
        yield Problem("unconnected", "warn" if is_read else "danger", why=why, request=request)


def _silent() -> Iterator[Problem]:
    """The scheduler that rings every minute, or the workers that hear it, gave no sign of life for three (TSK-06)."""
    if silent := heartbeat.silent():
        yield Problem("silent", "danger", (silent.role,), silent.at)


def _failing(found: list[SourceHealth]) -> Iterator[Problem]:
    """Sources that cannot be read, those with one cause together."""
    failing = sorted(((told(one.reason), one) for one in found if one.state == "failing"), key=lambda pair: pair[0][0])
    for why, pairs in groupby(failing, key=lambda pair: pair[0][0]):
        together = list(pairs)
        those = [one for _, one in together]
        yield Problem(
            "failing",
            "danger",
            tuple(one.source for one in found if one in those),
            min((one.last_success for one in those if one.last_success), default=None),
            count=len(those),
            why=why,
            request=next((request for (_, request), _ in together if request), ""),
            again=max((one.paused_until for one in those if one.paused_until), default=None),
        )


def _closed(found: list[SourceHealth]) -> Iterator[Problem]:
    """What the key may not read; of an organization that no credential reads any more, that it is so."""
    closed = [one for one in found if one.state == "closed"]
    if gone := [one for one in closed if one.reason == REMOVED]:
        yield Problem("let_go", "warn", since=max((one.last_success for one in gone if one.last_success), default=None))
    for one in closed:
        if one in gone:
            continue
        why, request = told(one.reason)
        is_basis = one.source == BASIS
        since = one.last_success if is_basis else None
        yield Problem("closed", "danger" if is_basis else "info", (one.source,), since, why=why, request=request)


def _inconsistent(organization: Organization) -> Iterator[Problem]:
    """Hours whose last good values stand because a later read did not add up."""
    rows = Coverage.objects.filter(organization=organization, state=State.INCONSISTENT, rejected=0)
    counted = rows.values_list("source").annotate(number=Count("start"), first=Min("start"), last=Max("end"))
    for source, number, first, last in counted.order_by("source"):
        yield Problem("inconsistent", "warn", (source,), first, last, number)


def _differing(organization: Organization) -> Iterator[Problem]:
    """Settled buckets whose rows do not come to the vendor's own total."""
    for one in control_totals(organization):
        if one.differing:
            yield Problem("differs", "warn", (one.source,), one.first, one.last, one.differing)


def _unproved(organization: Organization) -> Iterator[Problem]:
    """Proofs of the night that did not hold (MON-15)."""
    for one in proofs(organization):
        if not one.ok:
            yield Problem("unproved", "danger", (), one.checked_at, why=one.detail.partition("\n")[0])


def _set_aside(organization: Organization) -> Iterator[Problem]:
    """Rows of a report that could not be recorded."""
    rows = Quarantined.objects.filter(organization=organization).values_list("source")
    counted = rows.annotate(number=Count("id"), first=Min("bucket_start"), last=Max("bucket_start"), why=Max("reason"))
    for source, number, first, last, why in counted.order_by("source"):
        yield Problem("set_aside", "warn", (source,), first, last, number, told(why)[0])


def backfill(organization: Organization, cover: Calendar) -> Backfill | None:
    """How far the history is read; None when all of it is."""
    if not cover.count(UNREAD):
        return None
    far = progress(organization)
    now = clock.now()
    days, first = read_since(organization, now - RATE_OVER)
    if first is None or now - first < RATE_NEEDS or not days:
        return Backfill(far, None, None)
    rate = days / ((now - first) / timedelta(minutes=1))
    return Backfill(far, rate, timedelta(minutes=(far.total - far.done) / rate))


def news(organization: Organization) -> list[New]:
    """New fields and values, the newest first."""
    rows = Novelty.objects.filter(organization=organization).order_by("-first_seen_at", "-pk")
    fields = ("source", "path", "value", "first_seen_at", "last_seen_at", "seen")
    return [New(*row) for row in rows.values_list(*fields)[:ROWS_SHOWN]]


def set_aside(organization: Organization) -> tuple[list[Aside], Counter[str]]:
    """The newest rows that could not be recorded, and how many there are for which reason."""
    rows = Quarantined.objects.filter(organization=organization)
    fields = ("source", "bucket_start", "reason", "raw", "seen_at")
    reasons = rows.values_list("reason").annotate(number=Count("id")).order_by("-number", "reason")
    newest = [Aside(*row) for row in rows.order_by("-pk").values_list(*fields)[:ROWS_SHOWN]]
    return newest, Counter(dict(reasons[:ROWS_SHOWN]))
