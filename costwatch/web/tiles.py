"""The strip of key figures. One tile, one source; each says how it was computed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from costwatch import clock
from costwatch.insights import display
from costwatch.insights.amounts import Bounds, Scope
from costwatch.insights.days import hours, totals_by_day
from costwatch.insights.periods import Period
from costwatch.insights.pictures import spark, spark_forecast
from costwatch.insights.spend import Spend
from costwatch.ledger.prices import in_force as price_table
from costwatch.web.address import DAY
from costwatch.web.templatetags.figures import forecast_range, money, span_of
from costwatch.web.verdict import last_reported, period_name


@dataclass(frozen=True, slots=True)
class Tile:
    """One key figure. `how` says in sentences how it was computed; `exact` is its value to the last digit."""

    key: str
    label: str
    badges: tuple[str, ...]
    figure: SafeString
    sub: str
    picture: SafeString
    how: tuple[str, ...]
    exact: str


def tiles(scope: Scope, figures: Spend) -> list[Tile]:
    """The key figures that a period has."""
    amounts = totals_by_day(scope, figures.period) if figures.reads_cost else {}
    daily = [amounts.get(day, 0) for day in figures.period.days if day < figures.reported_until]
    made = []
    if figures.reads_cost:
        made.append(_reported(figures, daily))
    if figures.reported_until < figures.period.until and figures.reported_until <= clock.today():
        made.append(_since(scope, figures))
    if figures.forecast:
        made.append(_forecast(figures, daily))
    if figures.compared and figures.knows_reported:
        made.append(_against(scope, figures, daily))
    return made


def _as_of() -> str:
    return _("As of %(moment)s.") % {"moment": f"{display.day(clock.today())}, {display.time(clock.now())}"}


def _reported(figures: Spend, daily: list[int]) -> Tile:
    whole = figures.reported_until >= figures.period.until
    if not figures.knows_reported:
        return Tile(
            "reported",
            _("Reported"),
            ("reported",),
            money(None, "reported"),
            _("no day is reported yet") if figures.knows_since else _("this range is not read yet"),
            SafeString(""),
            (_("The cost report has no day of this period yet."), _as_of()),
            "",
        )
    average = figures.day_average or 0
    return Tile(
        key="reported",
        label=_("Reported") if whole else _("Reported to %(day)s") % {"day": last_reported(figures)},
        badges=("reported",),
        figure=money(figures.reported, "reported"),
        sub=_("%(amount)s a day on average") % {"amount": display.usd(average)},
        picture=SafeString(spark(daily)),
        how=(
            _("The sum of every line of Anthropic’s cost report in US dollars, %(span)s.")
            % {"span": display.span(figures.period.since, figures.reported_until - DAY)},
            _("Your invoice also has credits, tax and commitments."),
            _as_of(),
        ),
        exact=display.exact(figures.reported),
    )


def _since(scope: Scope, figures: Spend) -> Tile:
    day = figures.reported_until
    sums, running = [], 0
    if figures.reads_cost and day == clock.today():
        for amount in hours(scope, day):
            running += amount
            sums.append(running)
    label = _("Since then") if figures.knows_reported else _("So far")
    return Tile(
        key="since",
        label=label if figures.reads_cost else _("Spend, %(period)s") % {"period": period_name(figures.period)},
        badges=("contracted", "open") if figures.reads_cost else ("contracted",),
        figure=span_of(figures.since_then if figures.knows_since else None, "contracted"),
        sub=_since_sub(figures),
        picture=SafeString(spark(sums)),
        how=_since_how(figures),
        exact=_since_exact(figures.since_then) if figures.knows_since else "",
    )


def _since_sub(figures: Spend) -> str:
    then, through = figures.since_then, figures.since_through
    if through is None:
        return _("no usage is read yet")
    until = display.time(through)
    if through.date() != clock.today():
        until = f"{display.short_day(through.date())}, {until}"
    if not then.unpriced_tokens:
        return _("to %(time)s") % {"time": until}
    words = _("to %(time)s; price unknown for %(tokens)s tokens")
    return words % {"time": until, "tokens": display.tokens(then.unpriced_tokens)}


def _since_how(figures: Spend) -> tuple[str, ...]:
    then = figures.since_then
    if figures.reads_cost:
        how = [
            _("Usage of the days the cost report does not cover yet: tokens × your rate of the day, summed."),
            _("It may rise until the report settles, and is never part of the reported figure."),
        ]
    else:
        how = [
            _("Usage: tokens × your rate of the day, summed."),
            _("This key may not read the cost report, so nothing here was reported."),
        ]
    if not then.is_exact:
        how.append(_("The usage report hides which of two prices of a model applied, so both bounds are kept."))
    if then.unpriced_tokens:
        words = ngettext(
            "%(tokens)s token has no price and is in no figure, so this is the least it can be.",
            "%(tokens)s tokens have no price and are in no figure, so this is the least it can be.",
            then.unpriced_tokens,
        )
        how.append(words % {"tokens": f"{then.unpriced_tokens:,}"})
    return (*how, _("Prices %(version)s.") % {"version": price_table().version}, _as_of())


def _since_exact(then: Bounds) -> str:
    low = display.exact(then.low)
    if then.unpriced_tokens:
        return _("at least %(low)s") % {"low": low} if then.low else ""
    return low if then.is_exact else _("between %(low)s and %(high)s") % {"low": low, "high": display.exact(then.high)}


def _forecast(figures: Spend, daily: list[int]) -> Tile:
    one = figures.forecast
    if one is None:
        raise ValueError("a tile of a forecast needs one")
    return Tile(
        key="forecast",
        label=_("Forecast, %(period)s") % {"period": period_name(figures.period)},
        badges=("forecast",),
        figure=forecast_range(one.low, one.high),
        sub=_("middle %(amount)s") % {"amount": display.usd(one.middle)},
        picture=SafeString(spark_forecast(daily, one)),
        how=(
            _("Reported so far, and for each day to come the average of the same weekday in the four weeks before."),
            _("The range takes the two lowest and the two highest of those four. No trend is assumed."),
            _as_of(),
        ),
        exact=_("%(low)s, %(middle)s, %(high)s")
        % {"low": display.exact(one.low), "middle": display.exact(one.middle), "high": display.exact(one.high)},
    )


def _against(scope: Scope, figures: Spend, daily: list[int]) -> Tile:
    other = figures.compared
    if other is None:
        raise ValueError("a tile of a comparison needs one")
    before: Mapping[date, int] = totals_by_day(scope, other)
    share = display.percent(figures.delta, figures.compared_reported)
    span = display.span(other.since, other.until - DAY)
    return Tile(
        key="against",
        label=_("Against %(span)s") % {"span": _short_span(other)},
        badges=("reported",),
        figure=money(figures.delta, "reported", sign=True),
        sub=_("%(percent)s, from %(amount)s")
        % {
            "percent": display.signed(share, figures.delta) if share else _("no share"),
            "amount": display.usd(figures.compared_reported),
        },
        picture=SafeString(spark(daily, [before.get(day, 0) for day in other.days])),
        how=(
            _("Reported in this period minus reported in %(span)s: %(days)s.")
            % {"span": span, "days": _days(figures.reported_days, len(other.days))},
            _as_of(),
        ),
        exact=display.exact(figures.delta),
    )


def _short_span(other: Period) -> str:
    """A span of this year without its year; another year is always named."""
    last = other.until - DAY
    if not other.since.year == last.year == clock.today().year:
        return display.span(other.since, last)
    if other.since == last:
        return display.short_day(last)
    first = str(other.since.day) if other.since.month == last.month else display.short_day(other.since)
    return f"{first}–{display.short_day(last)}" if first.isdigit() else f"{first} – {display.short_day(last)}"


def _days(ours: int, theirs: int) -> str:
    if ours == theirs:
        return ngettext("%(count)d day each", "%(count)d days each", ours) % {"count": ours}
    words = _("%(ours)d days here, %(theirs)d there, because the month before is shorter")
    return words % {"ours": ours, "theirs": theirs}
