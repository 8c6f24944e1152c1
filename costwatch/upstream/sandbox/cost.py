"""The cost report: what the bill says per UTC day, in decimal cents, with the lines only a bill has."""

import random
from dataclasses import dataclass

import msgspec

from costwatch.upstream.sandbox.biller import (
    CODE_EXECUTION_HOUR,
    SESSION_HOUR,
    WEB_SEARCH,
    amounts,
    billed_rates,
    cents,
)
from costwatch.upstream.sandbox.buckets import DAY, next_page, page_of, text_of
from costwatch.upstream.sandbox.chance import draw, number_of
from costwatch.upstream.sandbox.history import EPOCH_ORDINAL, History
from costwatch.upstream.sandbox.models import BY_NAME
from costwatch.upstream.sandbox.organization import Directory
from costwatch.upstream.sandbox.query import Query, Tokens
from costwatch.upstream.sandbox.scenario import ADJUSTMENT, ODD_LINES, ROLL_OUT

PATH = "/v1/organizations/cost_report"
SINGLE = ("starting_at", "ending_at", "bucket_width", "limit", "page")
MANY = ("group_by[]",)
GROUPS = ("workspace_id", "description")
TOKEN_LINES = (
    ("uncached_input_tokens", "Input Tokens"),
    ("cache_creation.ephemeral_5m_input_tokens", "Input Tokens, Cache Write 5m"),
    ("cache_creation.ephemeral_1h_input_tokens", "Input Tokens, Cache Write 1h"),
    ("cache_read_input_tokens", "Input Tokens, Cache Read"),
    ("output_tokens", "Output Tokens"),
)
ADJUSTMENT_AMOUNT = -1_250_375_000_000_000
STORAGE_AMOUNT = 4_123_456_789_012


@dataclass(frozen=True, slots=True)
class Line:
    """What a cost line is about."""

    workspace: str | None
    description: str
    cost_type: str | None
    token_type: str | None = None
    model: str | None = None
    service_tier: str | None = None
    context_window: str | None = None
    inference_geo: str | None = None


class _Row(msgspec.Struct):
    amount: str
    currency: str
    workspace_id: str | None = None
    cost_type: str | None = None
    token_type: str | None = None
    description: str | None = None
    model: str | None = None
    service_tier: str | None = None
    context_window: str | None = None
    inference_geo: str | None = None


class _Bucket(msgspec.Struct):
    starting_at: str
    ending_at: str
    results: list[_Row]


class Page(msgspec.Struct):
    """One answer."""

    data: list[_Bucket]
    has_more: bool
    next_page: str | None


class Bill:
    """The bill of the organization, a pure function of its history."""

    def __init__(self, history: History, directory: Directory, seed: int) -> None:
        self._history, self._directory, self._seed = history, directory, seed

    def lines(self, day: int, now: int) -> dict[Line, int]:
        """Every line of a day as known at `now`. Units: `day` since 1970; pico-dollars."""
        found: dict[Line, int] = {}
        if now <= day * DAY or day < self._history.first_day:
            return found
        self._add_usage(found, day, now)
        return found | self.beside_usage(day, now)

    def beside_usage(self, day: int, now: int) -> dict[Line, int]:
        """The lines of a day that no usage report explains. Units: `day` since 1970; pico-dollars."""
        found: dict[Line, int] = {}
        elapsed = min(DAY, now - day * DAY)
        if elapsed <= 0 or day < self._history.first_day:
            return found
        self._add_sessions(found, day, elapsed)
        if elapsed == DAY:
            self._add_odd_lines(found, day - self._history.anchor_day)
        return found

    def _add_usage(self, found: dict[Line, int], day: int, now: int) -> None:
        streams = self._history.streams.all
        odd = day - self._history.anchor_day == ODD_LINES
        for number, counts in self._history.rows(day * DAY, day * DAY + DAY, now):
            stream = streams[number]
            if not stream.charged:
                continue
            if counts[5]:
                line = Line(stream.place[1], "Web Search Usage", "web_search")
                found[line] = found.get(line, 0) + counts[5] * WEB_SEARCH
            rates = billed_rates(stream.terms, day + EPOCH_ORDINAL, stream.long_prompt)
            if rates is None:
                continue
            terms = stream.terms
            base = f"{BY_NAME[terms.model].display} Usage - "
            suffix = ", Batch" if terms.service_tier == "batch" else ""
            if odd and stream.place[1] == self._directory.workspace_ids["evals"]:
                suffix += " (preview terms)"
            for (token_type, words), amount in zip(TOKEN_LINES, amounts(counts, rates), strict=True):
                if amount:
                    line = Line(
                        stream.place[1],
                        base + words + suffix,
                        "tokens",
                        token_type,
                        terms.model,
                        terms.service_tier,
                        terms.context_window,
                        terms.inference_geo,
                    )
                    found[line] = found.get(line, 0) + amount

    def _add_sessions(self, found: dict[Line, int], day: int, elapsed: int) -> None:
        """Code execution and session time: on the bill, in no usage report."""
        offset, ids = day - self._history.anchor_day, self._directory.workspace_ids
        for name, hourly, words, kind, hours, since in (
            ("research", CODE_EXECUTION_HOUR, "Code Execution Usage", "code_execution", 90, -900),
            ("evals", CODE_EXECUTION_HOUR, "Code Execution Usage", "code_execution", 160, -900),
            ("Claude Code", SESSION_HOUR, "Managed Agents Session Runtime", "session_usage", 240, ROLL_OUT),
        ):
            if offset < since + 30:
                continue
            # Containers are metered in steps of twelve minutes, sessions by the millisecond.
            step = 720_000 if kind == "code_execution" else 1
            milliseconds = draw(self._seed, day, len(name)) % (hours * 3_600_000) * elapsed // DAY // step * step
            amount = milliseconds * hourly // 3_600_000
            if amount:
                found[Line(ids[name], words, kind)] = amount

    def _add_odd_lines(self, found: dict[Line, int], offset: int) -> None:
        ids = self._directory.workspace_ids
        if offset == ADJUSTMENT:
            found[Line(ids["support-bot"], "Adjustment: credit for elevated error rates", None)] = ADJUSTMENT_AMOUNT
        if offset == ODD_LINES:
            found[Line(ids["research"], "File Storage Usage", "file_storage")] = STORAGE_AMOUNT


def answer(bill: Bill, tokens: Tokens, query: Query, now: int, trick: str = "") -> Page:
    """One page of the report; a trick changes it on purpose. Raises: Rejection."""
    query.choice("bucket_width", ("1d",), "1d")
    limit = query.limit(7, 31)
    wanted = query.choices("group_by[]", GROUPS)
    span = page_of(query, tokens, width=DAY, limit=limit, now=now)
    shuffle_seed = number_of(repr(sorted(query.values.items())))
    data: list[_Bucket] = []
    for start in span.starts:
        rows = _rows(bill.lines(start // DAY, now), "workspace_id" in wanted, "description" in wanted)
        random.Random(shuffle_seed ^ start).shuffle(rows)
        data.append(_Bucket(text_of(start), text_of(start + DAY), rows))
    return Page(data, *next_page(query, tokens, span, trick))


def _rows(lines: dict[Line, int], by_workspace: bool, by_description: bool) -> list[_Row]:
    found: dict[tuple[str | None, ...], int] = {}
    for line, amount in lines.items():
        key: tuple[str | None, ...] = (line.workspace if by_workspace else None,)
        if by_description:
            key += (line.cost_type, line.token_type, line.description, line.model)
            key += (line.service_tier, line.context_window, line.inference_geo)
        found[key] = found.get(key, 0) + amount
    return [_row(key, amount, index) for index, (key, amount) in enumerate(found.items())]


def _row(key: tuple[str | None, ...], amount: int, index: int) -> _Row:
    # Short and long fractions occur, and zeros that say nothing.
    digits = (0, 6, 0, 9)[index % 4] if amount % 10**10 else 6
    return _Row(cents(amount, digits), "USD", *key)
