"""What is late or wrong in the data: sources, history, and what could not be recorded or priced."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from django.conf import settings
from django.db.models import Count, Max, Min

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest import availability
from costwatch.ingest.examine.line import FAIL, NOTE, OK, WARN, Line, counted, first_line
from costwatch.ingest.models import Coverage, Installation, Novelty, Quarantined, Source, State
from costwatch.ingest.reached import through
from costwatch.ingest.sources import BASIS, EVERY, SOURCES, WINDOWED
from costwatch.ledger.models import SeriesDay

GROUP = "Data"
NAMES_SHOWN = 5
line = partial(Line, GROUP)


def data() -> Iterator[Line]:
    """Every line about the data of every organization. Reads the database only."""
    held = Installation.objects.first()
    if held and held.connect_error:
        yield line(FAIL, f"the last connection failed: {first_line(held.connect_error)}", "See Upstream above.")
    organizations = list(Organization.objects.order_by("pk"))
    if not organizations:
        yield line(NOTE, "nothing has been read yet", "Start make run, or read once with manage.py sync.")
    for organization in organizations:
        if len(organizations) > 1:
            yield line(OK, f"organization {organization.name!r} ({organization.external_id})")
        for source in SOURCES:
            yield from _source(organization, source)
        yield from _wrong(organization)
        yield from _unpriced(organization)
        yield from _new(organization)


def _source(organization: Organization, name: str) -> Iterator[Line]:
    now = clock.now()
    health = Source.objects.filter(organization=organization, name=name).first()
    if health is None:
        yield line(NOTE, f"{name}: not read yet", f"Start make run, or manage.py sync --source {name}.")
        return
    fresh = _fresh(organization, name, health)
    if not health.available:
        is_absent = availability.is_absent(health.reason)
        closed = "not there for this organization" if is_absent else "closed to this key"
        is_stop = name == BASIS and health.reason != availability.REMOVED
        do = "Nothing to do; it is asked again daily." if is_absent else "Give the key this right, if it is wanted."
        yield line(
            FAIL if is_stop else WARN,
            f"{name}: {closed}: {first_line(health.reason)}",
            "Use a key with this right." if is_stop else do,
        )
    elif health.paused_until and health.paused_until > now:
        yield line(
            FAIL,
            f"{name}: {fresh}; paused until {_at(health.paused_until)} after {counted(health.failures, 'failure')}: "
            f"{first_line(health.last_error)}",
            "See Upstream above. It is tried again by itself then; at once with manage.py sync.",
        )
    elif health.failures or (health.last_error_at and not health.last_success_at):
        yield line(
            FAIL,
            f"{name}: {fresh}; failing ({health.failures} in a row), last: {first_line(health.last_error)}",
            "See Upstream above. It is tried again by itself.",
        )
    elif health.last_success_at and now - health.last_success_at > EVERY[name].late_after and not clock.is_frozen():
        yield line(
            WARN,
            f"{name}: {fresh}; late, last read {_at(health.last_success_at)}",
            "Start make run, or read once with manage.py sync.",
        )
    else:
        yield line(OK, f"{name}: {fresh}")
    if name in WINDOWED and health.available:
        yield from _history(organization, name, now)


def _fresh(organization: Organization, name: str, health: Source) -> str:
    which = WINDOWED.get(name)
    if which is None:
        return f"read {_at(health.last_success_at)}" if health.last_success_at else "never read"
    reached = through(Coverage.objects.filter(organization=organization, source=which.coverage[-1]))
    return f"fresh until {_at(reached)}" if reached else "nothing read"


def _history(organization: Organization, name: str, now: datetime) -> Iterator[Line]:
    """Gaps between the oldest and the newest bucket read, and how much older history is still to come."""
    which = WINDOWED[name]
    width = which.cadence.width
    unit = "day" if width == clock.DAY else "hour"
    rows = Coverage.objects.filter(organization=organization, source=which.coverage[-1])
    read = rows.aggregate(first=Min("start"), last=Max("start"), number=Count("start"))
    if not read["number"]:
        return
    span = (read["last"] - read["first"]) // width + 1
    gaps = span - read["number"]
    try:
        begins = which.since(organization, now)
    except ValueError:
        begins = read["first"]
    older = max(0, (read["first"] - begins) // width)
    if gaps:
        yield line(
            WARN,
            f"{name}: {counted(gaps, unit)} missing since {_at(read['first'])}",
            f"They are read by themselves while costwatch runs, or now with manage.py sync --source {name}.",
        )
    if older:
        yield line(
            NOTE,
            f"{name}: {counted(older, unit)} of older history not read yet",
            f"They follow while costwatch runs, or now with manage.py sync --source {name}.",
        )
    if not gaps and not older:
        yield line(OK, f"{name}: no gap in {counted(span, unit)} since {read['first']:%Y-%m-%d}")


def _wrong(organization: Organization) -> Iterator[Line]:
    mine = Coverage.objects.filter(organization=organization)
    odd = mine.filter(state=State.INCONSISTENT, rejected=0).aggregate(number=Count("start"), first=Min("start"))
    if odd["number"]:
        yield line(
            WARN,
            f"{counted(odd['number'], 'hour')} did not add up when read again, the first at {_at(odd['first'])}",
            f"Their last good values stand. Read again: manage.py sync --source usage --since {odd['first']:%Y-%m-%d}.",
        )
    aside = Quarantined.objects.filter(organization=organization).aggregate(number=Count("id"), reason=Max("reason"))
    if aside["number"]:
        yield line(
            WARN,
            f"{counted(aside['number'], 'report row')} could not be recorded, kept: {first_line(aside['reason'])}",
            "Update costwatch: a newer version may know them. Their hours are read again then.",
        )
    held = SeriesDay.objects.filter(held=True, series__organization=organization).aggregate(
        number=Count("day"), last=Max("day")
    )
    if held["number"]:
        yield line(
            FAIL,
            f"{counted(held['number'], 'charge')} too large for SQLite, held back, the last on {held['last']}",
            "Move to PostgreSQL (DATABASE_URL); the counts are complete and are priced there.",
        )


def _unpriced(organization: Organization) -> Iterator[Line]:
    rows = SeriesDay.objects.filter(
        unpriced_tokens__gt=0, held=False, day__gte=clock.month_start(clock.today()), series__organization=organization
    )
    sums: dict[str, int] = {}
    # Summed here: SQLite's own sum of large integers overflows.
    for model, tokens in rows.values_list("series__model", "unpriced_tokens"):
        sums[model] = sums.get(model, 0) + tokens
    if not sums:
        return
    models = sorted(sums, key=lambda name: -sums[name])
    yield line(
        WARN,
        f"{sum(sums.values())} tokens of this month have no price and are in no total: {_listed(models)}",
        "Details: manage.py report unpriced. Add a price with an overlay (COSTWATCH_PRICES_FILE), or update costwatch."
        + (f" Check it: python -m pricing check {settings.PRICES_FILE}" if settings.PRICES_FILE else ""),
    )


def _new(organization: Organization) -> Iterator[Line]:
    seen = Novelty.objects.filter(organization=organization).order_by("source", "path", "value")
    names = [f"{one.source}: {one.path}" + (f" = {one.value!r}" if one.value else "") for one in seen]
    if names:
        yield line(
            NOTE,
            f"new in the reports, unknown to this version: {len(names)}: {_listed(names)}",
            "Nothing is lost. Look for a newer version of costwatch.",
        )


def _listed(names: list[str]) -> str:
    more = len(names) - NAMES_SHOWN
    shown = ", ".join(
        name.encode("ascii", "backslashreplace").decode()[:80] or "(no name)" for name in names[:NAMES_SHOWN]
    )
    return shown + (f" and {more} more" if more > 0 else "")


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
