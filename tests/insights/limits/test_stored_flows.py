"""Stored minutes as flows: worked by hand, and against a scan of the minutes that knows nothing of the code."""

from datetime import UTC, datetime, timedelta

import pytest

from costwatch.directory import mirror
from costwatch.directory.models import DirectoryChange, Organization, RateLimitGroup
from costwatch.ingest.connect import client, connect
from costwatch.ingest.order import Order
from costwatch.ingest.sync import sync
from costwatch.insights.limits.flows import Flow, Tokens, counted, used, with_organization
from costwatch.insights.limits.lines import LineKey, lines
from costwatch.insights.limits.relief import relief
from costwatch.insights.limits.stored_flows import Stored, stored_flows
from costwatch.ledger.limit_figures import figures
from costwatch.upstream.sandbox.server import SandboxServer
from tests.scan import scan
from tests.two_minutes import FIRST, GROUP, INPUT, OPUS, OUTPUT, counts, dims, limit, make_two_minutes, record

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
POOL = LineKey(GROUP, "", "")
UNTIL = datetime(2026, 11, 20, 15, tzinfo=UTC)
# 14:00 and 14:01 of a window that begins at 15:00 of the day before.
AT_14_00, AT_14_01 = 1380, 1381


@pytest.fixture
def small(organization: Organization) -> Organization:
    return make_two_minutes(organization)


@pytest.fixture
def read(upstream: SandboxServer, db: None, settings: object) -> Organization:
    """Minutes of 19 and 20 November, with the limits as the vendor lists them."""
    settings.BACKFILL_SINCE = "2026-11-19"  # type: ignore[attr-defined]
    with client() as opened:
        connection = connect(opened)
        sync(connection, "directory", Order())
        mirror.mirror_rate_limits(connection.organization, opened, datetime(2026, 11, 20, 14, 5, tzinfo=UTC))
        sync(connection, "minutes", Order())
        return connection.organization


def test_a_flow_is_one_workspace_key_and_model_with_its_minutes(small: Organization) -> None:
    stored = stored_flows(small, POOL)
    assert (stored.since, stored.until) == (UNTIL - DAY, UNTIL)
    assert (stored.group, stored.minutes, stored.of) == ("Claude Opus 5.x", 2, 2)
    assert stored.flows == (
        Flow("default", "console", OPUS, False, {AT_14_00: Tokens(200, 0, 0, 0)}),
        Flow("wrkspc_1", "key-1", OPUS, False, {AT_14_00: Tokens(600, 0, 0, 100), AT_14_01: Tokens(400, 0, 0, 0)}),
        Flow("wrkspc_2", "key-2", OPUS, False, {AT_14_00: Tokens(100, 0, 900, 50)}),
    )
    assert stored.at(AT_14_00) == FIRST


def test_limiters_have_the_values_of_now_and_of_every_workspace_that_has_set_one(small: Organization) -> None:
    limit(small, INPUT, 700, "wrkspc_1")
    limit(small, OUTPUT, None, "wrkspc_2")
    limit(small, "requests_per_minute", 4000)
    found = {one.name: (one.organization, one.overrides) for one in stored_flows(small, POOL).limiters}
    # No report counts requests by the minute, and a limiter without a value is no override.
    assert found == {INPUT: (1000, {"wrkspc_1": 700}), OUTPUT: (500, {})}


def test_pools_are_apart_and_batches_have_no_limit_by_the_minute(small: Organization) -> None:
    record(
        small, {FIRST: {dims("wrkspc_1", "key-1", tier="batch"): counts(9000), dims("wrkspc_1", "key-1"): counts(6)}}
    )
    ordinary, batch = stored_flows(small, POOL), stored_flows(small, LineKey(GROUP, "batch", ""))
    assert [flow.minutes for flow in ordinary.flows] == [{AT_14_00: Tokens(6, 0, 0, 0), AT_14_01: Tokens(400, 0, 0, 0)}]
    assert [flow.minutes for flow in batch.flows] == [{AT_14_00: Tokens(9000, 0, 0, 0)}]
    assert {one.organization for one in batch.limiters} == {None}


def test_what_the_report_divides_further_is_one_flow(small: Organization) -> None:
    split = {dims("wrkspc_1", "key-1"): counts(5, 1, writes=2), dims("wrkspc_1", "key-1", tier="flex"): counts(7, 2)}
    record(small, {FIRST: split})
    assert stored_flows(small, POOL).flows[0].minutes[AT_14_00] == Tokens(12, 2, 0, 3)


def test_a_model_counts_from_the_hour_it_came_into_the_group(small: Organization) -> None:
    before = FIRST - HOUR
    record(small, {at: {dims("wrkspc_1", "key-1", "claude-new"): counts(50)} for at in (before, FIRST)})
    RateLimitGroup.objects.update(model_names=[OPUS, "claude-new"])
    DirectoryChange.objects.create(
        organization=small,
        kind="rate_limit_group",
        external_id=GROUP,
        name="Claude Opus 5.x",
        seen_at=FIRST + timedelta(minutes=2),
        what="changed",
        fields={"model_names": [[OPUS], [OPUS, "claude-new"]]},
    )
    (flow,) = [one for one in stored_flows(small, POOL).flows if one.model == "claude-new"]
    assert list(flow.minutes) == [AT_14_00]
    alone = stored_flows(small, LineKey("model:claude-new", "", ""))
    assert [list(one.minutes) for one in alone.flows] == [[AT_14_00 - 60]]
    assert alone.group == "claude-new"


def test_of_too_many_rows_the_fullest_minutes_are_looked_at_and_their_number_said(small: Organization) -> None:
    # Of four rows two may be read: one of the two minutes.
    stored = stored_flows(small, POOL, most_rows=2)
    assert (stored.minutes, stored.of) == (1, 2)
    assert {place for flow in stored.flows for place in flow.minutes} == {AT_14_00}


def test_only_whole_hours_and_at_most_a_day_are_read(small: Organization) -> None:
    for since, until in (
        (UNTIL - DAY - HOUR, UNTIL),
        (UNTIL, UNTIL),
        (UNTIL - HOUR, UNTIL + timedelta(minutes=1)),
        (UNTIL, UNTIL - HOUR),
    ):
        with pytest.raises(ValueError, match="hours"):
            stored_flows(small, POOL, since=since, until=until)
    assert not stored_flows(small, POOL, since=UNTIL - 2 * HOUR, until=UNTIL - HOUR).flows


def test_every_minute_of_every_pool_equals_a_scan_of_the_facts(read: Organization) -> None:
    used_by_scan = scan(read, UNTIL - DAY, UNTIL)
    compared = 0
    for group, pool in {(line.key.group_id, line.key.pool) for line in lines(read).lines}:
        stored = stored_flows(read, LineKey(group, pool, ""))
        uses = used(stored.flows)
        for limiter in stored.limiters:
            for workspace, minutes in with_organization(counted(uses, limiter)).items():
                expected = {at: n for at, n in used_by_scan[group, pool, workspace, limiter.name].items() if n}
                assert {stored.at(place): n for place, n in minutes.items() if n} == expected
                compared += len(expected)
    assert compared > 20_000


def test_the_peak_that_help_speaks_of_is_that_of_the_line(read: Organization) -> None:
    for line in lines(read).lines:
        stored = stored_flows(read, line.key)
        limiter = stored.limiter(line.binding.limiter)
        assert limiter is not None
        found = relief(stored.flows, limiter, line.key.workspace_key)
        assert found is not None
        assert (found.peak, found.limit) == (line.binding.peak, line.binding.limit)
        assert sum(one.tokens for one in found.contributors) == found.peak


def test_the_fullest_minutes_hold_the_peak_of_the_line_and_of_the_organization(read: Organization) -> None:
    def peaks(stored: Stored, line: LineKey) -> list[int]:
        by_workspace = [with_organization(counted(used(stored.flows), one)) for one in stored.limiters]
        found = [figures(of.get(who, {}), None) for of in by_workspace for who in ("", line.workspace_key)]
        return [one.peak for one in found if one]

    # Those of ordinary use with the most rows.
    for line in [one for one in lines(read).lines if not one.key.pool][:4]:
        whole, part = stored_flows(read, line.key), stored_flows(read, line.key, most_rows=500)
        assert part.minutes < whole.minutes == part.of
        assert peaks(part, line.key) == peaks(whole, line.key)
