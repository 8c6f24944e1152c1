"""From two chains of the analytics to rows: the standard part of a day is the base minus what was fast. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from costwatch.directory.models import CONSOLE_KEY
from costwatch.ingest.split import FAST_SPEED, PLAIN_SPEED, Negative, workspace_key
from costwatch.ledger.analytics import AnalyticsCostDims, AnalyticsDims, Cost, Used
from costwatch.ledger.dimensions import NOTHING, clean
from costwatch.upstream.analytics_rows import CostLine, Place, UsageLine, parse_cost, parse_usage
from costwatch.upstream.pages import Bucket
from costwatch.upstream.usage import Rejected
from pricing.money import TooFine, parse_cents

D = TypeVar("D")
V = TypeVar("V")
TWICE = "(the same dimensions twice in one day)"
TOO_FINE = "(an amount finer than a pico-dollar)"


@dataclass(slots=True)
class Divided(Generic[D, V]):
    """The rows of a day, what could not be recorded, and what this version had not met before."""

    rows: dict[D, V]
    rejected: list[Rejected] = field(default_factory=list)
    novelties: Counter[tuple[str, str]] = field(default_factory=Counter)


def divide_usage(base: Bucket, fast: Bucket, default_workspace: str) -> Divided[AnalyticsDims, Used]:
    """A day of usage. It sums to the base by construction. Raises: Negative."""
    whole, quick = parse_usage(base), parse_usage(fast)
    novelties = whole.novelties + quick.novelties
    rows = _used(whole.lines, default_workspace, novelties)
    for dims, part in _used(quick.lines, default_workspace, novelties).items():
        if whole.rejected and dims not in rows:
            continue  # What it is a part of was set aside.
        rows[dims] = _less(rows.get(dims), part)
        rows[dims._replace(speed=FAST_SPEED)] = part
    rows = {dims: used for dims, used in rows.items() if used.counts != NOTHING or used.requests}
    return Divided(rows, whole.rejected + quick.rejected, novelties)


def divide_cost(base: Bucket, fast: Bucket, default_workspace: str) -> Divided[AnalyticsCostDims, Cost]:
    """A day of cost. It sums to the base by construction. Raises: Negative."""
    whole, quick = parse_cost(base), parse_cost(fast)
    novelties = whole.novelties + quick.novelties
    rows = _costs(whole.lines, default_workspace, novelties)
    for dims, part in _costs(quick.lines, default_workspace, novelties).items():
        if whole.rejected and dims not in rows:
            continue
        rest = _cheaper(rows.get(dims), part)
        rows[dims._replace(speed=FAST_SPEED)] = part
        if rest.amount or rest.list_amount:
            rows[dims] = rest
        else:
            del rows[dims]
    return Divided(rows, whole.rejected + quick.rejected, novelties)


def _used(
    lines: Iterable[UsageLine], default_workspace: str, novelties: Counter[tuple[str, str]]
) -> dict[AnalyticsDims, Used]:
    found: dict[AnalyticsDims, Used] = {}
    for line in lines:
        dims = AnalyticsDims(*_named(line.place, default_workspace), speed=PLAIN_SPEED)
        used = Used(line.counts, line.requests)
        if dims in found:
            novelties[TWICE, ""] += 1
            used = _plus(found[dims], used)
        found[dims] = used
    return found


def _costs(
    lines: Iterable[CostLine], default_workspace: str, novelties: Counter[tuple[str, str]]
) -> dict[AnalyticsCostDims, Cost]:
    found: dict[AnalyticsCostDims, Cost] = {}
    for line in lines:
        dims = AnalyticsCostDims(
            *_named(line.place, default_workspace),
            speed=PLAIN_SPEED,
            cost_type=clean(line.cost_type),
            token_type=clean(line.token_type),
            currency=line.currency,
        )
        amount, list_amount = _pico(line.amount_cents, novelties), _pico(line.list_cents, novelties)
        cost = Cost(amount, list_amount, line.amount_cents, line.list_cents)
        if dims in found:
            novelties[TWICE, ""] += 1
            cost = _joined(found[dims], cost, 1)
        found[dims] = cost
    return found


def _named(place: Place, default_workspace: str) -> tuple[str, str, str, str, str, str]:
    return (
        clean(place.api_key_id) or CONSOLE_KEY,
        clean(place.actor_type),
        clean(place.actor_id),
        workspace_key(place.workspace_id, default_workspace),
        clean(place.model),
        clean(place.service_tier),
    )


def _pico(text: str, novelties: Counter[tuple[str, str]]) -> int:
    try:
        return parse_cents(text)
    except TooFine as finer:
        # The vendor's own text is kept beside the rounded pico-dollars.
        novelties[TOO_FINE, ""] += 1
        return finer.rounded


def _plus(one: Used, other: Used) -> Used:
    first, second, third, fourth, fifth, sixth = (a + b for a, b in zip(one.counts, other.counts, strict=True))
    unknown = one.requests is None or other.requests is None
    requests = None if unknown else (one.requests or 0) + (other.requests or 0)
    return Used((first, second, third, fourth, fifth, sixth), requests)


def _less(whole: Used | None, part: Used) -> Used:
    if whole is None:
        raise Negative
    first, second, third, fourth, fifth, sixth = (-count for count in part.counts)
    rest = _plus(whole, Used((first, second, third, fourth, fifth, sixth), part.requests and -part.requests))
    if min(rest.counts) < 0 or (rest.requests or 0) < 0:
        raise Negative
    return rest


def _cheaper(whole: Cost | None, part: Cost) -> Cost:
    if whole is None or 0 <= whole.amount < part.amount or 0 <= whole.list_amount < part.list_amount:
        raise Negative
    return _joined(whole, part, -1)


def _joined(one: Cost, other: Cost, sign: int) -> Cost:
    word = "+" if sign > 0 else "-"
    return Cost(
        one.amount + sign * other.amount,
        one.list_amount + sign * other.list_amount,
        f"{one.amount_cents} {word} {other.amount_cents}",
        f"{one.list_cents} {word} {other.list_cents}",
    )
