"""What the address of a page says: organization, range, comparison, breakdown, order. Copying it repeats the view."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from urllib.parse import urlencode

from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.insights import periods
from costwatch.insights.periods import Period
from costwatch.insights.query import BadQuestion
from costwatch.insights.spend import BREAKDOWNS

DAY = timedelta(days=1)
DEFAULT_RANGE = "this-month"
DEFAULT_COMPARE = "same_days"
LIMITS = ("view", "line", "limiter", "minute", "fold", "change", "amount", "smallest")
# Everything a page, a download or a fragment reads. What nobody reads is refused: it would be ignored in silence.
STATE = ("organization", "range", "since", "until", "compare", "breakdown", "sort")
KNOWN = frozenset((*STATE, "workspace", "table", "q", "seen", "waits", "before", "seen_within", *LIMITS))


@dataclass(frozen=True, slots=True)
class Address:
    """The state of a page. `range` names a preset, or is empty for a custom range."""

    organization: Organization | None
    # Every one there is, for the menu.
    organizations: tuple[Organization, ...] = field(compare=False)
    named: bool
    range: str
    period: Period
    compare: str
    breakdown: str
    sort: str

    def query(self, **changes: str | date) -> str:
        """The query string of this state, or of another one; what is usual is left out."""
        custom = {"since": self.period.since, "until": self.period.until - DAY} if not self.range else {}
        state: dict[str, str | date] = {
            "organization": self.organization.external_id if self.organization and self.named else "",
            "range": "" if self.range == DEFAULT_RANGE else self.range,
            **custom,
            "compare": "" if self.compare == DEFAULT_COMPARE else self.compare,
            "breakdown": self.breakdown,
            "sort": self.sort,
        }
        if "range" in changes:
            state |= {"since": "", "until": ""}
        made = {name: str(value) for name, value in (state | changes).items() if value}
        return f"?{urlencode(made)}" if made else "?"

    def travelling(self) -> str:
        """The part of the state that goes along to another page."""
        return replace(self, breakdown="", sort="").query().removesuffix("?")


def read(request: HttpRequest) -> Address:
    """The state of the page that was asked for, read once a request.

    Raises: BadQuestion saying what is wrong.
    """
    kept: Address | None = getattr(request, "_costwatch_address", None)
    if kept is None:
        try:
            given = request.GET
        except TooManyFieldsSent:
            raise BadQuestion("the address has more parameters than any page reads") from None
        kept = parse(given, clock.today())
        request._costwatch_address = kept  # type: ignore[attr-defined]
    return kept


def usual() -> Address:
    """The state of a page whose own address cannot be read."""
    return parse({}, clock.today())


def parse(given: Mapping[str, str], today: date) -> Address:
    """The state that parameters name.

    Raises: BadQuestion saying what is wrong.
    """
    unknown = sorted(set(given) - KNOWN)
    if unknown:
        raise BadQuestion(f"no page reads a parameter named “{unknown[0][:40]}”")
    period = periods.parse(
        name=given.get("range", ""), since=given.get("since", ""), until=given.get("until", ""), today=today
    )
    custom = bool(given.get("since") or given.get("until"))
    compare = given.get("compare") or DEFAULT_COMPARE
    if compare not in periods.COMPARISONS:
        raise BadQuestion("the comparison is one of: " + ", ".join(periods.COMPARISONS))
    breakdown = given.get("breakdown", "")
    if breakdown and breakdown not in BREAKDOWNS:
        raise BadQuestion("the breakdown is one of: " + ", ".join(BREAKDOWNS))
    name = given.get("organization", "")
    organizations = tuple(Organization.objects.order_by("pk"))
    organization = next((one for one in organizations if not name or one.external_id == name), None)
    if name and organization is None:
        raise BadQuestion("there is no organization with this id")
    return Address(
        organization=organization,
        organizations=organizations,
        named=bool(name),
        range="" if custom else given.get("range", "") or DEFAULT_RANGE,
        period=period,
        compare=compare,
        breakdown=breakdown,
        sort=given.get("sort", "")[:40],
    )
