"""One window of Claude Code: read a day a request, record a day at a time."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from django.db import transaction

from costwatch.ingest import books, coverage
from costwatch.ingest.coverage import Owner, Read
from costwatch.ingest.failpoints import reach
from costwatch.ingest.plan import Planned
from costwatch.ledger.claude_code import Metrics, Numbered, RecordedDay, Use, UseDims, UserDims, record_days
from costwatch.ledger.dimensions import clean
from costwatch.upstream import claude_code
from costwatch.upstream.claude_code import Parsed, Record
from costwatch.upstream.client import AdminClient
from costwatch.upstream.pages import Bucket
from costwatch.upstream.usage import Rejected

SOURCE = "claude_code"
RECORDS = "records"
PICO_IN_A_CENT = 10**10
TWICE = "(the same user, terminal and account twice in one day)"


@dataclass(frozen=True, slots=True)
class Days:
    """Every day of a window; `asked` the questions it took."""

    buckets: tuple[Bucket, ...]
    largest_page: int
    asked: int


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads windows of Claude Code; used from several threads, touches no database."""

    client: AdminClient

    def read(self, planned: Planned, limit: int = 0) -> Days:
        """Every day of a window, a request each. Raises: UpstreamError."""
        reach("fetch.before")
        report = claude_code.read(self.client, planned.window, limit=limit or claude_code.ROW_LIMIT)
        reach("fetch.after")
        return Days(report.buckets, report.largest_page, len(report.buckets))


@dataclass(slots=True)
class Recorder:
    """Records windows for one run: the one thread that writes."""

    organization_id: int
    numbered: Numbered
    run: int
    fence: Callable[[], None]
    rows_read: int = 0
    rows_changed: int = 0

    def record(self, answer: Days, now: datetime) -> None:
        """Record a window in one transaction: records and coverage of its days. At most 31 days."""
        before = coverage.known(self.organization_id, SOURCE, {bucket.start for bucket in answer.buckets})
        days: list[RecordedDay] = []
        reads: list[Read] = []
        rejected: dict[datetime, list[Rejected]] = {}
        novelties: Counter[tuple[str, str]] = Counter()
        reach("parse.before")
        for bucket in answer.buckets:
            old = before.get(bucket.start)
            self.rows_read += len(bucket.rows)
            if old and bytes(old.digest) == bucket.digest:
                reads.append(Read(bucket.start, bucket.end, bucket.digest, old.rejected))
                continue
            parsed = claude_code.parse(bucket)
            rejected[bucket.start] = parsed.rejected
            days.append(_day(bucket, parsed, novelties, revises=old is not None and bucket.end <= now))
            novelties.update(parsed.novelties)
            reads.append(Read(bucket.start, bucket.end, bucket.digest, len(parsed.rejected)))
        reach("parse.after")
        self.numbered.users.of(dims for day in days for dims in day.users)
        self.numbered.uses.of(dims for day in days for dims in day.uses)
        with transaction.atomic():
            self.fence()
            reach("record.before")
            recorded = record_days(numbered=self.numbered, days=days, run=self.run, seen_at=now)
            reach("record.after")
            books.close_days(
                owner=Owner(self.organization_id, SOURCE),
                chain=RECORDS,
                buckets=answer.buckets,
                changed=recorded.changed,
                reads=reads,
                before=before,
                novelties=novelties,
                rejected=rejected,
                run=self.run,
                now=now,
            )
            reach("commit.before")
        reach("commit.after")
        self.rows_changed += recorded.rows


def _day(bucket: Bucket, parsed: Parsed, novelties: Counter[tuple[str, str]], *, revises: bool) -> RecordedDay:
    """A day's records by user and by model; two of the same user are added up."""
    users: dict[UserDims, Metrics] = {}
    uses: dict[UseDims, Use] = {}
    for record in parsed.records:
        user = UserDims(
            actor_type=clean(record.actor_type),
            actor=clean(record.actor),
            customer_type=clean(record.customer_type),
            subscription_type=clean(record.subscription_type),
            terminal_type=clean(record.terminal_type),
            is_remote=record.is_remote,
        )
        metrics = _metrics(record)
        if user in users:
            novelties[TWICE, ""] += 1
            metrics = _both(users[user], metrics)
        users[user] = metrics
        for one in record.uses:
            dims = UseDims(*user, model=clean(one.model), currency=one.currency)
            use = Use(
                one.input_tokens,
                one.output_tokens,
                one.cache_read_tokens,
                one.cache_creation_tokens,
                _pico(one.estimate),
                str(one.estimate),
            )
            if dims in uses:
                use = _sum(uses[dims], use)
            uses[dims] = use
    return RecordedDay(bucket.start.date(), users, uses, revises)


def _metrics(record: Record) -> Metrics:
    return Metrics(
        record.sessions,
        record.lines_added,
        record.lines_removed,
        record.commits,
        record.pull_requests,
        _written({clean(name): list(pair) for name, pair in record.tools.items()}),
    )


def _both(one: Metrics, other: Metrics) -> Metrics:
    tools: dict[str, list[int]] = json.loads(one.tool_actions)
    for name, (accepted, rejected) in json.loads(other.tool_actions).items():
        before = tools.get(name, [0, 0])
        tools[name] = [before[0] + accepted, before[1] + rejected]
    return Metrics(
        one.num_sessions + other.num_sessions,
        one.lines_added + other.lines_added,
        one.lines_removed + other.lines_removed,
        one.commits_by_claude_code + other.commits_by_claude_code,
        one.pull_requests_by_claude_code + other.pull_requests_by_claude_code,
        _written(tools),
    )


def _sum(one: Use, other: Use) -> Use:
    return Use(
        one.input_tokens + other.input_tokens,
        one.output_tokens + other.output_tokens,
        one.cache_read_tokens + other.cache_read_tokens,
        one.cache_creation_tokens + other.cache_creation_tokens,
        one.estimate + other.estimate,
        f"{one.estimate_cents} + {other.estimate_cents}",
    )


def _written(tools: dict[str, list[int]]) -> str:
    """Tool actions as JSON, in one way only, so that equal ones are equal text."""
    return json.dumps(dict(sorted(tools.items())), ensure_ascii=False, separators=(",", ":"))


def _pico(cents: Decimal) -> int:
    """An estimate in whole pico-dollars, half to even: the vendor's number may have as many digits as a float."""
    with localcontext() as context:
        context.prec = 80
        return int((cents * PICO_IN_A_CENT).to_integral_value(ROUND_HALF_EVEN))
