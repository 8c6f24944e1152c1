"""What applications saw of a line's limits, made ready for the template."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from costwatch import clock
from costwatch.directory.limits import Limits
from costwatch.directory.models import Organization
from costwatch.insights import display
from costwatch.insights.limits.detail import Detail
from costwatch.insights.limits.lines import Lines
from costwatch.insights.limits.observed import Live, Refusals, observations, refusals
from costwatch.ledger.limit_figures import FAST, ORDINARY, PRIORITY
from costwatch.ledger.limit_hours import group_for
from costwatch.web import names
from costwatch.web.limits.named import Named
from costwatch.web.moments import when

KINDS = {
    "requests": gettext_lazy("Requests"),
    "tokens": gettext_lazy("Tokens"),
    "input-tokens": gettext_lazy("Input tokens"),
    "output-tokens": gettext_lazy("Output tokens"),
    "priority-input-tokens": gettext_lazy("Priority input tokens"),
    "priority-output-tokens": gettext_lazy("Priority output tokens"),
    "fast-input-tokens": gettext_lazy("Fast input tokens"),
    "fast-output-tokens": gettext_lazy("Fast output tokens"),
}

# So many of the models whose refusals no line counts are told, those with most first.
TOLD = 5


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of pool: what was left a moment ago, and the least of 24 hours."""

    name: str
    left: str
    when: str
    least: str


@dataclass(frozen=True, slots=True)
class ObservedRows:
    """What was observed of a line. `hours` are the hours of the last 24 that had refusals."""

    kinds: list[Kind]
    responses: int
    refused: int
    newest: str
    hours: list[tuple[str, int, int]]


def observed_rows(organization: Organization, made: Detail, limits: Limits, called: Named) -> ObservedRows | None:
    """What applications told of the models and workspace of a line; None where nobody tells anything."""
    found = observations(organization)
    if found.is_empty:
        return None
    # Applications tell full names; the group knows which of them are its own.
    own = {model for model in found.models if model and group_for(model, limits).id == made.key.group_id}
    seen = found.of(models=own, workspace_key=made.key.workspace_key or None)
    kinds = [
        Kind(
            str(KINDS.get(kind) or names.visible(kind)),
            _left(seen.live.get(kind)),
            _told(seen.live[kind], called) if kind in seen.live else "",
            _least(least.remaining, least.limit),
        )
        for kind, least in seen.least.items()
        if _pool(kind) == made.key.pool
    ]
    hours = [(when(hour.start), hour.refused, hour.responses) for hour in seen.hours if hour.refused]
    return ObservedRows(kinds, seen.responses, seen.refused, when(seen.newest) if seen.newest else "", hours)


def lineless_words(organization: Organization, every: Lines, workspace_key: str) -> list[str]:
    """The refusals that no line counts, in sentences: those of models without a line, and those without a model."""
    groups = {line.key.group_id for line in every.lines}
    found = [
        one
        for one in refusals(organization, workspace_key)
        if not one.model or group_for(one.model, every.limits).id not in groups
    ]
    return [
        _nameless(one) if not one.model else _unused(one) for one in sorted(found, key=lambda one: -one.refused)[:TOLD]
    ]


def _nameless(found: Refusals) -> str:
    return ngettext(
        "%(count)s refusal (429) of 7 days was reported without a model, at %(time)s, so no line counts it.",
        "%(count)s refusals (429) of 7 days were reported without a model, the newest at %(time)s, so no line counts "
        "them.",
        found.refused,
    ) % {"count": f"{found.refused:,}", "time": when(found.newest)}


def _unused(found: Refusals) -> str:
    return ngettext(
        "%(count)s refusal (429) of 7 days was reported for %(model)s, at %(time)s: its group was not used in 24 "
        "hours, so it has no line.",
        "%(count)s refusals (429) of 7 days were reported for %(model)s, the newest at %(time)s: its group was not "
        "used in 24 hours, so it has no line.",
        found.refused,
    ) % {"count": f"{found.refused:,}", "time": when(found.newest), "model": names.visible(found.model)}


def _told(live: Live, called: Named) -> str:
    """When it was told, and from which workspace: the tightest pool it met may be that one's."""
    at = when(live.observed_at)
    return f"{at}, {called.workspace(live.workspace_key)}" if live.workspace_key else at


def _pool(kind: str) -> str:
    """The pool whose headers begin that way."""
    return next((pool for pool in (FAST, PRIORITY) if kind.startswith(f"{pool}-")), ORDINARY)


def _left(live: Live | None) -> str:
    if live is None:
        return _("not told in the last minutes")
    left = live.left(clock.now())
    return _least(left, live.limit)


def _least(left: int | None, limit: int | None) -> str:
    if left is None:
        return "–"
    shown = display.tokens(left)
    if not limit:
        return shown
    return _("%(left)s of %(limit)s, %(share)s") % {
        "left": shown,
        "limit": display.tokens(limit),
        "share": f"{left * 100 // limit} %",
    }
