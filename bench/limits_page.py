"""The Limits page, a line of it and a minute, over 35 days of minutes and hours of 1,000 keys on PostgreSQL.

What pages keep of their answers is forgotten before each: they are made anew, or, where the list was just looked at,
from what it keeps.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

from bench.harness import Line, at_most, database, p95, postgres

NOW = datetime.now(UTC).replace(second=0, microsecond=0)
KEYS, WORKSPACES, MODELS, DAYS = 1000, 40, 5, 35
TIMES = 40


def main() -> list[Line]:
    with postgres() as address, database(address):
        return _measure()


def _measure() -> list[Line]:
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client

    from costwatch.garbage import leave_loaded_alone
    from costwatch.ingest.heartbeat import renew
    from costwatch.insights.cache import kept
    from costwatch.insights.limits.lines import lines
    from costwatch.ledger.models import LimitHour, MinuteFact
    from costwatch.role import BEAT, WORKER
    from costwatch.web.limits.asked import text_of

    organization = _organization()
    rows = _fill(organization.pk)
    made = _make(organization)
    with connection.cursor() as cursor:
        # Nothing that such a load leaves behind is going on while pages are asked for.
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("CHECKPOINT")
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.create_user("bench"))
    found = lines(organization)
    workspace = next(line for line in found.lines if line.key.workspace_key)
    whole = next(line for line in found.lines if not line.key.workspace_key)
    peak = LimitHour.objects.filter(group_id=whole.key.group_id, workspace_key="").order_by("-peak").first()
    assert peak is not None
    minute = f"minute={peak.peak_at:%Y-%m-%dT%H:%M:%SZ}&limiter={whole.binding.limiter}&line={text_of(whole.key)}"
    detail = f"{rows:,} minute rows, {MinuteFact.objects.values('series').distinct().count():,} series"
    opened = {
        "a workspace's line": f"/limits/?line={text_of(workspace.key)}",
        "the organization's line": f"/limits/?line={text_of(whole.key)}",
    }
    shown = f"{detail}; {len(found.lines)} lines, {len(found.shown)} shown"
    as_part, as_page = {"HX-Request": "true", "HX-Target": "minute"}, dict[str, str]()
    # What, what was looked at before it, its address, how it is asked for, the target, and what there is to say.
    each = [
        ("the list", "", "/limits/", as_page, 100, shown),
        *((f"{which} opened from the list", "/limits/", path, as_page, 100, "") for which, path in opened.items()),
        *((f"{which} and the list, made anew", "", path, as_page, 100, "") for which, path in opened.items()),
        ("a minute opened from its line", "", f"/limits/minute/?{minute}", as_part, 50, ""),
        ("a minute as a page of its own", "", f"/limits/minute/?{minute}", as_page, 50, ""),
    ]
    # As the web server does.
    leave_loaded_alone()
    told = []
    for what, before, path, asked, bound, said in each:
        for role in (BEAT, WORKER):
            renew(role)
        taken = []
        for _ in range(TIMES):
            kept.forget()
            if before:
                client.get(before)
            began = time.perf_counter()
            answer = client.get(path, headers=asked)
            taken.append(1000 * (time.perf_counter() - began))
            assert answer.status_code == 200, (path, answer.status_code)
        told.append(at_most("limits", f"{what}, p95", p95(taken), bound, unit="ms", detail=said))
    told.append(at_most("limits", "making an hour's figures", 1000 * made, 500, unit="ms", detail="of 15,000 rows"))
    return told


def _organization():  # type: ignore[no-untyped-def]
    from costwatch.directory.models import ApiKey, Organization, RateLimit, RateLimitGroup, Reading, Workspace

    seen = {"first_seen_at": NOW, "last_seen_at": NOW}
    made = Organization.objects.create(
        external_id="org-bench", name="Bench", created_at=NOW, history_since=NOW.date() - timedelta(days=DAYS - 1)
    )
    _read(made)
    Reading.objects.create(organization=made, kind="rate_limit", first_read_at=NOW, last_read_at=NOW)
    Workspace.objects.bulk_create(
        Workspace(organization=made, key=f"w{place}", external_id=f"w{place}", name=f"workspace-{place}", **seen)
        for place in range(WORKSPACES)
    )
    ApiKey.objects.bulk_create(
        ApiKey(organization=made, external_id=f"k{place}", name=f"key-{place}", status="active", **seen)
        for place in range(KEYS)
    )
    for place in range(MODELS):
        RateLimitGroup.objects.create(
            organization=made,
            external_id=f"g{place}",
            kind="model_group",
            name=f"Model {place}",
            model_names=[f"model-{place}"],
            **seen,
        )
        # Fifty keys of a model are at work in a minute, with 6,000 tokens of input and 600 of output on average.
        for limiter, value in (("input_tokens_per_minute_cache_aware", 450_000), ("output_tokens_per_minute", 40_000)):
            RateLimit.objects.create(
                organization=made, group=f"g{place}", limiter=limiter, value=value, source="organization", **seen
            )
            for workspace in range(0, WORKSPACES, 4):
                # A quarter of the workspaces has a limit that its own use comes near to.
                RateLimit.objects.create(
                    organization=made,
                    group=f"g{place}",
                    workspace_key=f"w{workspace}",
                    limiter=limiter,
                    value=value // 5,
                    source="workspace",
                    **seen,
                )
    return made


def _read(organization) -> None:  # type: ignore[no-untyped-def]
    """Say that everything there is was read a moment ago: the pill of every page tells how far."""
    from costwatch.ingest.models import Coverage, Source, State
    from costwatch.ingest.sources import SOURCES, WINDOWED

    Source.objects.bulk_create(Source(organization=organization, name=name, last_success_at=NOW) for name in SOURCES)
    since = NOW.replace(hour=0, minute=0) - timedelta(days=DAYS - 1)
    for one in WINDOWED.values():
        buckets = (NOW - since) // one.cadence.width + 1
        Coverage.objects.bulk_create(
            (
                Coverage(
                    organization=organization,
                    source=name,
                    start=start,
                    end=start + one.cadence.width,
                    state=State.SETTLED if start + one.cadence.width < NOW else State.OPEN,
                    digest=b"",
                    first_read_at=start,
                    last_read_at=min(NOW, start + one.cadence.width + timedelta(hours=6)),
                    changed_at=start,
                )
                for name in one.coverage
                for start in (since + place * one.cadence.width for place in range(buckets))
            ),
            batch_size=5000,
        )


def _fill(organization: int) -> int:
    from django.db import connection

    from costwatch.ledger import partitions
    from costwatch.ledger.dimensions import UsageDims
    from costwatch.ledger.intern import Interned

    interned = Interned(organization)
    dims = [
        UsageDims(
            workspace_id=f"w{key % WORKSPACES}",
            api_key_id=f"k{key}",
            model=f"model-{(key // WORKSPACES) % MODELS}",
            service_tier="standard",
            context_window="0-200k",
            inference_geo="global",
            speed="standard",
        )
        for key in range(KEYS)
    ]
    interned.usage(dims)
    days = [NOW.date() - timedelta(days=back) for back in range(DAYS)]
    partitions.make(days)
    total = 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.5)")
        for day in days:
            cursor.execute(_ROWS, [day, _last(day), organization])
            total += cursor.rowcount
        cursor.execute(_HOURS)
        cursor.execute("ANALYZE")
    return total


def _last(day: date) -> int:
    """The last minute of a day."""
    return NOW.hour * 60 + NOW.minute - 1 if day == NOW.date() else 24 * 60 - 1


_ROWS = """
INSERT INTO ledger_minutefact (minute, series_id, uncached_input_tokens, ephemeral_5m_input_tokens,
    ephemeral_1h_input_tokens, cache_read_input_tokens, output_tokens, web_search_requests)
SELECT %s::date::timestamp AT TIME ZONE 'UTC' + g * interval '1 minute', s.id,
       (random() * 10000)::bigint, (random() * 2000)::bigint, 0, (random() * 50000)::bigint,
       (random() * 1200)::bigint, 0
FROM generate_series(0, %s) AS g JOIN ledger_series AS s ON s.organization_id = %s
WHERE (s.id + g) %% 4 = 0
"""


_HOURS = """
INSERT INTO ledger_fact (bucket_start, series_id, uncached_input_tokens, ephemeral_5m_input_tokens,
    ephemeral_1h_input_tokens, cache_read_input_tokens, output_tokens, web_search_requests, run)
SELECT date_trunc('hour', minute, 'UTC'), series_id, sum(uncached_input_tokens), sum(ephemeral_5m_input_tokens),
       sum(ephemeral_1h_input_tokens), sum(cache_read_input_tokens), sum(output_tokens), 0, 1
FROM ledger_minutefact GROUP BY 1, 2
"""


def _make(organization) -> float:  # type: ignore[no-untyped-def]
    """Make every hour and day. Shape: seconds an hour."""
    from costwatch import clock
    from costwatch.ledger.limit_days import make_day
    from costwatch.ledger.limit_hours import make_hours

    first = clock.midnight(NOW.date() - timedelta(days=DAYS - 1))
    hours = [first + place * clock.HOUR for place in range((NOW - first) // clock.HOUR + 1)]
    began = time.perf_counter()
    make_hours(organization, dict.fromkeys(hours, "bench"))
    taken = (time.perf_counter() - began) / len(hours)
    for back in range(1, DAYS):
        make_day(organization, NOW.date() - timedelta(days=back))
    return taken


if __name__ == "__main__":
    for line in main():
        print(line)
