"""What was read is kept as it came, and makes the same facts again."""

import io
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db.models import F

from costwatch.directory.models import Organization
from costwatch.ingest import raw
from costwatch.ingest.lease import lease
from costwatch.ingest.models import Coverage, RawBucket
from costwatch.ledger.models import Fact, ReportedLine, Series
from costwatch.upstream.sandbox.server import SandboxServer

from .conftest import Sync
from .test_sync import everything


def rebuild(*arguments: str) -> str:
    out = io.StringIO()
    call_command("rebuild", "--from-raw", *arguments, stdout=out)
    return out.getvalue()


def test_ing_17_every_settled_hour_and_day_of_35_days_is_rebuilt_identically(run: Sync) -> None:
    run("directory", "cost", "usage")
    before = everything()
    settled = Coverage.objects.filter(state="settled")
    assert RawBucket.objects.filter(source="usage").count() == settled.filter(source="usage").count() > 300
    assert RawBucket.objects.filter(source="cost").count() == settled.filter(source="cost").count() > 10
    said = rebuild()
    assert "usage: 344 buckets of 15 days rebuilt, every row as it was" in said
    assert "cost: 14 buckets of 14 days rebuilt, every row as it was" in said
    assert everything() == before


def test_ing_17_rows_that_were_lost_or_spoiled_come_back(run: Sync) -> None:
    run("directory", "cost", "usage")
    before = everything()
    day = datetime(2026, 11, 12, tzinfo=UTC)
    spoiled = Fact.objects.filter(bucket_start=day + timedelta(hours=3))
    assert spoiled.update(output_tokens=F("output_tokens") + 1) > 5
    assert Fact.objects.filter(
        bucket_start__gte=day + timedelta(hours=5), bucket_start__lt=day + timedelta(hours=8)
    ).delete()[0]
    ReportedLine.objects.filter(day=day.date()).delete()
    said = rebuild("--since", "2026-11-12", "--until", "2026-11-13")
    assert "2026-11-12:" in said
    assert "rows differed and were put right" in said
    assert everything() == before


@pytest.mark.parametrize("change", ["up", "down", "vanish", "new"])
def test_ing_17_a_change_after_the_end_is_kept_and_rebuilt_too(
    run: Sync, upstream: SandboxServer, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    run("directory", "cost", "usage")
    upstream.restate(datetime(2026, 11, 19, 10, tzinfo=UTC), change=change)
    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-20T14:09:00Z")
    run("usage")
    assert Coverage.objects.get(source="usage", start=datetime(2026, 11, 19, 10, tzinfo=UTC)).state == "revised"
    before = everything()
    Fact.objects.filter(bucket_start=datetime(2026, 11, 19, 10, tzinfo=UTC)).delete()
    rebuild("--since", "2026-11-19")
    assert everything() == before


def test_what_is_kept_is_compressed_holds_no_key_and_ends_after_35_days(run: Sync, upstream: SandboxServer) -> None:
    run("directory", "usage")
    bodies = [zlib.decompress(bytes(body)) for body in RawBucket.objects.values_list("body", flat=True)]
    assert all(upstream.admin_key.encode() not in body for body in bodies)
    assert sum(map(len, bodies)) > 4 * sum(len(bytes(row.body)) for row in RawBucket.objects.all())
    assert raw.prune(datetime(2026, 12, 25, tzinfo=UTC)) == 0
    assert raw.prune(datetime(2026, 12, 26, tzinfo=UTC)) == len(bodies)
    assert Series.objects.exists()


def test_rebuild_waits_for_nobody_and_says_who_is_at_work(run: Sync) -> None:
    run("directory", "usage")
    with lease(Organization.objects.get().pk, "usage"), pytest.raises(CommandError, match="another run of usage"):
        rebuild()
    with pytest.raises(CommandError, match="is not a day"):
        rebuild("--since", "2026-02-30")
    with pytest.raises(CommandError, match="--since must be before --until"):
        rebuild("--since", "2026-11-13", "--until", "2026-11-12")
