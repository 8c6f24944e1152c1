"""The words of the Limits pages: what limiters, pools and states are called, and the sentence on top."""

from collections.abc import Collection
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from costwatch.directory.history import last_change
from costwatch.directory.kinds import RATE_LIMIT_GROUPS, RATE_LIMITS
from costwatch.directory.models import Organization
from costwatch.insights import display
from costwatch.insights.limits.lines import AT_LIMIT, FINE, TIGHT, UNLIMITED, Line, Lines
from costwatch.insights.limits.stored_flows import Stored
from costwatch.web import names
from costwatch.web.limits.named import Named
from costwatch.web.moments import when

LIMITERS = {
    "input_tokens_per_minute": gettext_lazy("Input tokens"),
    "input_tokens_per_minute_cache_aware": gettext_lazy("Input tokens"),
    "output_tokens_per_minute": gettext_lazy("Output tokens"),
    "tokens_per_minute": gettext_lazy("All tokens"),
    "fast_itpmca": gettext_lazy("Fast input tokens"),
    "fast_otpm": gettext_lazy("Fast output tokens"),
    "requests_per_minute": gettext_lazy("Requests a minute"),
    "tokens_per_day": gettext_lazy("Tokens a day"),
    "enqueued_batch_requests": gettext_lazy("Queued batch requests"),
    "tool_uses_per_second": gettext_lazy("Tool uses a second"),
}
KINDS = {
    "batch": gettext_lazy("Batches"),
    "token_count": gettext_lazy("Token counting"),
    "files": gettext_lazy("Files"),
    "skills": gettext_lazy("Skills"),
    "web_search": gettext_lazy("Web search"),
}
POOLS = {"fast": gettext_lazy("Fast"), "batch": gettext_lazy("Batch"), "priority": gettext_lazy("Priority")}
# Class, icon and word of a state.
STATES = {
    AT_LIMIT: ("danger", "fire", gettext_lazy("At limit")),
    TIGHT: ("warn", "warn", gettext_lazy("Tight")),
    FINE: ("ok", "check", gettext_lazy("Fine")),
    UNLIMITED: ("", "info", gettext_lazy("No limit known")),
}


def limiter(name: str) -> str:
    """What a limiter limits; one we do not know, as the vendor writes it."""
    return str(LIMITERS.get(name) or names.visible(name.replace("_", " "), name))


def unit(name: str) -> str:
    """What the values of a limiter are counted in, after the number."""
    return "" if name in LIMITERS and not name.endswith("per_minute") and not name.startswith("fast") else _("a minute")


def share(hundredths: int | None) -> str:
    """A share of a limit in whole per cent, rounded down: 99.9 % is not at the limit."""
    return "" if hundredths is None else f"{hundredths // 100:,} %"


def verdict(found: Lines, called: Named) -> str:
    """The page in two sentences."""
    if not found.through and not found.lines:
        return _("No usage by the minute was read yet.")
    if found.through and found.through <= found.since:
        return _("No usage by the minute of the last 24 hours was read; it was read to %(time)s.") % {
            "time": when(found.through)
        }
    if not found.lines and found.unread_of_day:
        return _("Nothing was used in those of the last 24 hours that were read.")
    if not found.lines:
        return _("Nothing was used by the minute in the last 24 hours.")
    counts = found.counts()
    parts = [
        _("%(number)d at limit") % {"number": counts[AT_LIMIT]},
        _("%(number)d tight") % {"number": counts[TIGHT]},
        _("%(number)d fine") % {"number": counts[FINE]},
    ]
    said = ", ".join(part for part, state in zip(parts, (AT_LIMIT, TIGHT, FINE), strict=True) if counts[state])
    if not said and found.limits.assumed:
        return _(
            "The assumed tier has no limit for what was used, or the hours are not held against it yet, so nothing can "
            "be said about what is left."
        )
    if not said:
        return _("No limits are known, so nothing can be said about what is left of them.")
    first = found.lines[0]
    if first.state not in (AT_LIMIT, TIGHT):
        return _("%(counts)s. Nothing came above 80 %% of its limit in 24 hours.") % {"counts": said}
    return _("%(counts)s. %(group)s in %(who)s comes first: %(what)s, %(over)s above 80 %% in 24 hours.") % {
        "counts": said,
        "group": group(first),
        "who": called.workspace(first.key.workspace_key) if first.key.workspace_key else _("all workspaces together"),
        "what": limiter(first.binding.limiter).lower(),
        "over": minutes(first.binding.minutes_over_80),
    }


def group(line: Line) -> str:
    """A line's group with its pool."""
    label = names.visible(line.group)
    return f"{label}, {POOLS[line.key.pool]}" if line.key.pool else label


def minutes(count: int) -> str:
    """A number of minutes."""
    return ngettext("%(number)d minute", "%(number)d minutes", count) % {"number": count}


def unread(hours: Collection[datetime]) -> str:
    """How many hours were not read, empty for none."""
    text = ngettext(
        "%(number)d hour was not read: nothing is known of it",
        "%(number)d hours were not read: nothing is known of them",
        len(hours),
    )
    return text % {"number": len(hours)} if hours else ""


def meta(organization: Organization, found: Lines) -> list[str]:
    """What the page stands on."""
    made = [ngettext("%(number)d line", "%(number)d lines", len(found.lines)) % {"number": len(found.lines)}]
    if unlimited := found.counts()[UNLIMITED]:
        made[0] += _(", %(number)d without a known limit") % {"number": unlimited}
    if found.through:
        made.append(_("Minutes through %(time)s") % {"time": when(found.through)})
    made.append(_("24 hours from %(time)s") % {"time": when(found.since)})
    if found.through and found.unread_of_day:
        made.append(unread(found.unread_of_day))
    limits = found.limits
    if limits.assumed:
        return [*made, _("Limits assumed: tier %(tier)s as published") % {"tier": limits.assumed.tier.name}]
    if limits.known_since is None:
        return [*made, _("Limits not read")]
    made.append(_("Limits read %(time)s") % {"time": when(limits.read_at)})
    changed = last_change(organization, RATE_LIMIT_GROUPS.kind, RATE_LIMITS.kind)
    if changed and changed > limits.known_since:
        made.append(_("changed %(time)s") % {"time": when(changed)})
    return made


def looked_at(stored: Stored) -> str:
    """How many minutes an answer stands on."""
    if stored.minutes < stored.of:
        return _("the %(number)s fullest of %(all)s minutes in which the pool was used since %(time)s") % {
            "number": f"{stored.minutes:,}",
            "all": f"{stored.of:,}",
            "time": when(stored.since),
        }
    return ngettext(
        "%(number)s minute in which the pool was used since %(time)s",
        "%(number)s minutes in which the pool was used since %(time)s",
        stored.minutes,
    ) % {"number": f"{stored.minutes:,}", "time": when(stored.since)}


def tokens(value: int | None) -> str:
    """A count of tokens, or that there is none."""
    return "–" if value is None else display.tokens(value)
