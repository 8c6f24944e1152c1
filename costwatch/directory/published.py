"""Rate limits and spend caps as the vendor publishes them by tier, dated: an assumption, never what was read.

Source: `published_limits.toml`, where every entry names its page and the day it was checked.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("published_limits.toml")
_BATCH = {"id": "batch", "name": "", "models": ()}
# A snapshot's date, or the name that follows the newest one, makes no other model.
_SNAPSHOT = re.compile(r"(-\d{8}|-latest)?")


@dataclass(frozen=True, slots=True)
class Tier:
    """One tier. Units: `monthly_spend_usd` is the vendor's cap as a decimal. Shape: None is a day nobody knows."""

    id: str
    name: str
    monthly_spend_usd: str
    since: date | None
    until: date | None
    source: str
    checked: date


@dataclass(frozen=True, slots=True)
class Class:
    """What a tier allows one class of models, or all batches together. Units: as each limiter's name says.

    Shape: `models` is empty for batches; limits by the limiter's name.
    """

    id: str
    name: str
    models: tuple[str, ...]
    limits: Mapping[str, int]
    source: str
    checked: date

    def has(self, model: str) -> bool:
        """Whether a model is in this class, by its name, with or without the date of a snapshot."""
        return any(model.startswith(name) and _SNAPSHOT.fullmatch(model, len(name)) for name in self.models)


@dataclass(frozen=True, slots=True)
class Published:
    """What was published for a tier on a day."""

    tier: Tier
    classes: tuple[Class, ...]
    batch: Class

    def class_of(self, model: str) -> Class | None:
        """The class a model is in; None for one that the table does not name."""
        return next((one for one in self.classes if one.has(model)), None)


def tiers(on: date) -> tuple[Tier, ...]:
    """The tiers that exist on a day, smallest first."""
    return tuple(_tier(row) for row in _in_force("tier", on))


def published(tier: str, on: date) -> Published | None:
    """What was published for a tier on a day; None where there was no such tier then."""
    found = next((one for one in tiers(on) if one.id == tier), None)
    if found is None:
        return None
    classes = tuple(_class(row, tier) for row in _in_force("class", on))
    (batch,) = (_class({**_BATCH, **row}, tier) for row in _in_force("batch", on))
    return Published(found, classes, batch)


def _tier(row: Mapping[str, Any]) -> Tier:
    return Tier(
        id=row["id"],
        name=row["name"],
        monthly_spend_usd=row["monthly_spend_usd"],
        since=row.get("effective_from"),
        until=row.get("effective_to"),
        source=row["source"],
        checked=row["checked"],
    )


def _class(row: Mapping[str, Any], tier: str) -> Class:
    models = tuple(row["models"])
    return Class(row["id"], row["name"], models, dict(row["limits"][tier]), row["source"], row["checked"])


def _in_force(kind: str, on: date) -> Iterator[Mapping[str, Any]]:
    for row in _table()[kind]:
        if row.get("effective_from", date.min) <= on < row.get("effective_to", date.max):
            yield row


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads(FILE.read_text())
