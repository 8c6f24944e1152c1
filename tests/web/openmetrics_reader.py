"""A strict reader of OpenMetrics 1.0 text: it refuses what the specification forbids, instead of guessing."""

import re
from dataclasses import dataclass, field

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"')
_SAMPLE = re.compile(rf"({_NAME})(?:\{{(.*)\}})? (-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)$")
_META = re.compile(rf"# (TYPE|UNIT|HELP) ({_NAME}) (.+)$")
_SUFFIXES = {"gauge": ("",), "counter": ("_total",), "info": ("_info",)}
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


@dataclass(slots=True)
class Metric:
    """One family as it was read; samples by their labels."""

    kind: str
    unit: str = ""
    says: str = ""
    samples: dict[tuple[tuple[str, str], ...], float] = field(default_factory=dict)


def read(text: str) -> dict[str, Metric]:
    """The families by name. Raises: AssertionError with the line that is wrong."""
    assert text.endswith("# EOF\n"), "it does not end in # EOF and a newline"
    assert "\r" not in text
    found: dict[str, Metric] = {}
    current, metas = "", [""]
    for line in text.removesuffix("# EOF\n").splitlines():
        assert line, "an empty line"
        if line.startswith("#"):
            match = _META.match(line)
            assert match, line
            word, name, rest = match.groups()
            if name != current:
                assert word == "TYPE", f"a family begins with its type: {line}"
                assert name not in found, f"a family comes twice: {line}"
                assert rest in _SUFFIXES, line
                assert not name.endswith(("_total", "_info", "_created", "_bucket", "_count", "_sum")), line
                current, metas, found[name] = name, [], Metric(rest)
            assert not found[name].samples, f"after its samples: {line}"
            assert word not in metas, line
            metas.append(word)
            if word == "UNIT":
                assert name.endswith(f"_{rest}"), f"a name ends in its unit: {line}"
                found[name].unit = rest
            if word == "HELP":
                found[name].says = rest
            continue
        _add(line, current, found[current])
    return found


def _add(line: str, name: str, metric: Metric) -> None:
    match = _SAMPLE.match(line)
    assert match, line
    full, inside, value = match.groups()
    assert full.removeprefix(name) in _SUFFIXES[metric.kind], f"not of {name}: {line}"
    labels = tuple(_labels(inside or "", line))
    assert len({label for label, _ in labels}) == len(labels), line
    assert labels not in metric.samples, f"a sample comes twice: {line}"
    assert metric.kind != "counter" or float(value) >= 0, line
    assert metric.kind != "info" or value == "1", line
    metric.samples[labels] = float(value)


def _labels(inside: str, line: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while at < len(inside):
        match = _LABEL.match(inside, at)
        assert match, line
        found.append((match[1], re.sub(r'\\\\|\\"|\\n', lambda one: _ESCAPES[one[0]], match[2])))
        at = match.end()
        if at < len(inside):
            assert inside[at] == ",", line
            at += 1
    return found
