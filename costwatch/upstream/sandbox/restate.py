"""Changing the past on purpose, in the four ways a vendor's report can change."""

from dataclasses import dataclass
from datetime import datetime

from costwatch.upstream.sandbox.biller import Counts, Terms
from costwatch.upstream.sandbox.buckets import moment_of
from costwatch.upstream.sandbox.chance import draw
from costwatch.upstream.sandbox.history import DAY, EPOCH_ORDINAL, HOUR, NOTHING, History
from costwatch.upstream.sandbox.models import MODELS
from costwatch.upstream.sandbox.streams import Slot

CHANGES = ("up", "down", "vanish", "new")


@dataclass(frozen=True, slots=True)
class Restated:
    """What a restatement did. Units: counts in the order of the meters, of the rows that changed."""

    change: str
    start: datetime
    end: datetime
    rows: int
    before: Counts
    after: Counts
    models: tuple[str, ...]


def restate(
    history: History, start: int, end: int, change: str, workspace: str | None, *, everywhere: bool
) -> Restated:
    """Change the rows of whole hours in [start, end) of one workspace (None: the default one), or of all.

    `up` adds an eighth, `down` takes a quarter away, `vanish` removes one stream entirely, `new` adds one with a model
    that was not used that day. Raises: ValueError for an unknown change, or where there is nothing to change.
    """
    if change not in CHANGES:
        raise ValueError(f"{change!r} is none of {', '.join(CHANGES)}")
    before = [0] * 6
    after = [0] * 6
    changed_rows, models = 0, set[str]()
    victim = _victim(history, start, end, workspace, everywhere) if change == "vanish" else -1
    newcomer = _newcomer(history, start, workspace) if change == "new" else -1
    for moment in range(start, end, HOUR):
        changed: dict[int, Counts] = {}
        for number, counts in history.hours(moment // DAY)[moment % DAY // HOUR]:
            is_chosen = number == victim if change == "vanish" else change != "new"
            if not is_chosen or not (everywhere or history.streams.all[number].place[1] == workspace):
                continue
            changed[number] = NOTHING if change == "vanish" else _scaled(counts, change)
            _add(before, counts)
        if change == "new":
            changed[newcomer] = (120_000 + draw(moment) % 9_999, 0, 0, 30_000, 8_000 + draw(moment, 2) % 999, 0)
        for number, counts in changed.items():
            _add(after, counts)
            models.add(history.streams.all[number].terms.model)
        changed_rows += len(changed)
        if changed:
            history.change(moment // DAY, moment % DAY // HOUR, changed)
    if not changed_rows:
        raise ValueError("there was nothing to change in that time")
    span = (moment_of(start), moment_of(end))
    return Restated(change, *span, changed_rows, _six(before), _six(after), tuple(sorted(models)))


def _scaled(counts: Counts, change: str) -> Counts:
    if change == "up":
        return _six([count + (count + 7) // 8 for count in counts])
    return _six([count - (count + 3) // 4 for count in counts])


def _six(values: list[int]) -> Counts:
    first, second, third, fourth, fifth, sixth = values
    return first, second, third, fourth, fifth, sixth


def _add(total: list[int], counts: Counts) -> None:
    for index, count in enumerate(counts):
        total[index] += count


def _victim(history: History, start: int, end: int, workspace: str | None, everywhere: bool) -> int:
    """The largest stream of the span: its disappearance is noticed."""
    sums: dict[int, int] = {}
    for moment in range(start, end, HOUR):
        for number, counts in history.hours(moment // DAY)[moment % DAY // HOUR]:
            if everywhere or history.streams.all[number].place[1] == workspace:
                sums[number] = sums.get(number, 0) + sum(counts)
    return max(sums, key=lambda number: sums[number], default=-1)


def _newcomer(history: History, start: int, workspace: str | None) -> int:
    """A stream of the workspace's first key with a model its team did not use that day."""
    day = start // DAY
    used = {history.streams.all[number].terms.model for number, _ in history.day(day)}
    slots = [slot for slot in history.slots if slot.workspace == workspace and slot.api_key]
    slot: Slot = slots[0] if slots else history.slots[0]
    ordinal = day + EPOCH_ORDINAL
    callable_now = [
        model
        for model in MODELS
        if model.line != "lynx" and model.launched.toordinal() <= ordinal < model.retired.toordinal()
    ]
    model = next((model for model in callable_now if model.name not in used), callable_now[-1])
    geo = "global" if model.geo else "not_available"
    return history.streams.intern(slot, Terms(model.name, "standard", "0-200k", geo, "standard")).number
