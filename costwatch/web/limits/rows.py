"""The list of lines, made ready for the template."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy, ngettext

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.insights.limits import drawn
from costwatch.insights.limits.lines import Line, LineKey, Lines, last_hour, lines
from costwatch.ledger.limit_figures import LIMITED_POOLS
from costwatch.web import names
from costwatch.web.limits import words
from costwatch.web.limits.asked import UNFOLDED, Asked, anchor_of, text_of
from costwatch.web.limits.named import Named, named

MOST_OF_WORKSPACE = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list."""

    anchor: str
    text: str
    group: str
    pool: str
    who: str
    is_organization: bool
    href: str
    is_open: bool
    state_class: str
    state_icon: str
    state: str
    over_80: int
    picture: SafeString
    peak: str
    peak_tokens: int
    limiter: str
    limiter_id: str
    limit: int | None
    is_inherited: bool
    is_assumed: bool
    top: str


def rows(
    organization: Organization, found: Lines, used: Mapping[LineKey, Counter[str]], asked: Asked, called: Named
) -> list[Row]:
    """The lines that stand in the list; one that is open stands in it wherever it belongs."""
    shown = [line for line in found.lines if line.is_shown or line.key == asked.line]
    hours = _last_hour(organization, found, shown)
    return [_row(line, hours.get(line.key, []), _top(line, used, called), called, asked) for line in shown]


def _last_hour(organization: Organization, found: Lines, shown: Sequence[Line]) -> dict[LineKey, list[int]]:
    """The last hour of some lines as far as it was read; nothing where none of it was."""
    now = clock.now()
    if not found.through or not found.has_last_hour(now):
        return {}
    return last_hour(organization, shown, min(found.through, now).replace(second=0, microsecond=0))


@dataclass(frozen=True, slots=True)
class Fold:
    """The lines that are far from every limit, or have none: how many, and themselves where they were asked for."""

    words: str
    href: str
    rows: list[Row]


def fold(found: Lines, asked: Asked, called: Named) -> Fold | None:
    """What is folded away under the list."""
    folded = [line for line in found.folded if line.key != asked.line]
    if not folded:
        return None
    unlimited = sum(line.binding.share is None for line in folded)
    parts = []
    if count := len(folded) - unlimited:
        parts.append(ngettext("%(n)d line under 50 %%", "%(n)d lines under 50 %%", count) % {"n": count})
    if unlimited:
        parts.append(
            ngettext("%(n)d without a known limit", "%(n)d without a known limit", unlimited) % {"n": unlimited}
        )
    return Fold(
        ", ".join(parts),
        asked.query(fold="" if asked.is_unfolded else UNFOLDED),
        [_row(line, [], "", called, asked) for line in folded] if asked.is_unfolded else [],
    )


@dataclass(frozen=True, slots=True)
class OfWorkspace:
    """The lines of one workspace that come nearest to their limits, and where all of them are."""

    rows: list[Row]
    more: int
    href: str


def rows_of(organization: Organization, workspace: str, travelling: str) -> OfWorkspace | None:
    """What the page of a workspace says of its limits; None where no minute was used."""
    found = lines(organization).of(workspace)
    own = [line for line in found.lines if line.key.workspace_key == workspace and line.binding.limit is not None]
    if not own:
        return None
    asked = Asked("", workspace, None, "", None, travelling)
    hours = _last_hour(organization, found, own[:MOST_OF_WORKSPACE])
    called = named(organization)
    shown = [_row(line, hours.get(line.key, []), "", called, asked) for line in own[:MOST_OF_WORKSPACE]]
    return OfWorkspace(shown, len(own) - len(shown), asked.query())


def _row(line: Line, hour: list[int], top: str, called: Named, asked: Asked) -> Row:
    binding, key = line.binding, line.key
    state_class, icon, state = words.STATES[line.state]
    if line.key.pool not in LIMITED_POOLS:
        state = gettext_lazy("No limit a minute")
    is_open = key == asked.line
    anchor = anchor_of(key)
    return Row(
        anchor=anchor,
        text=words.group(line),
        group=names.visible(line.group),
        pool=str(words.POOLS.get(key.pool, "")),
        who=called.workspace(key.workspace_key),
        is_organization=not key.workspace_key,
        href=f"{asked.query(line='' if is_open else text_of(key), limiter='')}#{anchor}",
        is_open=is_open,
        state_class=state_class,
        state_icon=icon,
        state=str(state),
        over_80=binding.minutes_over_80,
        picture=SafeString(drawn.last_hour(hour, binding.limit)) if any(hour) else SafeString(""),
        peak=words.share(binding.share),
        peak_tokens=binding.peak,
        limiter=words.limiter(binding.limiter),
        limiter_id=binding.limiter,
        limit=binding.limit,
        is_inherited=bool(key.workspace_key) and binding.source != "workspace",
        is_assumed=binding.source == "assumed",
        top=top,
    )


def _top(line: Line, used: Mapping[LineKey, Counter[str]], called: Named) -> str:
    counted = used.get(line.key)
    if not counted or not counted.total():
        return ""
    (who, count), *_others = counted.most_common(1)
    label = called.key(who) if line.key.workspace_key else called.workspace(who)
    return f"{label} {count * 100 // counted.total()} %"
