"""Which changes there is something to replay for, and why not for the others."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from costwatch.insights.limits.flows import DEFAULT_WORKSPACE, Flow, Limiter, Part
from costwatch.insights.limits.twin import BadChange, Change, Override
from costwatch.web.limits import words
from costwatch.web.limits.named import Named

# Workspaces of which nothing can be moved are named up to so many.
MOST_UNMOVED = 3
REQUESTS = "requests_per_minute"


def check(change: Change, flows: Sequence[Flow], limiters: Sequence[Limiter], named: Named) -> None:
    """Raises: BadChange where the stored minutes have nothing that the change could move or hold back."""
    if isinstance(change, Override):
        _check_limit(change, flows, limiters, named)
    elif not any(flow.is_of_a_key for flow in _used_by(change.part, flows, named)):
        raise BadChange(
            _(
                "nothing can be moved of %(who)s: all of it was used without an API key, and what people do in the "
                "Console can be neither sent as batches nor cached by anybody's code"
            )
            % {"who": named.part(change.part)[:200]}
        )


def unmoved(flows: Sequence[Flow], named: Named) -> str:
    """What is to be said of use without an API key, which no share moves; empty where there is none."""
    without = {flow.workspace_key for flow in flows if not flow.is_of_a_key}
    if not without:
        return ""
    said = _(
        "Use without an API key stays as it is: what people do in the Console can be neither sent as batches nor "
        "cached by anybody's code."
    )
    alone = sorted(map(named.workspace, without - {flow.workspace_key for flow in flows if flow.is_of_a_key}))
    if not alone:
        return said
    whose, more = ", ".join(alone[:MOST_UNMOVED]), len(alone) - MOST_UNMOVED
    if more > 0:
        whose = _("%(names)s and %(count)d more") % {"names": whose, "count": more}
    return said + " " + _("Nothing can be moved of %(names)s.") % {"names": whose}


def _check_limit(change: Override, flows: Sequence[Flow], limiters: Sequence[Limiter], named: Named) -> None:
    if change.limiter == REQUESTS:
        raise BadChange(_("requests are in no report by the minute, so a limit of them cannot be replayed"))
    if change.limiter in words.LIMITERS and change.limiter not in {one.name for one in limiters}:
        raise BadChange(_("the minutes of this pool are not held against “%(limiter)s”") % {"limiter": change.limiter})
    # That it cannot have a limit of its own is what the replay says, whether it was used or not.
    if change.workspace_key != DEFAULT_WORKSPACE:
        _used_by(Part(change.workspace_key), flows, named)


def _used_by(part: Part, flows: Sequence[Flow], named: Named) -> list[Flow]:
    own = [flow for flow in flows if part.holds(flow)]
    if not own:
        raise BadChange(_("in these hours nothing was used by %(who)s") % {"who": named.part(part)[:200]})
    return own
