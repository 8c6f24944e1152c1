"""A question to the ledger, as one frozen value: what range, which grain, which dimensions, which filters."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from costwatch import clock

DIMENSIONS = (
    "organization_id",
    "workspace_id",
    "api_key_id",
    "model",
    "service_tier",
    "context_window",
    "inference_geo",
    "speed",
    "cost_type",
    "token_type",
)
METER_DIMENSIONS = ("cost_type", "token_type")
# What the cost report cannot be divided by.
UNREPORTED = frozenset({"api_key_id", "speed"})
INTERVALS = ("hour", "day", "week", "month", "total")
Dims = tuple[str, ...]


class BadQuestion(ValueError):
    """A question that cannot be answered as asked; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Query:
    """One question. `until` is exclusive; `filters` maps a dimension to the values it may have."""

    since: date
    until: date
    interval: str = "day"
    group_by: Dims = ()
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    as_of: datetime | None = None

    def __post_init__(self) -> None:
        if self.since >= self.until:
            raise BadQuestion(f"the range is empty: it starts on {self.since} and ends before {self.until}")
        if self.interval not in INTERVALS:
            raise BadQuestion(f"{self.interval!r} is not an interval; choose from {', '.join(INTERVALS)}")
        for name in (*self.group_by, *self.filters):
            if name not in DIMENSIONS:
                raise BadQuestion(f"{name!r} is not a dimension; choose from {', '.join(DIMENSIONS)}")
        if len(set(self.group_by)) != len(self.group_by):
            raise BadQuestion("a dimension is grouped twice")

    @property
    def dimensions(self) -> frozenset[str]:
        """Every dimension the question touches."""
        return frozenset((*self.group_by, *self.filters))

    @property
    def by_meter(self) -> bool:
        """Whether the answer divides a series by meter."""
        return bool(self.dimensions & set(METER_DIMENSIONS))

    @property
    def rows_have_reported(self) -> bool:
        """Whether the cost report can say anything about a row."""
        return self.interval != "hour" and not self.dimensions & UNREPORTED

    @property
    def totals_have_reported(self) -> bool:
        """Whether the cost report can say anything about the total."""
        return not UNREPORTED & set(self.filters)

    @property
    def start(self) -> datetime:
        return clock.midnight(self.since)

    @property
    def end(self) -> datetime:
        return clock.midnight(self.until)


def question(
    *,
    since: date | None = None,
    until: date | None = None,
    interval: str = "day",
    group_by: Sequence[str] = (),
    filters: Iterable[tuple[str, str]] = (),
    as_of: datetime | None = None,
) -> Query:
    """A question with the defaults filled in: this UTC month, until tomorrow.

    Raises: BadQuestion.
    """
    today = clock.today()
    until = until or today + timedelta(days=1)
    gathered: dict[str, tuple[str, ...]] = {}
    for name, value in filters:
        gathered[name] = (*gathered.get(name, ()), value)
    return Query(
        since=since or min(clock.month_start(today), until - timedelta(days=1)),
        until=until,
        interval=interval,
        group_by=tuple(group_by),
        # In one order, however they were given: the same question is answered with the same bytes.
        filters={name: gathered[name] for name in (*DIMENSIONS, *gathered) if name in gathered},
        as_of=as_of,
    )


def period_name(moment: datetime | date, interval: str) -> str:
    """The nominal name of the interval that holds a moment."""
    if interval == "hour":
        if not isinstance(moment, datetime):
            raise TypeError("an hour has a time")
        return clock.rfc3339(moment)
    day = moment.date() if isinstance(moment, datetime) else moment
    if interval == "day":
        return day.isoformat()
    if interval == "week":
        return (day - timedelta(days=day.weekday())).isoformat()
    if interval == "month":
        return f"{day:%Y-%m}"
    return ""


def period_span(name: str, interval: str, query: Query) -> tuple[datetime, datetime]:
    """The nominal span of an interval, [start, end)."""
    if interval == "total":
        return query.start, query.end
    if interval == "hour":
        start = clock.parse(name)
        return start, start + clock.HOUR
    if interval == "month":
        first = date.fromisoformat(f"{name}-01")
        return clock.midnight(first), clock.midnight(clock.next_month(first))
    start = clock.midnight(date.fromisoformat(name))
    return start, start + (clock.DAY if interval == "day" else 7 * clock.DAY)
