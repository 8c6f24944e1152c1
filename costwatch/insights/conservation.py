"""Whether nothing is lost between what was recorded and what is shown: rollups, every grouping, exports (MON-15).

Every sum is made a second time by another way, and compared exactly. A difference of one token or one pico-dollar is an
alarm, with the place where it is.
"""

import csv
import io
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Max, Model, Sum
from django.db.models.functions import TruncMonth

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest.coverage import FINAL
from costwatch.ingest.models import Check, Coverage, Lease, Run
from costwatch.insights.moments import UtcDay
from costwatch.insights.query import DIMENSIONS, question
from costwatch.insights.render import render
from costwatch.insights.reports import columns, report
from costwatch.ledger.models import (
    COUNTS,
    MONEY,
    Fact,
    GroupDay,
    GroupMonth,
    MinuteFact,
    PriceChange,
    ReportedLine,
    ReportedMonth,
    SeriesDay,
    SeriesMonth,
    StaleMonth,
)
from costwatch.money import ExactSum
from pricing.money import parse_usd

log = logging.getLogger(__name__)

# How many days the groupings and exports are asked for: longer ones are made of the same rows.
ASKED = timedelta(days=35)
MINUTES_COMPARED = timedelta(hours=48)
DIFFERENCES_TOLD = 5
# Units: seconds before each try.
PAUSES = (0.0, 1.0, 3.0, 9.0)
Sums = dict[Any, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One proof: how much was compared, and where the two ways differ."""

    name: str
    compared: int
    differences: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether both ways came to the same."""
        return not self.differences


def prove(organization: Organization, now: datetime) -> list[Outcome]:
    """Try every proof and write down what came of it, the newest of a day in place of earlier ones.

    Shape: the outcomes. A proof that failed while something was written is tried again; it is left out where it
    never found the ledger at rest.
    """
    outcomes = [one for proof in PROOFS if (one := _at_rest(proof, organization, now)) is not None]
    for one in outcomes:
        detail = "\n".join(one.differences[:DIFFERENCES_TOLD])
        if more := len(one.differences) - DIFFERENCES_TOLD:
            detail += f"\nand {more} more" if more > 0 else ""
        Check.objects.update_or_create(
            organization=organization,
            name=one.name,
            day=now.date(),
            defaults={"checked_at": now, "ok": one.ok, "compared": one.compared, "detail": detail},
        )
        if not one.ok:
            log.error("%s: %s do not add up: %s", organization, one.name, detail)
    return outcomes


def facts(organization: Organization, now: datetime) -> Outcome:
    """The hours of every series and day are the counts of that day."""
    whose = {"series__organization": organization}
    hours = Fact.objects.filter(**whose).annotate(on=UtcDay("bucket_start", tzinfo=UTC))
    return _compared(
        "facts",
        _sums(hours, ("on", "series_id"), COUNTS),
        _sums(SeriesDay.objects.filter(**whose), ("day", "series_id"), COUNTS),
    )


def groups(organization: Organization, now: datetime) -> Outcome:
    """The series of every group and day, money included, are that group's day."""
    by_series = SeriesDay.objects.filter(series__organization=organization)
    by_group = GroupDay.objects.filter(group__organization=organization)
    return _compared(
        "groups",
        _sums(by_series, ("day", "series__group_id"), COUNTS, MONEY),
        _sums(by_group, ("day", "group_id"), COUNTS, MONEY),
    )


def months(organization: Organization, now: datetime) -> Outcome:
    """The days of every series, group and line of the cost report are their months."""
    pairs: tuple[tuple[type[Model], type[Model], str, tuple[str, ...], tuple[str, ...]], ...] = (
        (SeriesDay, SeriesMonth, "series", COUNTS, MONEY),
        (GroupDay, GroupMonth, "group", COUNTS, MONEY),
        (ReportedLine, ReportedMonth, "series", (), ("amount",)),
    )
    # Months that follow at the end of the run under way.
    stale = set(StaleMonth.objects.filter(organization=organization).values_list("month", flat=True))
    compared, differences = 0, list[str]()
    for days, whole, owner, counts, money in pairs:
        whose = {f"{owner}__organization": organization}
        by_day = days._default_manager.filter(**whose).annotate(on=TruncMonth("day"))
        made = _compared(
            "months",
            _without(_sums(by_day, ("on", f"{owner}_id"), counts, money), stale),
            _without(_sums(whole._default_manager.filter(**whose), ("month", f"{owner}_id"), counts, money), stale),
        )
        compared += made.compared
        differences += [f"{whole.__name__} {one}" for one in made.differences]
    return Outcome("months", compared, tuple(differences))


def groupings(organization: Organization, now: datetime) -> Outcome:
    """The rows of the report by each dimension, and by every interval, come to its total."""
    compared, differences = 0, list[str]()
    for asked in _questions(organization, now):
        made = report("spend", asked)
        compared += len(made["rows"])
        differences += [f"{_named(asked)}: {one}" for one in _off(made["rows"], made["totals"])]
    return Outcome("groupings", compared, tuple(differences))


def exports(organization: Organization, now: datetime) -> Outcome:
    """What a CSV export holds, read back from its text, comes to the report's total."""
    compared, differences = 0, list[str]()
    for asked in _questions(organization, now):
        made = report("spend", asked)
        rows = list(csv.DictReader(io.StringIO(render(made, columns("spend", asked), "csv"))))
        compared += len(rows)
        differences += [f"{_named(asked)}: {one}" for one in _off(rows, made["totals"])]
    return Outcome("exports", compared, tuple(differences))


def minutes(organization: Organization, now: datetime) -> Outcome:
    """The sixty minutes of every settled hour are that hour, by key, workspace, model, tier and speed."""
    since = clock.floor_hour(now) - MINUTES_COMPARED
    settled: list[set[datetime]] = []
    for source in ("usage", "minutes"):
        rows = Coverage.objects.filter(organization=organization, source=source, start__gte=since)
        settled.append(set(rows.filter(state__in=FINAL).values_list("start", flat=True)))
    by = tuple(f"series__{name}" for name in ("api_key_id", "workspace_id", "model", "service_tier", "speed"))
    compared, differences = 0, list[str]()
    for hour in sorted(settled[0] & settled[1]):
        whose = {"series__organization": organization}
        span = {"minute__gte": hour, "minute__lt": hour + clock.HOUR}
        made = _compared(
            "minutes",
            _sums(MinuteFact.objects.filter(**span, **whose), by, COUNTS),
            _sums(Fact.objects.filter(bucket_start=hour, **whose), by, COUNTS),
        )
        compared += made.compared
        differences += [f"{clock.rfc3339(hour)} {one}" for one in made.differences]
    return Outcome("minutes", compared, tuple(differences))


def _at_rest(
    proof: Callable[[Organization, datetime], Outcome], organization: Organization, now: datetime
) -> Outcome | None:
    """The outcome of a proof: one that holds holds, one that does not counts if nobody wrote meanwhile."""
    for pause in PAUSES:
        time.sleep(pause)
        before = _writing(organization)
        outcome = proof(organization, now)
        if outcome.ok or (not before[0] and before == _writing(organization)):
            return outcome
    return None


def _writing(organization: Organization) -> tuple[object, ...]:
    """Who writes at this moment, and what was written last."""
    at_work = list(Lease.objects.filter(organization=organization).values_list("source", flat=True))
    newest = Run.objects.filter(organization=organization).aggregate(run=Max("pk"))["run"]
    return at_work, newest, PriceChange.objects.filter(applied_at=None).count()


PROOFS: Sequence[Callable[[Organization, datetime], Outcome]] = (facts, groups, months, groupings, exports, minutes)


def _sums(rows: Any, by: tuple[str, ...], counts: Sequence[str], money: Sequence[str] = ()) -> Sums:
    sums = {f"sum_{name}": Sum(name) for name in counts} | {f"sum_{name}": ExactSum(name) for name in money}
    found = rows.values_list(*by).annotate(**sums).order_by()
    return {row[: len(by)]: made for row in found if any(made := tuple(int(value) for value in row[len(by) :]))}


def _without(sums: Sums, months: set[date]) -> Sums:
    return {key: values for key, values in sums.items() if key[0] not in months}


def _compared(name: str, one: Sums, other: Sums) -> Outcome:
    keys = one.keys() | other.keys()
    odd = sorted((key for key in keys if one.get(key) != other.get(key)), key=str)
    return Outcome(name, len(keys), tuple(f"{_told(key)}: {one.get(key)} and {other.get(key)}" for key in odd))


def _questions(organization: Organization, now: datetime) -> Iterator[Any]:
    until = now.date() + clock.DAY
    span: dict[str, Any] = {
        "since": until - ASKED,
        "until": until,
        "filters": [("organization_id", organization.external_id)],
    }
    for dimension in DIMENSIONS:
        yield question(**span, interval="total", group_by=[dimension])
    for interval in ("day", "week", "month"):
        yield question(**span, interval=interval, group_by=["workspace_id", "model"])


def _named(asked: Any) -> str:
    return f"by {', '.join(asked.group_by)} each {asked.interval}"


def _off(rows: Sequence[Any], totals: Any) -> Iterator[str]:
    """The columns whose rows do not come to the total."""
    for name, total in totals.items():
        if total is None or (rows and name not in rows[0]):
            continue
        is_money = name.endswith("_usd")
        given = [row[name] for row in rows]
        if any(value is None or value == "" for value in given):
            # A row that cannot say it: a low and a high stand in its place.
            continue
        summed = sum(parse_usd(value) if is_money else int(value) for value in given)
        if summed != (parse_usd(total) if is_money else total):
            yield f"{name} of the rows is {summed}, the total {total}"


def _told(key: tuple[Any, ...]) -> str:
    return " ".join(str(part) for part in key)
