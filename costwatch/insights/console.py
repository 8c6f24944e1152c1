"""Matching the Console: the last full month beside the figure a person reads there; the difference gets a name."""

from dataclasses import dataclass
from datetime import date, timedelta

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.insights.amounts import Scope, contracted_by, reported_by_day
from costwatch.insights.periods import Period, month
from costwatch.insights.spend import spend
from costwatch.ledger.models import ConsoleFigure
from pricing.money import PICO

# The Console shows cents: a difference of less than one is its rounding.
ROUNDING = PICO // 100


@dataclass(frozen=True, slots=True)
class Match:
    """Our figure for a month and, where a person entered one, the Console's with the difference and its cause.

    Units: pico-dollars; `difference` is the Console's minus ours.
    """

    period: Period
    reported: int
    days_open: int
    days_missing: int
    kept: ConsoleFigure | None

    @property
    def difference(self) -> int | None:
        return self.kept.console - self.kept.reported if self.kept else None


def last_month(organization: Organization) -> Match:
    """The last full month as we have it."""
    period = month(clock.month_start(clock.today()) - timedelta(days=1))
    figures = spend(Scope(organization), period, "none")
    kept = ConsoleFigure.objects.filter(organization=organization, month=period.since).order_by("-pk").first()
    missing = len(period.days) - figures.days_settled - figures.days_open
    return Match(period, figures.reported, figures.days_open, missing, kept)


def name_difference(organization: Organization, match: Match, console: int) -> str:
    """What a difference is most likely made of, as one of the names below followed by its subject.

    Names: match, rounding, open_days, missing_days, workspace, cost_type, priority, last_day, first_day, unexplained.
    A Console that shows less may leave something out that we have; one that shows more can only add what the cost
    report leaves out. An amount counts as found when it is the difference to the cent.
    """
    difference = console - match.reported
    if difference == 0:
        return "match"
    if abs(difference) < ROUNDING:
        return "rounding"
    if match.days_missing:
        return f"missing_days:{match.days_missing}"
    left_out = -difference
    for name, amount in _parts(organization, match.period).items():
        if amount and abs(left_out - amount) <= ROUNDING:
            return name
    if abs(difference - _priority(organization, match.period)) <= ROUNDING:
        return "priority"
    return f"open_days:{match.days_open}" if match.days_open else "unexplained"


def _parts(organization: Organization, period: Period) -> dict[str, int]:
    """Amounts of ours that a narrower view of the Console would leave out."""
    scope = Scope(organization)
    made: dict[str, int] = {}
    for dimension in ("workspace_id", "cost_type"):
        sums: dict[str, int] = {}
        for (_, value), amount in reported_by_day(scope, period, dimension).items():
            sums[value] = sums.get(value, 0) + amount
        made |= {f"{dimension.removesuffix('_id')}:{value}": amount for value, amount in sums.items()}
    for name, day in (("first_day", period.since), ("last_day", period.until - timedelta(days=1))):
        one_day = Period(day, day + timedelta(days=1))
        made[name] = sum(reported_by_day(scope, one_day, "cost_type").values())
    return made


def _priority(organization: Organization, period: Period) -> int:
    """What Priority usage comes to at list: the cost report leaves it out, the Console may not."""
    tiers = contracted_by(Scope(organization), period, "service_tier")
    return sum(one.low for tier, one in tiers.items() if tier.startswith("priority"))


def keep(*, organization: Organization, month_of: date, console: int, entered_by: str) -> ConsoleFigure:
    """Keep the figure a person read in the Console, beside ours of this moment and the name of the difference."""
    match = last_month(organization)
    if match.period.since != month_of:
        raise ValueError(f"{month_of:%Y-%m} is not the last full month any more")
    return ConsoleFigure.objects.create(
        organization=organization,
        month=match.period.since,
        console=console,
        reported=match.reported,
        cause=name_difference(organization, match, console),
        entered_by=entered_by,
        entered_at=clock.now(),
    )
