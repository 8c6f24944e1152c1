"""The models of the sandbox: when each could be called, and which model a team follows on a day."""

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

FOREVER = date(2100, 1, 1)
UNKNOWN_MODEL = "claude-lynx-1-preview"


@dataclass(frozen=True, slots=True)
class Model:
    """One model id. `geo`: it knows inference geographies. `long_until`: prompts above 200k were accepted before it."""

    name: str
    display: str
    line: str
    launched: date
    retired: date = FOREVER
    geo: bool = False
    long_until: date | None = None


def _day(text: str) -> date:
    return date.fromisoformat(text)


_LONG_BETA_END = _day("2026-04-30")
# Within a line the order is the order of adoption.
MODELS = (
    Model("claude-3-opus-20240229", "Claude Opus 3", "opus", _day("2024-03-04"), _day("2026-01-05")),
    Model("claude-opus-4-20250514", "Claude Opus 4", "opus", _day("2025-05-22"), _day("2026-06-15")),
    Model("claude-opus-4-1-20250805", "Claude Opus 4.1", "opus", _day("2025-08-05"), _day("2026-08-05")),
    Model("claude-opus-4-5-20251101", "Claude Opus 4.5", "opus", _day("2025-11-24")),
    Model("claude-opus-4-6", "Claude Opus 4.6", "opus", _day("2026-02-05"), geo=True, long_until=FOREVER),
    Model("claude-opus-4-7", "Claude Opus 4.7", "opus", _day("2026-04-16"), geo=True, long_until=FOREVER),
    Model("claude-opus-4-8", "Claude Opus 4.8", "opus", _day("2026-05-28"), geo=True, long_until=FOREVER),
    Model("claude-opus-5", "Claude Opus 5", "opus", _day("2026-07-24"), geo=True, long_until=FOREVER),
    Model("claude-opus-5-5", "Claude Opus 5.5", "opus", _day("2026-09-22"), geo=True, long_until=FOREVER),
    Model("claude-3-5-sonnet-20241022", "Claude Sonnet 3.5", "sonnet", _day("2024-10-22"), _day("2025-10-28")),
    Model("claude-3-7-sonnet-20250219", "Claude Sonnet 3.7", "sonnet", _day("2025-02-24"), _day("2026-02-19")),
    Model("claude-sonnet-4-20250514", "Claude Sonnet 4", "sonnet", _day("2025-05-22"), _day("2026-06-15")),
    Model(
        "claude-sonnet-4-5-20250929",
        "Claude Sonnet 4.5",
        "sonnet",
        _day("2025-09-29"),
        _day("2026-11-30"),
        long_until=_LONG_BETA_END,
    ),
    Model("claude-sonnet-4-6", "Claude Sonnet 4.6", "sonnet", _day("2026-02-17"), geo=True, long_until=FOREVER),
    Model("claude-sonnet-5", "Claude Sonnet 5", "sonnet", _day("2026-06-30"), geo=True, long_until=FOREVER),
    Model("claude-sonnet-5-5", "Claude Sonnet 5.5", "sonnet", _day("2026-09-28"), geo=True, long_until=FOREVER),
    Model("claude-3-haiku-20240307", "Claude Haiku 3", "haiku", _day("2024-03-13"), _day("2026-04-20")),
    Model("claude-3-5-haiku-20241022", "Claude Haiku 3.5", "haiku", _day("2024-11-04"), _day("2026-02-19")),
    Model("claude-haiku-4-5-20251001", "Claude Haiku 4.5", "haiku", _day("2025-10-15")),
    Model("claude-haiku-5-5", "Claude Haiku 5.5", "haiku", _day("2026-10-07"), geo=True, long_until=FOREVER),
    # Fable 5 was off for some weeks after its launch; the sandbox's teams started when it was back.
    Model("claude-fable-5", "Claude Fable 5", "fable", _day("2026-07-01"), geo=True, long_until=FOREVER),
    Model("claude-fable-5-1", "Claude Fable 5.1", "fable", _day("2026-09-01"), geo=True, long_until=FOREVER),
    Model("claude-fable-5-2", "Claude Fable 5.2", "fable", _day("2026-11-09"), geo=True, long_until=FOREVER),
    Model(UNKNOWN_MODEL, "Claude Lynx 1 Preview", "lynx", _day("2025-01-01"), geo=True),
)
BY_NAME = {model.name: model for model in MODELS}


@dataclass(frozen=True, slots=True)
class Following:
    """How a team picks its model: the newest of a line, `lag` days after launch, over `ramp` days; or a pinned one."""

    line: str
    lag: int = 20
    ramp: int = 10
    pinned: str = ""

    def models_on(self, day: int) -> tuple[tuple[Model, float], ...]:
        """The models in use on a day, with their shares of the work.

        Units: `day` is a proleptic ordinal; the shares sum to 1, or there are none.
        """
        if self.pinned:
            model = BY_NAME[self.pinned]
            return ((model, 1.0),) if model.launched.toordinal() <= day < model.retired.toordinal() else ()
        family = [model for model in MODELS if model.line == self.line and model.launched.toordinal() <= day]
        if not family:
            return ()
        before, current, share = None, family[0], 1.0
        for older, newer in pairwise(family):
            adopted = min(newer.launched.toordinal() + self.lag, older.retired.toordinal() - self.ramp)
            adopted = max(adopted, newer.launched.toordinal())
            if day < adopted:
                break
            before, current, share = older, newer, min(1.0, (day - adopted + 1) / self.ramp)
        if before is None or share >= 1.0 or day >= before.retired.toordinal():
            return ((current, 1.0),) if day < current.retired.toordinal() else ()
        return ((before, 1.0 - share), (current, share))

    def model_at(self, day: int) -> Model:
        """The main model on a day, or the line's first or last one where the day has none."""
        found = self.models_on(day)
        if found:
            return found[-1][0]
        return BY_NAME[self.pinned] if self.pinned else next(model for model in MODELS if model.line == self.line)
