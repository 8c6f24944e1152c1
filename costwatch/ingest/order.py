"""What a run is asked to do."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class Order:
    """What to do: what is due, or exactly a span; for how long at most.

    Units: `seconds` of the monotonic clock, 0 = until done. `paced`: keep to the hour's share of questions. `tell`
    gets a line of progress.
    """

    since: date | None = None
    until: date | None = None
    seconds: float = 0
    paced: bool = False
    tell: Callable[[str], None] = field(default=lambda line: None)

    @property
    def is_exact(self) -> bool:
        return self.since is not None or self.until is not None
