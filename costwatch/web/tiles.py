"""The strip of key figures. One tile, one source; each says how it was computed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from costwatch import clock
from costwatch.insights import display
from costwatch.insights.days import hours, totals_by_day
from costwatch.insights.pictures import spark, spark_forecast
from costwatch.insights.spend import Scope, Spend
from costwatch.ledger.prices import in_force as price_table
from costwatch.web.address import DAY
from costwatch.web.templatetags.figures import money, span_of
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
    if figures.compared and figures.reported_days:
        made.append(_against(scope, figures, daily))
    return made


def _as_of() -> str:
    return _("As of %(moment)s.") % {"moment": f"{display.day(clock.today())}, {display.time(clock.now())}"}


def _reported(figures: Spend, daily: list[int]) -> Tile:
    whole = figures.reported_until >= figures.period.until
    if not figures.reported_days:
        return Tile(
            "reported",
            _("Reported"),
            ("reported",),
            money(None, "reported"),
            _("no day is reported yet"),
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
    then = figures.since_then
    through = figures.since_through
    until = _("to %(time)s") % {"time": display.time(through)} if through else _("no usage is read yet")
    if then.unpriced_tokens:
        words = _("%(until)s; price unknown for %(tokens)s tokens")
        until = words % {"until": until, "tokens": display.tokens(then.unpriced_tokens)}
    day = figures.reported_until
    sums, running = [], 0
    if figures.reads_cost and day == clock.today():
        for amount in hours(scope, day):
            running += amount
            sums.append(running)
    exact = display.exact(then.low)
    how = [
        _("Usage of the days the cost report does not cover yet: tokens × your rate of the day, summed."),
        _("It may rise until the report settles, and is never part of the reported figure."),
    ]
    if not then.is_exact:
        exact = _("between %(low)s and %(high)s") % {"low": exact, "high": display.exact(then.high)}
        how.append(_("The usage report hides which of two prices of a model applied, so both bounds are kept."))
    how.append(_("Prices %(version)s.") % {"version": price_table().version})
    return Tile(
        key="since",
        label=_("Since then") if figures.reported_days else _("So far"),
        badges=("contracted", "open"),
        figure=span_of(then, "contracted"),
        sub=until,
        picture=SafeString(spark(sums)),
        how=(*how, _as_of()),
        exact=exact,
    )


def _forecast(figures: Spend, daily: list[int]) -> Tile:
    one = figures.forecast
    if one is None:
        raise ValueError("a tile of a forecast needs one")
    return Tile(
        key="forecast",
        label=_("Forecast, %(period)s") % {"period": period_name(figures.period)},
        badges=("forecast",),
        figure=SafeString(f"{money(one.low, 'forecast', short=True)}–{money(one.high, 'forecast', short=True)}"),
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
    first, last = display.short_day(other.since), display.short_day(other.until - DAY)
    short = f"{other.since.day}–{last}" if other.since.month == (other.until - DAY).month else f"{first} – {last}"
    return Tile(
        key="against",
        label=_("Against %(span)s") % {"span": short},
        badges=("reported",),
        figure=money(figures.delta, "reported", sign=True),
        sub=_("%(percent)s, from %(amount)s")
        % {
            "percent": display.signed(share, figures.delta) if share else _("no share"),
            "amount": display.usd(figures.compared_reported),
        },
        picture=SafeString(spark(daily, [before.get(day, 0) for day in other.days])),
        how=(
            _("Reported in this period minus reported in %(span)s: the same number of days.") % {"span": span},
            _as_of(),
        ),
        exact=display.exact(figures.delta),
    )
