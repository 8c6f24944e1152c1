"""Rows that hold more than this version knows: what is known is kept, what is new noted, what is wrong set aside."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, TypeVar, get_args, get_origin

import msgspec

from costwatch.upstream.pages import Bucket
from costwatch.upstream.usage import Rejected

T = TypeVar("T", bound=msgspec.Struct)
_LONGEST = 10_000
# Numbers stay exact: a float would already have rounded them.
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


@dataclass(slots=True)
class Rows(Generic[T]):
    """A bucket's rows, those that cannot be recorded, and counts of (path, value) that this version had not met."""

    good: list[tuple[T, bytes]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    novelties: Counter[tuple[str, str]] = field(default_factory=Counter)

    def reject(self, reason: str, raw: bytes) -> None:
        """Set a row aside."""
        self.rejected.append(Rejected(reason, raw.decode("utf-8", "backslashreplace")[:_LONGEST]))

    def note(self, path: str, value: object, known: frozenset[str | None]) -> None:
        """Count a value that is none of those this version knows."""
        if value not in known:
            self.novelties[path, str(value)[:200]] += 1


def rows_of(bucket: Bucket, kind: type[T]) -> Rows[T]:
    """Decode the rows of a bucket, whose type forbids unknown fields: one that has some is taken without them."""
    rows: Rows[T] = Rows()
    decode = msgspec.json.Decoder(kind).decode
    for raw in map(bytes, bucket.rows):
        try:
            rows.good.append((decode(raw), raw))
        except (msgspec.DecodeError, UnicodeDecodeError):
            _take_known(raw, kind, rows)
    return rows


def _take_known(raw: bytes, kind: type[T], rows: Rows[T]) -> None:
    novelties: Counter[tuple[str, str]] = Counter()
    try:
        row = msgspec.convert(_known(_decode(raw), kind, "", novelties), kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        rows.reject(str(error), raw)
        return
    rows.good.append((row, raw))
    rows.novelties.update(novelties)


def _known(value: object, kind: Any, path: str, novelties: Counter[tuple[str, str]]) -> object:
    """A value without the fields that its type does not have, at any depth."""
    if isinstance(value, list):
        inner = next(iter(get_args(kind)), None)
        return [_known(one, inner, f"{path}[]", novelties) for one in value]
    if isinstance(value, Mapping) and get_origin(kind) is dict:
        return {name: _known(one, get_args(kind)[1], f"{path}.{name}", novelties) for name, one in value.items()}
    if not (isinstance(value, Mapping) and isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return value
    types = {one.encode_name: one.type for one in msgspec.structs.fields(kind)}
    kept = {}
    for name, inner in value.items():
        place = f"{path}.{name}" if path else str(name)
        if name in types:
            kept[name] = _known(inner, types[name], place, novelties)
        else:
            novelties[place[:200], ""] += 1
    return kept
