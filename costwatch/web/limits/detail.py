"""One line in detail, and one of its minutes, made ready for the templates."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.insights import display
from costwatch.insights.limits import drawn
from costwatch.insights.limits.contention import contention
from costwatch.insights.limits.detail import Bar, Detail
from costwatch.insights.limits.lines import LineKey, share_of
from costwatch.insights.limits.minute import Minute
from costwatch.insights.limits.requests import Requests, requests_of
from costwatch.web import names
from costwatch.web.limits import words
from costwatch.web.limits.asked import Asked, anchor_of
from costwatch.web.limits.heat import heat
from costwatch.web.limits.named import Named, named
from costwatch.web.limits.trend_words import trend_words
from costwatch.web.moments import near_day, when

TOP, TAKERS = 3, 5


@dataclass(frozen=True, slots=True)
class BarRow:
    """One limiter of the line or, below it, of the organization's pool."""

    limiter: str
    whose: str
    is_pool: bool
    is_inherited: bool
    picture: SafeString
    bar: Bar
    headroom: str
    is_over: bool
    capped: str


def detail_context(
    organization: Organization,
    made: Detail,
    used: Counter[str] | None,
    asked: Asked,
    called: Named,
) -> dict[str, Any]:
    """Everything the template of a line shows."""
    own = [bar for bar in made.bars if bar.key == made.key]
    anchor = anchor_of(made.key)
    minutes = f"{reverse('limits_minute')}{asked.query(limiter=made.limiter)}&minute="
    return {
        "group": names.visible(made.group),
        "pool": str(words.POOLS.get(made.key.pool, "")),
        "who": called.workspace(made.key.workspace_key),
        "bars": [_bar(bar, made.key, called) for bar in made.bars],
        "tabs": [
            (words.limiter(bar.limiter), f"{asked.query(limiter=bar.limiter)}#{anchor}", bar.limiter == made.limiter)
            for bar in own
        ],
        "limiter": words.limiter(made.limiter),
        "limiter_id": made.limiter,
        "help": asked.query(limiter=made.limiter),
        "twin": asked.query(limiter=made.limiter if asked.limiter else ""),
        "first": near_day(made.week[0][0]),
        "limit": made.limit,
        "since": when(made.since),
        "until": when(made.until),
        "day": SafeString(drawn.day(made.values, made.limit, _day_words(made))),
        "week": heat(made, minutes),
        "unread": words.unread(made.unread),
        "hours": [(f"{hour:02d}", hour % 3 != 0) for hour in range(24)],
        "worst": [(one, words.share(one.share), minutes + quote_plus(clock.rfc3339(one.minute))) for one in made.worst],
        "over": [
            (_("Over 80 %"), made.day.over_80, made.days.over_80),
            (_("Over 95 %"), made.day.over_95, made.days.over_95),
            (_("Over 100 %"), made.day.over_100, made.days.over_100),
        ]
        if made.limit is not None
        else [],
        "streak": max((bar.streak for bar in own if bar.limiter == made.limiter), default=0),
        "trend": trend_words(made.trend, made.limit),
        "pool_trend": trend_words(made.pool_trend, made.limit) if made.key.workspace_key else None,
        "consumers": _consumers(made.key, used, called),
        "contention": _contention(organization, made, called),
        "unmeasured": [
            (words.limiter(one.limiter), one.value, _unmeasured(organization, made.key, one.limiter))
            for one in made.unmeasured
        ],
    }


def minute_context(organization: Organization, key: LineKey, found: Minute) -> dict[str, Any]:
    """What the template of a minute shows."""
    called = named(
        organization,
        {one.api_key_id for one in found.contributions},
        {one.model for one in found.contributions},
    )
    return {
        "when": when(found.minute),
        "limiter": words.limiter(found.limiter),
        "limit": found.limit,
        "limit_now": found.limit_now,
        "total": found.total,
        "share": words.share(share_of(found.total, found.limit)),
        "who": called.workspace(key.workspace_key),
        "is_read": found.is_read,
        "is_kept": found.is_kept,
        "rows": [
            {
                "workspace": called.workspace(one.workspace_key),
                "key": called.key(one.api_key_id),
                "key_id": one.api_key_id,
                "model": called.model(one.model),
                "share": f"{one.counted * 1000 // found.total / 10:.1f} %" if found.total else "–",
                "one": one,
            }
            for one in found.contributions
        ],
    }


def _bar(bar: Bar, key: LineKey, called: Named) -> BarRow:
    is_pool, made = bar.key != key, bar.figures
    if bar.limit is not None:
        said = _("Median %(p50)s, 95th percentile %(p95)s, peak %(peak)s of %(limit)s a minute") % {
            "p50": words.share(share_of(made.median, bar.limit)),
            "p95": words.share(share_of(made.p95, bar.limit)),
            "peak": words.share(share_of(made.peak, bar.limit)),
            "limit": display.tokens(bar.limit),
        }
    else:
        said = _("Median %(p50)s, 95th percentile %(p95)s, peak %(peak)s a minute; no limit is known") % {
            "p50": display.tokens(made.median),
            "p95": display.tokens(made.p95),
            "peak": display.tokens(made.peak),
        }
    headroom = bar.headroom
    return BarRow(
        limiter=words.limiter(bar.limiter),
        whose=_whose(bar, is_pool, called),
        is_pool=is_pool,
        is_inherited=not is_pool and bool(key.workspace_key) and bar.source != "workspace",
        picture=SafeString(drawn.bullet(made, bar.limit, said)),
        bar=bar,
        headroom="–" if headroom is None else f"{headroom // 100} %".replace("-", "\u2212"),
        is_over=headroom is not None and headroom < 500,
        capped=_("set to %(value)s, the organization's is lower") % {"value": display.tokens(bar.configured)}
        if bar.configured is not None and bar.limit is not None and bar.configured > bar.limit
        else "",
    )


def _whose(bar: Bar, is_pool: bool, called: Named) -> str:
    if bar.source == "assumed":
        return _("assumed from the published tier")
    if is_pool or not bar.key.workspace_key:
        return _("Organization, all workspaces")
    who = called.workspace(bar.key.workspace_key)
    if bar.source == "workspace":
        return _("%(who)s, own limit") % {"who": who}
    return _("%(who)s, inherited") % {"who": who}


def _day_words(made: Detail) -> str:
    peak = max(made.values, default=0)
    return _("%(limiter)s by the minute from %(since)s to %(until)s, at most %(peak)s") % {
        "limiter": words.limiter(made.limiter),
        "since": when(made.since),
        "until": when(made.until),
        "peak": display.tokens(peak),
    }


def _consumers(key: LineKey, used: Counter[str] | None, called: Named) -> list[str]:
    if not used or not used.total():
        return []
    label = called.key if key.workspace_key else called.workspace
    return [f"{label(who)} {count * 100 // used.total()} %" for who, count in used.most_common(TOP)]


@dataclass(frozen=True, slots=True)
class ContentionWords:
    """Who takes the organization's pool when it runs short."""

    minutes: str
    takers: list[str]


def largest_keys(used: Mapping[LineKey, Counter[str]]) -> set[str]:
    """The keys that are named as those who use most of a workspace's lines."""
    return {who for key, counted in used.items() if key.workspace_key for who, _count in counted.most_common(TOP)}


def _contention(organization: Organization, made: Detail, called: Named) -> ContentionWords | None:
    limits = [bar.limit for bar in made.bars if not bar.key.workspace_key and bar.limiter == made.limiter]
    if not limits or limits[0] is None:
        return None
    found = contention(organization, made.key, made.limiter, limits[0])
    takers = [f"{called.workspace(who)} {count * 100 // found.total} %" for who, count in found.by_workspace[:TAKERS]]
    return ContentionWords(words.minutes(found.minutes), takers)


def _unmeasured(organization: Organization, key: LineKey, limiter: str) -> str:
    if limiter != "requests_per_minute":
        return _("not measurable")
    found: Requests | None = requests_of(organization, key)
    if found is None:
        return _("not measurable: the usage report counts no requests")
    if not found.requests:
        return _("none on %(day)s") % {"day": display.short_day(found.day)}
    if not found.minutes_active:
        return _("%(count)s on %(day)s, peak not measurable") % {
            "count": f"{found.requests:,}",
            "day": display.short_day(found.day),
        }
    return _("%(average)s on average over the minutes with use on %(day)s; peak not measurable") % {
        "average": f"{found.requests // found.minutes_active:,}",
        "day": display.short_day(found.day),
    }
