"""One window of the cost report: read it, record a day at a time."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from costwatch.ingest import books, coverage
from costwatch.ingest.coverage import Owner, Read, still_grows
from costwatch.ingest.failpoints import reach
from costwatch.ingest.plan import Planned, Why
from costwatch.ingest.split import workspace_key
from costwatch.ledger.dimensions import ReportedDims, clean
from costwatch.ledger.intern import Interned
from costwatch.ledger.record import ReportedDay, record_reported
from costwatch.upstream import cost
from costwatch.upstream.client import AdminClient
from costwatch.upstream.pages import Bucket
from costwatch.upstream.usage import Rejected
from pricing.money import TooFine, parse_cents

SOURCE = "cost"
LINES = "lines"


@dataclass(slots=True)
class Lines:
    """What the report said about a window, and what its days come to where that was asked for too."""

    buckets: tuple[Bucket, ...]
    total: Mapping[datetime, Bucket] = field(default_factory=dict)
    asked: int = 1
    why: str = ""
    largest_page: int = 0


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads windows of the cost report; touches no database."""

    client: AdminClient

    def read(self, planned: Planned, limit: int = 0) -> Lines:
        """Every day of a window, with its ungrouped total where it settles. Raises: UpstreamError."""
        reach("fetch.before")
        report = cost.read(self.client, planned.window, limit=limit or cost.BUCKET_LIMIT)
        lines = Lines(report.buckets, largest_page=report.largest_page, why=planned.why)
        if planned.why in (Why.SETTLING, Why.MISSING):
            total = cost.read(self.client, planned.window, limit=limit or cost.BUCKET_LIMIT, grouped=False)
            lines.total, lines.asked = {bucket.start: bucket for bucket in total.buckets}, 2
        reach("fetch.after")
        return lines


@dataclass(slots=True)
class Recorder:
    """Records windows for one run: the one thread that writes."""

    organization_id: int
    interned: Interned
    run: int
    default_workspace: str
    fence: Callable[[], None]
    rows_read: int = 0
    rows_changed: int = 0

    def record(self, report: Lines, now: datetime) -> None:
        """Record a window in one transaction: lines and coverage of its days. At most 31 days."""
        before = coverage.known(self.organization_id, SOURCE, {bucket.start for bucket in report.buckets})
        days: list[ReportedDay] = []
        reads: list[Read] = []
        rejected: dict[datetime, list[Rejected]] = {}
        novelties: Counter[tuple[str, str]] = Counter()
        reach("parse.before")
        for bucket in report.buckets:
            old = before.get(bucket.start)
            self.rows_read += len(bucket.rows)
            total_ok = _compares(bucket, report.total.get(bucket.start))
            if old and bytes(old.digest) == bucket.digest:
                reads.append(Read(bucket.start, bucket.end, bucket.digest, old.rejected, total_ok=total_ok))
                continue
            lines, parsed = lines_of(bucket, self.default_workspace)
            novelties.update(parsed.novelties)
            rejected[bucket.start] = parsed.rejected
            revises = old is not None and bucket.end <= now
            completes = old is not None and still_grows(old, bucket.end, now)
            days.append(ReportedDay(bucket.start.date(), lines, revises, completes))
            reads.append(Read(bucket.start, bucket.end, bucket.digest, len(parsed.rejected), total_ok=total_ok))
        reach("parse.after")
        self.interned.reported(dims for day in days for dims in day.lines)
        with transaction.atomic():
            self.fence()
            reach("record.before")
            recorded = record_reported(interned=self.interned, days=days, run=self.run, seen_at=now, why=report.why)
            reach("record.after")
            books.close_days(
                owner=Owner(self.organization_id, SOURCE),
                chain=LINES,
                buckets=report.buckets,
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


def _compares(bucket: Bucket, total: Bucket | None) -> bool | None:
    """Whether what a day comes to is the sum of its lines, by the vendor's own figures; None where nobody asked."""
    return None if total is None else cost.added(bucket) == cost.added(total)


def lines_of(bucket: Bucket, default_workspace: str) -> tuple[dict[ReportedDims, tuple[int, str]], cost.Parsed]:
    """A day's lines by everything but the amount: pico-dollars, and cents as the vendor wrote them."""
    parsed = cost.parse(bucket)
    novelties = parsed.novelties
    lines: dict[ReportedDims, tuple[int, str]] = {}
    for line in parsed.lines:
        dims = ReportedDims(
            workspace_id=workspace_key(line.workspace_id, default_workspace),
            currency=line.currency,
            cost_type=clean(line.cost_type),
            token_type=clean(line.token_type),
            model=clean(line.model),
            service_tier=clean(line.service_tier),
            context_window=clean(line.context_window),
            inference_geo=clean(line.inference_geo),
            description=clean(line.description),
            extra=clean(line.extra),
        )
        try:
            amount, text = parse_cents(line.amount_cents), line.amount_cents
        except TooFine as finer:
            # The vendor's own text is kept beside the rounded pico-dollars.
            amount, text = finer.rounded, line.amount_cents
            novelties["amount (finer than a pico-dollar)", ""] += 1
        if dims in lines:
            novelties["(the same line twice in one day)", ""] += 1
            amount, text = amount + lines[dims][0], f"{lines[dims][1]} + {text}"
        lines[dims] = (amount, text)
    return lines, parsed
