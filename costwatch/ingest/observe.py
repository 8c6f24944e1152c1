"""What the reports hold beyond what we record: new fields and values, and rows that had to be kept aside."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import F

from costwatch.ingest.coverage import Owner
from costwatch.ingest.models import Novelty, Quarantined
from costwatch.upstream.usage import Rejected


def note(*, owner: Owner, novelties: Counter[tuple[str, str]], now: datetime) -> None:
    """Count fields and values this version does not know."""
    for (path, value), seen in novelties.items():
        path, value = path.replace("\x00", "\u2400"), value.replace("\x00", "\u2400")
        where = {"organization_id": owner.organization_id, "source": owner.source, "path": path, "value": value}
        _, made = Novelty.objects.get_or_create(
            **where, defaults={"first_seen_at": now, "last_seen_at": now, "seen": seen}
        )
        if not made:
            Novelty.objects.filter(**where).update(last_seen_at=now, seen=F("seen") + seen)


def set_aside(*, owner: Owner, rejected: Mapping[datetime, Sequence[Rejected]], run: int, now: datetime) -> None:
    """Keep the rows of some buckets that could not be recorded, in place of those kept at an earlier read."""
    if not rejected:
        return
    Quarantined.objects.filter(
        organization=owner.organization_id, source=owner.source, bucket_start__in=list(rejected)
    ).delete()
    Quarantined.objects.bulk_create(
        Quarantined(
            organization_id=owner.organization_id,
            source=owner.source,
            bucket_start=start,
            reason=row.reason,
            raw=row.raw.replace("\x00", "\u2400"),
            seen_at=now,
            run=run,
        )
        for start, rows in rejected.items()
        for row in rows
    )
