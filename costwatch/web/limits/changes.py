"""Changes to try in the twin, as its address and its form write them."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from django.http import QueryDict
from django.utils.translation import gettext as _

from costwatch.insights import display
from costwatch.insights.limits.flows import DEFAULT_WORKSPACE, Flow, Limiter, Part
from costwatch.insights.limits.twin import BadChange, Batch, Caching, Change, Override
from costwatch.insights.query import BadQuestion
from costwatch.ledger.limit_figures import LIMITED_POOLS
from costwatch.web import names
from costwatch.web.limits import words
from costwatch.web.limits.asked import SEPARATOR
from costwatch.web.limits.named import Named
from costwatch.web.limits.replayable import check

OVERRIDE, BATCH, CACHING = "limit", "batch", "cache"
MOST_CHANGES = 10
# Digits as a form has them; no limit is longer.
NUMBER = re.compile(r" *-?[0-9]{1,15} *")
# More keys than these are not offered by name; the address takes any.
MOST_KEYS = 40
# What is to be changed, and by how much.
Rows = tuple[tuple[str, str], ...]


def read(given: QueryDict) -> Rows:
    """What the address says. Raises: BadQuestion where it was not written by the form or a link."""
    targets, amounts = given.getlist("change"), given.getlist("amount")
    if len(targets) != len(amounts):
        raise BadQuestion("every change has an amount, in the same order")
    rows = tuple((target, amount.strip()) for target, amount in zip(targets, amounts, strict=True) if target)
    if len(rows) > MOST_CHANGES:
        raise BadQuestion(f"at most {MOST_CHANGES} changes are tried at once")
    return rows


def changes_of(rows: Rows, flows: Sequence[Flow], limiters: Sequence[Limiter], named: Named) -> list[Change]:
    """The changes of some rows. Raises: BadChange naming the one that cannot be tried."""
    made = [_change(target, amount) for target, amount in rows]
    for one in made:
        check(one, flows, limiters, named)
    limits = Counter((one.workspace_key, one.limiter) for one in made if isinstance(one, Override))
    for (workspace, limiter), count in limits.items():
        if count > 1:
            given = {"who": named.workspace(workspace), "limiter": words.limiter(limiter).lower()}
            raise BadChange(_("the limit of %(who)s for %(limiter)s is given twice") % given)
    return made


def rows_of(changes: Sequence[Change]) -> Rows:
    """Some changes as rows of the form."""
    return tuple(map(_row, changes))


def _change(target: str, amount: str) -> Change:
    kind, *rest = target.split(SEPARATOR, 3)
    if not NUMBER.fullmatch(amount):
        raise BadChange(_("“%(amount)s” is not a whole number") % {"amount": amount[:40]})
    number = int(amount)
    is_limit = kind == OVERRIDE and len(rest) == 2
    if not is_limit and not (kind in (BATCH, CACHING) and rest):
        raise BadQuestion("a change is one of those that the form offers")
    # A model may be without a name, as it is in the report.
    if not all(rest[:2]):
        raise BadChange(
            _(
                "“%(change)s” leaves out a name: a limit has a workspace and a limiter, a share a workspace, with it "
                "perhaps a key, and with both a model"
            )
            % {"change": names.visible(target)[:200]}
        )
    if is_limit:
        return Override(rest[0], rest[1], number)
    return (Batch if kind == BATCH else Caching)(Part(*rest), number)


def _row(change: Change) -> tuple[str, str]:
    if isinstance(change, Override):
        return SEPARATOR.join((OVERRIDE, change.workspace_key, change.limiter)), str(change.value)
    part, kind = change.part, BATCH if isinstance(change, Batch) else CACHING
    parts = (kind, part.workspace_key, part.api_key_id, part.model)
    return SEPARATOR.join(one for one in parts if one is not None), str(change.percent)


def sentence(change: Change, named: Named) -> str:
    """A change in words."""
    if isinstance(change, Override):
        return _("%(who)s: at most %(value)s %(limiter)s a minute") % {
            "who": named.workspace(change.workspace_key),
            "limiter": words.limiter(change.limiter).lower(),
            "value": f"{change.value:,}",
        }
    text = _("%(who)s: %(share)d %% as batches")
    if isinstance(change, Caching):
        text = _("%(who)s: %(share)d %% of uncached input read from the cache")
    return text % {"who": named.part(change.part), "share": change.percent}


def options(
    pool: str, flows: Sequence[Flow], limiters: Sequence[Limiter], rows: Rows, named: Named
) -> list[tuple[str, list[tuple[str, str]]]]:
    """Everything the form offers, in groups; what is in its rows already is offered whatever it is."""
    used: Counter[Part] = Counter()
    for flow in flows:
        if flow.is_of_a_key:
            used[flow.key] += sum(flow.total())
    workspaces = sorted({flow.workspace_key for flow in flows}, key=named.workspace)
    movable = {key.workspace_key for key in used}
    parts = [Part(one) for one in workspaces if one in movable] + [key for key, _count in used.most_common(MOST_KEYS)]
    there = {target for target, _amount in rows}
    found = [(_("Limit of a workspace"), list(_limits(workspaces, limiters, named)))]
    if pool in LIMITED_POOLS:
        batches = [_option(Batch(one, 0), _("%(who)s: %% as batches") % {"who": named.part(one)}) for one in parts]
        found.append((_("Share sent as batches"), batches))
    found.append((_("Share of uncached input read from the cache"), _cachings(parts, there, named)))
    offered = {target for _group, of in found for target, _label in of}
    others = [(target, target.replace(SEPARATOR, " · ")) for target in sorted(there - offered)]
    return [one for one in (*found, (_("Other"), others)) if one[1]]


def _limits(workspaces: Sequence[str], limiters: Sequence[Limiter], named: Named) -> Iterator[tuple[str, str]]:
    for who in workspaces:
        for limiter in limiters:
            now = limiter.limit_of(who)
            if who != DEFAULT_WORKSPACE and now is not None:
                label = _("%(who)s: %(limiter)s a minute, now %(value)s") % {
                    "who": named.workspace(who),
                    "limiter": words.limiter(limiter.name).lower(),
                    "value": display.tokens(now),
                }
                yield _option(Override(who, limiter.name, 0), label)


def _cachings(parts: Sequence[Part], there: set[str], named: Named) -> list[tuple[str, str]]:
    known = {_row(Caching(one, 0))[0] for one in parts}
    of_models = [one for one in sorted(there - known) if one.startswith(CACHING + SEPARATOR)]
    every = [*parts, *(Part(*one.split(SEPARATOR, 3)[1:]) for one in of_models)]
    return [_option(Caching(one, 0), _("%(who)s: %% from the cache") % {"who": named.part(one)}) for one in every]


def _option(change: Change, label: str) -> tuple[str, str]:
    return _row(change)[0], label
