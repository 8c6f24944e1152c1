"""What a day's minutes came to beside their limits: peaks and percentiles that outlive the minutes."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import Sum

from costwatch import clock
from costwatch.directory.limits import Group, Limits, limits_at
from costwatch.directory.models import ORGANIZATION_WIDE, Organization
from costwatch.ledger.models import LimitDay, LimitDayMade, MinuteFact

# Reads of the cache count against the input limit of these families alone. Source: rate-limits guide, 2026-08.
READS_COUNT = ("claude-3-5-haiku", "claude-haiku-3-5")
# These have pools of their own, whose use the report does not show by the minute.
APART = ("batch", "priority", "priority_on_demand")
MINUTES_A_DAY = 1440


class Use(NamedTuple):
    """Tokens of one minute that count against limits."""

    input: int
    cache_reads: int
    output: int


@dataclass(frozen=True, slots=True)
class Figures:
    """How some minutes stood beside a limit. Units: as the limiter's; `peak_at` is the place of the peak minute."""

    peak: int
    peak_at: int
    p95: int
    median: int
    minutes_active: int
    minutes_over_80: int
    minutes_over_95: int
    minutes_over_100: int


def figures(values: Mapping[int, int], limit: int | None) -> Figures | None:
    """The figures of the minutes with usage, by their place; None where there is none. Percentiles by nearest rank."""
    active = {place: value for place, value in values.items() if value}
    if not active:
        return None
    ordered = sorted(active.values())
    peak = ordered[-1]

    def rank(share: int) -> int:
        return ordered[max(0, -(-len(ordered) * share // 100) - 1)]

    def over(share: int) -> int:
        return 0 if limit is None else sum(value * 100 > limit * share for value in ordered)

    return Figures(
        peak=peak,
        peak_at=min(place for place, value in active.items() if value == peak),
        p95=rank(95),
        median=rank(50),
        minutes_active=len(ordered),
        minutes_over_80=over(80),
        minutes_over_95=over(95),
        minutes_over_100=over(100),
    )


# What each limiter counts of a minute; requests and queues are in no report by the minute.
LIMITERS: Mapping[str, Callable[[Use], int]] = {
    "input_tokens_per_minute": lambda use: use.input + use.cache_reads,
    "input_tokens_per_minute_cache_aware": lambda use: use.input,
    "output_tokens_per_minute": lambda use: use.output,
    "tokens_per_minute": lambda use: use.input + use.cache_reads + use.output,
}
FAST_LIMITERS: Mapping[str, Callable[[Use], int]] = {
    "fast_itpmca": lambda use: use.input,
    "fast_otpm": lambda use: use.output,
}
# Where no limit is known, both are still shown.
UNLIMITED = ("input_tokens_per_minute", "output_tokens_per_minute")


def make_day(organization: Organization, day: date) -> int:
    """Make the figures of one day from its minutes, in place of those made before. Shape: how many rows."""
    limits = limits_at(organization, clock.midnight(day) + clock.DAY)
    rows = list(_rows(organization, day, limits))
    with transaction.atomic():
        LimitDay.objects.filter(organization=organization, day=day).delete()
        LimitDay.objects.bulk_create(rows)
        LimitDayMade.objects.update_or_create(organization=organization, day=day, defaults={"made_at": clock.now()})
    return len(rows)


def _rows(organization: Organization, day: date, limits: Limits) -> Iterator[LimitDay]:
    start = clock.midnight(day)
    for (group, is_fast), by_workspace in _used(organization.pk, start, limits).items():
        for workspace, minutes in by_workspace.items():
            known = {
                one.limiter: (one.value, "organization" if one.is_inherited or not workspace else "workspace")
                for one in limits.of(workspace)
                if one.group.id == group.id
            }
            counted = FAST_LIMITERS if is_fast else LIMITERS
            named = [name for name in counted if name in known]
            if not is_fast and not any(name.startswith("input") for name in named):
                named = [*dict.fromkeys([*named, *UNLIMITED])]
            for name in named:
                limit, source = known.get(name, (None, "organization"))
                made = figures({place: counted[name](use) for place, use in minutes.items()}, limit)
                if made is None:
                    continue
                yield LimitDay(
                    organization=organization,
                    day=day,
                    group_id=group.id,
                    group=group.name or group.id,
                    workspace_key=workspace,
                    limiter=name,
                    limit=limit,
                    source=source,
                    peak=made.peak,
                    peak_at=start + timedelta(minutes=made.peak_at),
                    p95=made.p95,
                    median=made.median,
                    minutes_active=made.minutes_active,
                    minutes_over_80=made.minutes_over_80,
                    minutes_over_95=made.minutes_over_95,
                    minutes_over_100=made.minutes_over_100,
                )


_Used = dict[tuple[Group, bool], dict[str, dict[int, Use]]]


def _used(organization_id: int, start: datetime, limits: Limits) -> _Used:
    """What counts against limits in each minute of a day: by group and pool, then workspace; "" sums them all."""
    rows = (
        MinuteFact.objects.filter(minute__gte=start, minute__lt=start + clock.DAY, series__organization=organization_id)
        .exclude(series__service_tier__in=APART)
        .values_list("minute", "series__workspace_id", "series__model", "series__speed")
        .annotate(
            Sum("uncached_input_tokens"),
            Sum("ephemeral_5m_input_tokens"),
            Sum("ephemeral_1h_input_tokens"),
            Sum("cache_read_input_tokens"),
            Sum("output_tokens"),
        )
        .order_by()
    )
    found: _Used = {}
    groups: dict[str, Group] = {}
    for minute, workspace, model, speed, uncached, five, hour, read, output in rows.iterator(chunk_size=5000):
        group = groups.get(model)
        if group is None:
            group = groups[model] = limits.group_of(model) or Group(f"model:{model}"[:200], "", model, (model,))
        use = Use(
            int(uncached) + int(five) + int(hour),
            int(read) if model.startswith(READS_COUNT) else 0,
            int(output),
        )
        place = (minute - start) // timedelta(minutes=1)
        of = found.setdefault((group, speed == "fast"), defaultdict(dict))
        for key in (ORGANIZATION_WIDE, workspace):
            before = of[key].get(place)
            of[key][place] = use if before is None else Use(*map(sum, zip(before, use, strict=True)))
    return found
