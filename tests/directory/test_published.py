"""The published tiers: the figures of the vendor's pages by tier and day, and what is assumed from them."""

from datetime import date, datetime

import pytest

from costwatch import clock
from costwatch.directory import kinds
from costwatch.directory.limits import Limits, assume, limits_at, limits_now
from costwatch.directory.mirror.replace import replace
from costwatch.directory.models import Organization
from costwatch.directory.published import FILE, Published, published, tiers
from costwatch.ledger.limit_hours import LimitHistory

from .conftest import At

TODAY = date(2026, 11, 20)
RPM, OTPM = "requests_per_minute", "output_tokens_per_minute"
ITPM, CACHE_AWARE = "input_tokens_per_minute", "input_tokens_per_minute_cache_aware"
# Page of 2026-08: requests, input and output tokens a minute.
START = {
    "fable-5": (1_000, 500_000, 100_000),
    "opus-5": (1_000, 2_000_000, 400_000),
    "opus-4": (1_000, 2_000_000, 400_000),
    "sonnet-5": (1_000, 2_000_000, 400_000),
    "sonnet-4": (1_000, 2_000_000, 400_000),
    "haiku-4-5": (1_000, 2_000_000, 400_000),
    "haiku-3-5": (1_000, 100_000, 20_000),
}
BUILD = dict.fromkeys(START, (5_000, 5_000_000, 1_000_000)) | {
    "fable-5": (2_000, 1_500_000, 300_000),
    "haiku-3-5": (2_000, 200_000, 40_000),
}
SCALE = dict.fromkeys(START, (10_000, 10_000_000, 2_000_000)) | {
    "fable-5": (4_000, 4_000_000, 800_000),
    "haiku-3-5": (4_000, 400_000, 80_000),
}
# Page of 2026-05-11.
OLD = [
    {"sonnet-4": (50, 30_000, 8_000), "haiku-4-5": (50, 50_000, 10_000), "opus-4": (50, 500_000, 80_000)},
    {"sonnet-4": (1000, 450_000, 90_000), "haiku-4-5": (1000, 450_000, 90_000), "opus-4": (1000, 2_000_000, 200_000)},
    {
        "sonnet-4": (2000, 800_000, 160_000),
        "haiku-4-5": (2000, 1_000_000, 200_000),
        "opus-4": (2000, 5_000_000, 400_000),
    },
    {
        "sonnet-4": (4000, 2_000_000, 400_000),
        "haiku-4-5": (4000, 4_000_000, 800_000),
        "opus-4": (4000, 10_000_000, 800_000),
    },
]


def figures(found: Published | None) -> dict[str, tuple[int, int, int]]:
    """Requests, input and output tokens a minute of each class."""
    assert found
    return {
        one.id: (one.limits[RPM], one.limits.get(CACHE_AWARE) or one.limits[ITPM], one.limits[OTPM])
        for one in found.classes
    }


def of(tier: str, on: date = TODAY) -> Published:
    found = published(tier, on)
    assert found
    return found


@pytest.mark.parametrize(("tier", "expected"), [("start", START), ("build", BUILD), ("scale", SCALE)])
def test_the_tiers_since_june_2026(tier: str, expected: dict[str, tuple[int, int, int]]) -> None:
    assert figures(published(tier, TODAY)) == expected
    assert figures(published(tier, date(2026, 6, 26))) == expected
    assert published(tier, date(2026, 6, 25)) is None


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_the_tiers_before(number: int) -> None:
    tier = f"tier_{number}"
    assert figures(published(tier, date(2026, 5, 11))) == OLD[number - 1]
    assert figures(published(tier, date(2026, 6, 25))) == OLD[number - 1]
    assert published(tier, date(2026, 6, 26)) is None
    # Until that spring Opus was allowed what Sonnet was.
    before = OLD[number - 1] | {"opus-4": OLD[number - 1]["sonnet-4"]}
    assert figures(published(tier, date(2026, 5, 10))) == before


def test_batches_and_spend_caps() -> None:
    def said(tier: str, on: date) -> tuple[int, int, str]:
        found = of(tier, on)
        batch = found.batch.limits
        return batch[RPM], batch["enqueued_batch_requests"], found.tier.monthly_spend_usd

    assert [said(tier, TODAY) for tier in ("start", "build", "scale")] == [
        (1_000, 200_000, "500"),
        (2_000, 300_000, "1000"),
        (4_000, 500_000, "200000"),
    ]
    assert [said(f"tier_{number}", date(2026, 5, 11)) for number in (1, 2, 3, 4)] == [
        (50, 100_000, "100"),
        (1_000, 200_000, "500"),
        (2_000, 300_000, "1000"),
        (4_000, 500_000, "200000"),
    ]


def test_the_tiers_of_a_day_can_be_listed() -> None:
    assert [(one.id, one.name) for one in tiers(TODAY)] == [("start", "Start"), ("build", "Build"), ("scale", "Scale")]
    assert [one.name for one in tiers(date(2026, 5, 11))] == ["Tier 1", "Tier 2", "Tier 3", "Tier 4"]


def test_every_entry_names_its_source_and_the_day_it_was_checked() -> None:
    import tomllib

    entries = [one for rows in tomllib.loads(FILE.read_text()).values() for one in rows]
    assert len(entries) == 7 + 11 + 2
    for one in entries:
        assert "page of 2026-0" in one["source"]
        assert one["checked"] == date(2026, 11, 20)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("claude-opus-4-5-20251101", "opus-4"),
        ("claude-opus-4-8", "opus-4"),
        ("claude-opus-5", "opus-5"),
        ("claude-opus-5-20260724", "opus-5"),
        ("claude-sonnet-4-6", "sonnet-4"),
        ("claude-haiku-4-5-20251001", "haiku-4-5"),
        ("claude-3-5-haiku-latest", "haiku-3-5"),
        ("claude-fable-5-2", "fable-5"),
        # Pools of their own, whose size is not published.
        ("claude-opus-5-5", None),
        ("claude-sonnet-5-5", None),
        ("claude-haiku-5-5", None),
        ("claude-opus-5-5-fast", None),
        ("claude-opus-50", None),
        ("claude-opus-4-1", None),
        ("", None),
    ],
)
def test_a_model_is_in_the_class_that_names_it_and_else_in_none(model: str, expected: str | None) -> None:
    found = of("scale").class_of(model)
    assert (found.id if found else None) == expected


def test_reads_of_the_cache_count_for_haiku_3_5_alone() -> None:
    assert [one.id for one in of("scale").classes if ITPM in one.limits] == ["haiku-3-5"]


def test_nothing_is_assumed_until_somebody_picks_a_tier(organization: Organization) -> None:
    for limits in (limits_now(organization), limits_at(organization, clock.now())):
        assert (limits.groups, limits.of(), limits.is_assumed) == ({}, (), False)


def test_limits_of_a_picked_tier_are_assumed_and_say_so(organization: Organization) -> None:
    assume(organization, tier="build", by="ada")
    organization.refresh_from_db()
    assert (organization.assumed_tier, organization.assumed_by) == ("build", "ada")
    assert organization.assumed_at == clock.now()
    limits = limits_now(organization)
    assert limits.is_assumed
    assert limits.assumed
    assert limits.assumed.tier.name == "Build"
    assert limits.known_since is None
    group = limits.group_of("claude-opus-4-5-20251101")
    assert group
    assert (group.id, group.kind, group.name) == ("assumed/opus-4", "model_group", "Claude Opus 4.x")
    assert limits.group_of("claude-opus-5-5") is None
    found = {one.limiter: one for one in limits.of() if one.group == group}
    assert {name: one.value for name, one in found.items()} == {RPM: 5_000, CACHE_AWARE: 5_000_000, OTPM: 1_000_000}
    assert {(one.source, one.is_assumed, one.is_inherited) for one in limits.of()} == {("assumed", True, False)}
    # Every workspace inherits it, and none is capped.
    own = limits.of("wrkspc_1")
    assert {(one.source, one.is_inherited, one.is_capped) for one in own} == {("assumed", True, False)}
    assert len(own) == 7 * 3 + 2
    assert [one.value for one in own if one.group.kind == "batch"] == [300_000, 2_000]


def test_groups_are_made_of_the_models_that_were_used(organization: Organization) -> None:
    assume(organization, tier="scale", by="ada")
    used = ["claude-opus-4-8", "claude-opus-4-5-20251101", "claude-opus-5-5", "claude-sonnet-5"]
    limits = limits_now(organization, used=used)
    assert {group.id: group.models for group in limits.groups.values()} == {
        "assumed/opus-4": ("claude-opus-4-5-20251101", "claude-opus-4-8"),
        "assumed/sonnet-5": ("claude-sonnet-5",),
        "assumed/batch": None,
    }
    assert {one.group.id for one in limits.of()} == set(limits.groups)
    assert limits_at(organization, clock.now(), used=used) == limits


def test_a_past_day_is_assumed_as_it_was_published_then(organization: Organization) -> None:
    assume(organization, tier="start", by="ada")

    def at(day: str) -> Limits:
        return limits_at(organization, clock.parse(f"{day}T12:00:00Z"))

    assert at("2026-07-01").is_assumed
    assert not at("2026-06-25").is_assumed
    assert at("2026-06-25").of() == ()


def test_a_tier_that_has_ended_is_still_assumed_of_its_days(organization: Organization) -> None:
    organization.assumed_tier = "tier_4"
    organization.save()
    now, then = limits_now(organization), clock.parse("2026-06-01T12:00:00Z")
    assert not now.is_assumed
    history = LimitHistory(organization)
    assert history.at(then) == limits_at(organization, then)
    assert history.at(then).is_assumed
    assert history.at(clock.now()) == now


def test_what_was_read_stands_before_what_is_assumed(organization: Organization, at: At) -> None:
    assume(organization, tier="start", by="ada")
    replace(
        kinds.RATE_LIMITS, organization, [(("", "rlg_1", RPM), {"value": 7, "source": "organization"})], clock.now()
    )
    limits = limits_now(organization)
    assert ([one.value for one in limits.of()], limits.is_assumed) == ([7], False)
    assert {one.source for one in limits.of()} == {"organization"}
    assert {one.source for one in limits.of("wrkspc_1")} == {"organization"}
    with pytest.raises(ValueError, match="are read"):
        assume(organization, tier="scale", by="ada")
    assume(organization, tier="", by="ada")
    assert organization.assumed_tier == ""


@pytest.mark.parametrize("tier", ["tier_4", "custom", "Start", " ", "\0"])
def test_a_tier_that_is_not_there_now_cannot_be_picked(organization: Organization, now: datetime, tier: str) -> None:
    with pytest.raises(ValueError, match="start, build, scale"):
        assume(organization, tier=tier, by="ada")
    organization.refresh_from_db()
    assert (organization.assumed_tier, organization.assumed_at) == ("", None)
