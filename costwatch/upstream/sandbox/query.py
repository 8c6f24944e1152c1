"""Reading a request as strictly as the vendor does, and the opaque tokens that tie pages to their question."""

import base64
import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

from costwatch import clock

FAST_MODE_BETA = "fast-mode-2026-02-01"
# Accepted and ignored everywhere, as the vendor does.
IGNORED = ("beta",)


class Rejection(Exception):
    """An error answer: status, error type and the vendor's kind of sentence."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        self.status, self.kind, self.message = status, kind, message
        super().__init__(message)


def bad(message: str) -> Rejection:
    """A 400."""
    return Rejection(400, "invalid_request_error", message)


def not_found(message: str = "Not found") -> Rejection:
    """A 404."""
    return Rejection(404, "not_found_error", message)


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters of one request, every name checked against what the endpoint knows."""

    path: str
    values: Mapping[str, tuple[str, ...]]
    betas: frozenset[str]

    @classmethod
    def read(
        cls, path: str, text: str, betas: Collection[str], *, single: Collection[str], many: Collection[str]
    ) -> "Query":
        """Parse a query string.

        Raises: Rejection for a name the endpoint does not know, or a single value given twice.
        """
        try:
            pairs = parse_qsl(text, True, strict_parsing=bool(text), errors="strict", max_num_fields=2000)
        except (ValueError, UnicodeDecodeError):
            raise bad("The query string is malformed.") from None
        values: dict[str, tuple[str, ...]] = {}
        for name, value in pairs:
            if name in IGNORED:
                continue
            if name not in single and name not in many:
                raise bad(f"{name[:100]}: Extra inputs are not permitted")
            if name in single and name in values:
                raise bad(f"{name}: Input should be a single value")
            values[name] = (*values.get(name, ()), value)
        return cls(path, values, frozenset(betas))

    def one(self, name: str) -> str | None:
        """A single value, or None."""
        found = self.values.get(name)
        return found[0] if found else None

    def all(self, name: str) -> tuple[str, ...]:
        """The values of a repeated parameter."""
        return self.values.get(name, ())

    def limit(self, default: int, maximum: int) -> int:
        """The page size. Raises: Rejection outside 1..maximum."""
        text = self.one("limit")
        if text is None:
            return default
        if not (text.isascii() and text.lstrip("-").isdigit() and len(text) < 10):
            raise bad("limit: Input should be a valid integer, unable to parse string as an integer")
        number = int(text)
        if number < 1:
            raise bad("limit: Input should be greater than or equal to 1")
        if number > maximum:
            raise bad(f"limit: Input should be less than or equal to {maximum}")
        return number

    def choice(self, name: str, allowed: Sequence[str], default: str) -> str:
        """One of a set. Raises: Rejection."""
        value = self.one(name)
        if value is None:
            return default
        if value not in allowed:
            raise bad(f"{name}: Input should be {listed(allowed)}")
        return value

    def choices(self, name: str, allowed: Sequence[str]) -> tuple[str, ...]:
        """Each one of a set. Raises: Rejection."""
        values = self.all(name)
        for index, value in enumerate(values):
            if value not in allowed:
                raise bad(f"{name}.{index}: Input should be {listed(allowed)}")
        return values

    def flag(self, name: str) -> bool:
        """true or false. Raises: Rejection."""
        value = self.one(name)
        if value not in (None, "true", "false"):
            raise bad(f"{name}: Input should be a valid boolean, unable to interpret input")
        return value == "true"

    def moment(self, name: str) -> datetime | None:
        """An RFC 3339 time. Raises: Rejection."""
        text = self.one(name)
        if text is None:
            return None
        try:
            if "T" not in text.upper():
                raise ValueError
            return clock.parse(text)
        except ValueError:
            raise bad(f"{name}: Input should be a valid datetime with a timezone") from None


def listed(allowed: Sequence[str]) -> str:
    """The vendor's way to list choices."""
    quoted = [f"'{value}'" for value in allowed]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


class Tokens:
    """Makes and reads page tokens. They hold a place, and a proof of the question they belong to."""

    def __init__(self, seed: int) -> None:
        self._secret = hashlib.blake2b(f"sandbox page tokens {seed}".encode()).digest()

    def make(self, query: Query, place: int, turn: int = 0) -> str:
        """A token for the page that starts at `place`. Tokens of different turns look different and mean the same."""
        body = place.to_bytes(8, "big", signed=True) + (turn % 65_536).to_bytes(2, "big")
        mask = self._proof(query, b"mask")
        hidden = bytes(left ^ right for left, right in zip(body, mask, strict=False))
        return "page_" + base64.urlsafe_b64encode(hidden + self._proof(query, hidden)).decode().rstrip("=")

    def read(self, query: Query, token: str) -> int:
        """The place a token names. Raises: Rejection for garbage, and for a token of another question."""
        try:
            raw = base64.urlsafe_b64decode(token.removeprefix("page_") + "=" * (-(len(token) - 5) % 4))
        except ValueError:
            raw = b""
        hidden, proof = raw[:10], raw[10:]
        is_ours = len(raw) == 26 and hmac.compare_digest(proof, self._proof(query, hidden))
        if not (is_ours and token.startswith("page_")):
            raise bad("page: Invalid page token. Keep all other parameters the same as when it was returned.")
        body = bytes(left ^ right for left, right in zip(hidden, self._proof(query, b"mask"), strict=False))
        return int.from_bytes(body[:8], "big", signed=True)

    def _proof(self, query: Query, body: bytes) -> bytes:
        question = repr((query.path, sorted((name, sorted(v)) for name, v in query.values.items() if name != "page")))
        return hmac.digest(self._secret, body + question.encode(), "sha256")[:16]
