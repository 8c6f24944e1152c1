"""Who hurts next, and a line in detail, against a scan of the minutes that knows nothing of their code."""

import math
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from costwatch.directory.limits import limits_now
from costwatch.directory.models import Organization, RateLimit, Workspace
from costwatch.insights.limits.consumers import consumers
from costwatch.insights.limits.contention import contention
from costwatch.insights.limits.detail import detail
from costwatch.insights.limits.lines import AT_LIMIT, FINE, TIGHT, UNLIMITED, LineKey, last_hour, lines
from costwatch.insights.limits.measures import limit_measures
from costwatch.insights.limits.minute import minute_of
from costwatch.ledger.models import LimitDay, MinuteFact, Series
from tests.scan import scan

NOW = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)
SINCE, UNTIL = datetime(2026, 11, 19, 15, tzinfo=UTC), datetime(2026, 11, 20, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OPUS_OUT = "output_tokens_per_minute"


def opus(organization: Organization, workspace: str = "") -> LineKey:
    group = next(one for one in limits_now(organization).groups.values() if one.name == "Claude Opus 5.x")
    return LineKey(group.id, "", workspace)


def is_opus(series: Series) -> bool:
    """Whether a series draws from the ordinary pool of that group."""
    is_ordinary = series.service_tier == "standard" and series.speed != "fast"
    return is_ordinary and series.model in ("claude-opus-5", "claude-opus-5-5")


def workspace_called(organization: Organization, name: str) -> str:
    return str(Workspace.objects.get(organization=organization, name=name).key)


def test_every_line_equals_a_scan_of_its_minutes(hot: Organization) -> None:
    found = lines(hot)
    used = scan(hot, SINCE, UNTIL)
    assert (found.since, found.until) == (SINCE, UNTIL)
    assert len(found.lines) > 30
    for line in found.lines:
        for one in line.against:
            minutes = used[line.key.group_id, line.key.pool, line.key.workspace_key, one.limiter]
            counts = [count for count in minutes.values() if count]
            assert (one.peak, one.total, one.minutes_active) == (max(counts), sum(counts), len(counts))
            if one.limit:
                assert one.share == max(counts) * 10_000 // one.limit
                assert one.minutes_over_80 == len([count for count in counts if count > one.limit * 0.8])
                assert one.minutes_over_95 == len([count for count in counts if count > one.limit * 0.95])
                assert one.minutes_over_100 == len([count for count in counts if count > one.limit])


def test_those_that_hurt_next_stand_first(hot: Organization) -> None:
    found = lines(hot).lines
    assert {line.state for line in found} == {AT_LIMIT, TIGHT, FINE, UNLIMITED}
    place = {AT_LIMIT: 0, TIGHT: 1, FINE: 2, UNLIMITED: 3}
    order = [(place[line.state], -line.binding.minutes_over_80, -(line.binding.share or 0)) for line in found]
    assert order == sorted(order)
    for line in found:
        highest = max((one.share for one in line.against if one.share is not None), default=None)
        assert line.binding.share == highest
        if highest is not None:
            assert line.state == (AT_LIMIT if highest > 9500 else TIGHT if highest > 8000 else FINE)


def test_batches_and_priority_are_held_against_no_limit_by_the_minute(hot: Organization) -> None:
    apart = [line for line in lines(hot).lines if line.key.pool in ("batch", "priority")]
    assert apart
    assert {one.limit for line in apart for one in line.against} == {None}
    assert {line.state for line in apart} == {UNLIMITED}


def test_a_model_in_no_group_stands_for_itself_and_a_group_without_use_is_told(hot: Organization) -> None:
    found = lines(hot)
    groupless = [line for line in found.lines if line.key.group_id.startswith("model:")]
    assert "claude-lynx-1-preview" in {line.group for line in groupless}
    assert "Claude Opus 4.x" in {group.name for group in found.idle}


def test_a_workspaces_lines_stand_beside_the_organizations(hot: Organization) -> None:
    key = workspace_called(hot, "search-prod")
    assert {line.key.workspace_key for line in lines(hot).of(key).lines} == {"", key}


def test_the_last_hour_is_the_sixty_minutes_up_to_now(hot: Organization) -> None:
    shown = lines(hot).shown
    used = scan(hot, NOW - timedelta(hours=1), NOW)
    hours = last_hour(hot, shown, NOW)
    assert shown
    for line in shown:
        minutes = used[line.key.group_id, line.key.pool, line.key.workspace_key, line.binding.limiter]
        assert hours[line.key] == [minutes[NOW - timedelta(minutes=60 - place)] for place in range(60)]


def test_a_line_in_detail_equals_a_scan(hot: Organization) -> None:
    key = opus(hot, workspace_called(hot, "search-prod"))
    made = detail(hot, key, limits_now(hot), OPUS_OUT)
    assert made is not None
    used = scan(hot, SINCE, UNTIL)
    assert {(bar.key.workspace_key, bar.limiter) for bar in made.bars} == {
        (workspace, limiter)
        for workspace in (key.workspace_key, "")
        for limiter in ("input_tokens_per_minute_cache_aware", OPUS_OUT)
    }
    for bar in made.bars:
        counts = sorted(n for n in used[bar.key.group_id, "", bar.key.workspace_key, bar.limiter].values() if n)
        assert bar.figures.median == counts[math.ceil(len(counts) / 2) - 1]
        assert bar.figures.p95 == counts[math.ceil(len(counts) * 0.95) - 1]
        assert bar.figures.peak == counts[-1]
    mine = used[key.group_id, "", key.workspace_key, OPUS_OUT]
    assert list(made.values) == [mine[SINCE + place * MINUTE] for place in range(len(made.values))]
    assert len(made.values) == (NOW - SINCE) // MINUTE
    # The map has the peak of each hour of seven days; two of them were read.
    first = datetime(2026, 11, 19, tzinfo=UTC)
    week = scan(hot, first, UNTIL)[key.group_id, "", key.workspace_key, OPUS_OUT]
    by_hour: dict[datetime, int] = defaultdict(int)
    for at, count in week.items():
        hour = at.replace(minute=0)
        by_hour[hour] = max(by_hour[hour], count)
    cells = {cell.hour: cell.peak for _day, row in made.week for cell in row if cell}
    assert cells == {hour: peak for hour, peak in by_hour.items() if peak}
    worst = sorted(week.items(), key=lambda one: (-one[1], one[0]))[:10]
    assert [(one.minute, one.value) for one in made.worst] == worst
    assert made.limit is not None
    streak = longest = 0
    for place in range((NOW - SINCE) // MINUTE):
        streak = streak + 1 if mine[SINCE + place * MINUTE] > made.limit * 0.8 else 0
        longest = max(longest, streak)
    bar = next(one for one in made.bars if one.key == key and one.limiter == OPUS_OUT)
    assert bar.streak == longest


def test_requests_and_other_limiters_are_named_as_not_measured(hot: Organization) -> None:
    made = detail(hot, opus(hot), limits_now(hot))
    assert made is not None
    assert {one.limiter for one in made.unmeasured} == {"requests_per_minute"}


def test_the_peak_minutes_contributors_sum_to_it(hot: Organization) -> None:
    for workspace in ("", workspace_called(hot, "search-prod")):
        key = opus(hot, workspace)
        made = detail(hot, key, limits_now(hot), OPUS_OUT)
        assert made is not None
        peak = made.worst[0]
        found = minute_of(hot, key, OPUS_OUT, peak.minute)
        assert found.total == peak.value
        assert found.limit == made.limit
        told = Counter[tuple[str, str, str]]()
        for fact in MinuteFact.objects.filter(minute=peak.minute).select_related("series"):
            series = fact.series
            if is_opus(series) and workspace in ("", series.workspace_id):
                told[series.workspace_id, series.api_key_id, series.model] += fact.output_tokens
        shown = {(one.workspace_key, one.api_key_id, one.model): one.counted for one in found.contributions}
        assert {who: count for who, count in shown.items() if count} == {who: n for who, n in told.items() if n}
        counted = [one.counted for one in found.contributions]
        assert counted == sorted(counted, reverse=True)


def test_the_top_consumers_are_those_of_the_hours(hot: Organization) -> None:
    found = lines(hot)
    line = next(one for one in found.lines if one.key == opus(hot))
    used = consumers(hot, found, [line])[line.key]
    minutes = Counter[str]()
    facts = MinuteFact.objects.filter(minute__gte=SINCE, minute__lt=datetime(2026, 11, 20, 14, tzinfo=UTC))
    for fact in facts.select_related("series"):
        series = fact.series
        if is_opus(series):
            minutes[series.workspace_id] += fact.output_tokens
    assert line.binding.side == "output"
    largest = minutes.most_common(1)[0][0]
    assert used.most_common(1)[0][0] == largest
    # The hour under way is in the hours up to the last poll.
    assert used[largest] >= minutes[largest]


@pytest.mark.parametrize("share", [1, Fraction(1, 3), Fraction(4, 3)], ids=["in force then", "lower", "higher"])
def test_who_takes_the_pool_when_it_runs_short(hot: Organization, share: Fraction) -> None:
    """Also beside a limit that has changed since: everything is held against the one that is in force now."""
    key = opus(hot)
    in_force = RateLimit.objects.get(group=key.group_id, workspace_key="", limiter=OPUS_OUT).value
    assert in_force is not None
    limit = int(in_force * share)
    first = datetime(2026, 11, 19, tzinfo=UTC)
    used = scan(hot, first, UNTIL)
    short = [at for at, count in used[key.group_id, "", "", OPUS_OUT].items() if count * 100 > limit * 80]
    taken = Counter[str]()
    for (group, pool, workspace, limiter), minutes in used.items():
        if (group, pool, limiter) == (key.group_id, "", OPUS_OUT) and workspace:
            taken[workspace] += sum(minutes[at] for at in short)
    found = contention(hot, key, OPUS_OUT, limit)
    assert found.minutes == len(short) > 0
    assert dict(found.by_workspace) == {who: count for who, count in taken.items() if count}
    assert found.total == taken.total()


def test_measures_have_the_peak_of_the_last_hour_as_a_share(hot: Organization) -> None:
    found = {(one.group, one.pool, one.workspace, one.limiter): one for one in limit_measures()}
    key = opus(hot)
    used = scan(hot, NOW - timedelta(hours=1), NOW)
    limit = RateLimit.objects.get(group=key.group_id, workspace_key="", limiter=OPUS_OUT).value
    one = found["Claude Opus 5.x", "", "", OPUS_OUT]
    assert limit is not None
    assert one.utilisation == pytest.approx(max(used[key.group_id, "", "", OPUS_OUT].values()) / limit)
    # One day is too few to say when.
    assert one.days_left is None


def test_a_limit_of_nothing_is_met_already(hot: Organization) -> None:
    key = opus(hot)
    RateLimit.objects.filter(group=key.group_id, limiter=OPUS_OUT, workspace_key="").update(value=0)
    (one,) = [
        one
        for one in limit_measures()
        if (one.group_id, one.workspace, one.pool, one.limiter) == (key.group_id, "", "", OPUS_OUT)
    ]
    assert (one.days_left, one.utilisation) == (0, 1.0)


def test_days_to_the_limit_by_hand(hot: Organization) -> None:
    """Four weeks in which every peak is 5,000 above that of the day before: today's would be 315,000 of 375,000."""
    LimitDay.objects.all().delete()
    key = opus(hot)
    for back in range(1, 29):
        day = NOW.date() - timedelta(days=back)
        LimitDay.objects.create(
            organization=hot,
            day=day,
            group_id=key.group_id,
            group="Claude Opus 5.x",
            limiter=OPUS_OUT,
            limit=375_000,
            source="organization",
            peak=315_000 - 5_000 * back,
            peak_at=datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
            p95=1,
            median=1,
            minutes_active=1,
            minutes_over_80=0,
            minutes_over_95=0,
            minutes_over_100=0,
        )
    made = detail(hot, key, limits_now(hot), OPUS_OUT)
    assert made is not None
    assert made.trend is not None
    assert (made.limit, made.trend.level, made.trend.slope) == (375_000, 315_000, 5_000)
    # 60,000 are left, 5,000 a day.
    assert (made.trend.earliest, made.trend.middle, made.trend.latest) == (12, 12, 12)
    days = {
        one.limiter: one.days_left for one in limit_measures() if (one.group_id, one.workspace) == (key.group_id, "")
    }
    assert days[OPUS_OUT] == 12
    assert days["input_tokens_per_minute_cache_aware"] is None
