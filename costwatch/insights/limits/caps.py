"""Limits on spend beside what this month came to, and the day they are met if it goes on as it did."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from costwatch import clock
from costwatch.directory.models import Organization, SpendLimit
from costwatch.insights import periods
from costwatch.insights.amounts import Scope
from costwatch.insights.forecast import Forecast
from costwatch.insights.periods import Period
from costwatch.insights.spend import Spend, spend

SCOPES = ("usage_tier", "organization", "workspace")
MONTHLY, DAILY = "monthly", "daily"
PICO_A_CENT = 10**10


@dataclass(frozen=True, slots=True)
class Cap:
    """A limit on spend. Units: pico-dollars; `cap` is None where there is no numeric one.

    `spent` is what its period came to so far at the organization's rates (reported as far as that goes), None where
    that is not known; `met` are the days on which it is met at the run rate: earliest, middle, latest, None for not in
    this month.
    """

    scope: str
    workspace_key: str
    period: str
    cap: int | None
    is_enabled: bool
    spent: int | None
    met: tuple[date | None, date | None, date | None] | None

    @property
    def share(self) -> int | None:
        """What is spent of it, in hundredths of a per cent."""
        return None if not self.cap or self.spent is None else self.spent * 10_000 // self.cap


def caps(organization: Organization) -> list[Cap]:
    """Every limit on spend that may be read: the vendor's own first, then the organization's, then workspaces'."""
    rows = SpendLimit.objects.filter(organization=organization, gone_at=None)
    made = [_cap(organization, row) for row in rows]
    return sorted(made, key=lambda one: (_place(one.scope), -(one.share or 0), one.workspace_key, one.period))


def met_on(cap: int, spent: int, forecast: Forecast) -> tuple[date | None, date | None, date | None]:
    """The days on which an amount is met: earliest, middle and latest; None for none of the days to come."""
    met: list[date | None] = []
    for bound in ("high", "middle", "low"):
        sum_so_far, found = spent, None
        for day in forecast.days:
            sum_so_far += getattr(day, bound)
            if sum_so_far >= cap:
                found = day.day
                break
        met.append(found)
    return met[0], met[1], met[2]


def _cap(organization: Organization, row: SpendLimit) -> Cap:
    cap, today = _amount(row), clock.today()
    spent = met = None
    # Of a week nobody says when it begins.
    if row.currency.upper() in ("", "USD") and row.period in (MONTHLY, DAILY):
        period = periods.month(today) if row.period == MONTHLY else Period(today, today + clock.DAY)
        figures = spend(Scope(organization, row.workspace_key), period, "none")
        spent = _spent(figures)
        if cap is not None and spent is not None and row.period == MONTHLY:
            met = _met(cap, spent, figures, today)
    return Cap(row.scope, row.workspace_key, row.period, cap, row.is_enabled, spent, met)


def _met(cap: int, spent: int, figures: Spend, today: date) -> tuple[date | None, date | None, date | None] | None:
    if spent >= cap:
        return today, today, today
    return met_on(cap, spent, figures.forecast) if figures.forecast else None


def _spent(figures: Spend) -> int | None:
    if not figures.knows_reported and not figures.knows_since:
        return None
    # The low bound: what a range does not settle is not said to be spent.
    return figures.reported + (figures.since_then.low if figures.since_then else 0)


def _amount(row: SpendLimit) -> int | None:
    try:
        return None if row.amount_cents is None else int(Decimal(row.amount_cents) * PICO_A_CENT)
    except (InvalidOperation, ValueError, OverflowError):
        return None


def _place(scope: str) -> int:
    return SCOPES.index(scope) if scope in SCOPES else len(SCOPES)
