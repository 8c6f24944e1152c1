"""OpenMetrics 1.0 text: families of samples in, the exposition out. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
GAUGE, COUNTER, INFO = "gauge", "counter", "info"
# What a sample's name ends in, by the kind of its family.
SUFFIXES = {GAUGE: "", COUNTER: "_total", INFO: "_info"}


@dataclass(slots=True)
class Family:
    """A metric: its samples differ in their labels alone.

    Shape: `name` ends in `unit` where there is one, and in no suffix; `kind` is gauge, counter or info.
    """

    name: str
    kind: str
    says: str
    unit: str = ""
    samples: list[tuple[Mapping[str, str], float]] = field(default_factory=list)

    def add(self, value: float, **labels: str) -> None:
        """Add a sample."""
        self.samples.append((labels, value))


def exposition(families: Iterable[Family]) -> str:
    """The text a scraper reads; families without a sample are left out."""
    lines = [line for family in families if family.samples for line in _lines(family)]
    return "\n".join([*lines, "# EOF", ""])


def _lines(family: Family) -> list[str]:
    head = [f"# TYPE {family.name} {family.kind}"]
    if family.unit:
        head.append(f"# UNIT {family.name} {family.unit}")
    head.append(f"# HELP {family.name} {_escaped(family.says)}")
    name = family.name + SUFFIXES[family.kind]
    return head + [f"{name}{_labels(labels)} {_number(value)}" for labels, value in family.samples]


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(round(value, 6))
