"""What is written down beside the rows of a window: how its buckets stand, what was told, what was new or set aside."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from costwatch import clock
from costwatch.ingest import coverage, observe, raw
from costwatch.ingest.coverage import Owner, Read
from costwatch.ingest.failpoints import reach
from costwatch.ingest.models import Coverage
from costwatch.upstream.pages import Bucket
from costwatch.upstream.usage import Rejected


def close(
    *,
    owner: Owner,
    width: timedelta,
    reads: Sequence[Read],
    before: Mapping[datetime, Coverage],
    changed: Collection[datetime],
    told: Callable[[datetime], Mapping[str, Bucket]],
    is_whole: Callable[[datetime], bool] = lambda start: True,
    novelties: Counter[tuple[str, str]],
    rejected: Mapping[datetime, Sequence[Rejected]],
    run: int,
    now: datetime,
) -> None:
    """Close the books of a window, in the transaction of its rows.

    Shape: `told` gives what was read of a bucket, by chain; it is kept where the bucket settled with this read or
    changed after its end. `is_whole` says whether every chain of it was read.
    """
    reach("coverage.before")
    settled = coverage.keep(owner=owner, reads=reads, before=before, changed=changed, run=run, now=now)
    late = {start for start in changed if start in before and start + width <= now}
    kept = {start: told(start) for start in settled | late}
    whole = {start for start in kept if is_whole(start)}
    raw.keep(owner=owner, buckets=kept, whole=whole, width=width, run=run, now=now)
    observe.note(owner=owner, novelties=novelties, now=now)
    observe.set_aside(owner=owner, rejected=rejected, run=run, now=now)
    reach("coverage.after")


def close_days(
    *,
    owner: Owner,
    chain: str,
    buckets: Iterable[Bucket],
    changed: Collection[date],
    reads: Sequence[Read],
    before: Mapping[datetime, Coverage],
    novelties: Counter[tuple[str, str]],
    rejected: Mapping[datetime, Sequence[Rejected]],
    run: int,
    now: datetime,
) -> None:
    """Close the books of some days of a source of one chain, of which these days changed."""
    told = {bucket.start: bucket for bucket in buckets}
    close(
        owner=owner,
        width=clock.DAY,
        reads=reads,
        before=before,
        changed={start for start in told if start.date() in changed},
        told=lambda start: {chain: told[start]},
        novelties=novelties,
        rejected=rejected,
        run=run,
        now=now,
    )
