"""One quote line read strictly: what may be asked, and what is said about a line that may not."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from pricing.meters import METERS, REGISTRY

# Far above any bucket, and far below the length at which Python refuses to print an integer.
MAX_QUANTITY = 10**30
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DIMENSIONS = ("service_tier", "context_window", "inference_geo", "speed")
_KEYS = frozenset({"id", "model", "date", *_DIMENSIONS, "tokens", "web_search_requests"})
_TOKEN_KEYS = {meter.quote_key: index for index, meter in enumerate(REGISTRY) if meter.is_token}
_MOST_REASONS = 8


class Fractional(str):
    """A JSON number with a fraction or an exponent, kept as its text so that an id can be echoed unchanged."""


class InvalidLine(ValueError):
    """A line that is no quote; `id_json` is the JSON text of its id, `null` when there is no readable one."""

    def __init__(self, reason: str, id_json: str = "null") -> None:
        super().__init__(reason)
        self.id_json = id_json


@dataclass(frozen=True, slots=True)
class Request:
    """One question: six counts of one model on one day.

    Shape: `counts` in the order of METERS; `id_json` is the JSON text of the line's id.
    """

    id_json: str
    model: str
    day: date
    dimensions: tuple[str | None, str | None, str | None, str | None]
    counts: tuple[int, ...]


def parse_line(line: bytes) -> Request:
    """Read one line.

    Raises: InvalidLine with every reason that was found.
    """
    data = _decode(line)
    # With two ids on one line neither is the right one to answer to.
    id_json, reasons = _id_json(None if data.get(_DUPLICATE) == "id" else data.get("id"))
    reasons += [_stray("", key, data) for key in data if key not in _KEYS]
    model, day = data.get("model"), _day(data.get("date"))
    if not isinstance(model, str) or isinstance(model, Fractional):
        reasons.append("model: " + ("must be a string" if "model" in data else "is missing"))
        model = ""
    if day is None:
        reasons.append("date: " + ("must be a day as YYYY-MM-DD" if "date" in data else "is missing"))
    dimensions = tuple(_dimension(data, key, reasons) for key in _DIMENSIONS)
    counts = _counts(data, reasons)
    if reasons or day is None:
        raise InvalidLine(_sentence(reasons), id_json)
    tier, context, geo, speed = dimensions
    return Request(id_json, model, day, (tier, context, geo, speed), counts)


def _decode(line: bytes) -> dict[str, Any]:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidLine(f"line: not UTF-8 at byte {error.start}") from None
    if not text.strip():
        raise InvalidLine("line: is empty")
    try:
        data = _DECODER.decode(text)
    except RecursionError:
        raise InvalidLine("line: nested too deeply") from None
    except json.JSONDecodeError as error:
        raise InvalidLine(f"line: not JSON: {error.msg} at column {error.colno}") from None
    except InvalidLine:
        raise
    except ValueError:
        raise InvalidLine("line: a number has too many digits") from None
    if not isinstance(data, dict):
        raise InvalidLine("line: must be a JSON object")
    return data


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                return {**data, _DUPLICATE: key}
            seen.add(key)
    return data


def _constant(name: str) -> Any:
    raise InvalidLine(f"line: {name} is not a JSON number")


# Marks an object with a repeated key without losing its id; a line cannot write it: the key is not text.
_DUPLICATE: Any = object()
_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=Fractional, parse_constant=_constant)


def _id_json(value: Any) -> tuple[str, list[str]]:
    if isinstance(value, Fractional):
        return str(value), []
    if value is None or isinstance(value, str) or type(value) is int:
        return json.dumps(value), []
    return "null", ["id: must be a string, a number or null"]


@lru_cache(maxsize=4096)
def _parsed_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _day(value: Any) -> date | None:
    if not isinstance(value, str) or _DAY.fullmatch(value) is None:
        return None
    return _parsed_day(value)


def _dimension(data: dict[str, Any], key: str, reasons: list[str]) -> str | None:
    value = data.get(key)
    if value is None or (isinstance(value, str) and not isinstance(value, Fractional)):
        return value
    reasons.append(f"{key}: must be a string or null")
    return None


def _counts(data: dict[str, Any], reasons: list[str]) -> tuple[int, ...]:
    counts = [0] * len(METERS)
    tokens = data.get("tokens", {})
    if isinstance(tokens, dict):
        for key, value in tokens.items():
            index = _TOKEN_KEYS.get(key)
            if index is None:
                reasons.append(_stray("tokens.", key, tokens))
            else:
                counts[index] = _count(f"tokens.{key}", value, reasons)
    else:
        reasons.append("tokens: must be an object")
    if "web_search_requests" in data:
        counts[-1] = _count("web_search_requests", data["web_search_requests"], reasons)
    return tuple(counts)


def _count(path: str, value: Any, reasons: list[str]) -> int:
    if type(value) is int and 0 <= value <= MAX_QUANTITY:
        return value
    if type(value) is int:
        reasons.append(f"{path}: " + ("must not be negative" if value < 0 else "is absurdly large"))
    else:
        reasons.append(f"{path}: must be a whole number")
    return 0


def _stray(path: str, key: Any, data: dict[str, Any]) -> str:
    if key is _DUPLICATE:
        return f"{path}{data[key][:60]}: duplicate key"
    return f"{path}{key[:60]}: unknown key"


def _sentence(reasons: list[str]) -> str:
    more = len(reasons) - _MOST_REASONS
    return "; ".join(reasons[:_MOST_REASONS]) + (f"; and {more} more" if more > 0 else "")
