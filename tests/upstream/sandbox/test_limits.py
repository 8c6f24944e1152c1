"""Rate limits and spend limits of the sandbox: shapes old and new, filters, pages, and limits that change."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from costwatch.upstream.sandbox.server import SandboxServer

SPEND_BETA = "spend-limit-reads-2026-09-26"
ANCHOR = datetime(2026, 11, 19, 14, 5, tzinfo=UTC)
Shown = dict[str, Any]


def tokens(reader: Any, path: str, *params: tuple[str, str], **headers: str) -> list[Shown]:
    """All objects over all pages."""
    found: list[Shown] = []
    page: list[tuple[str, str]] = []
    while True:
        answer = reader.get(path, [*params, *page], **headers)
        assert answer.status_code == 200, answer.text
        assert set(answer.json()) == {"data", "next_page"}
        found += answer.json()["data"]
        if answer.json()["next_page"] is None:
            return found
        page = [("page", answer.json()["next_page"])]


def named(entries: list[Shown], name: str) -> Shown:
    """The entry of a model group."""
    return next(one for one in entries if one["group"].get("display_name") == name)


def limits(entry: Shown) -> dict[str, int]:
    return {one["type"]: one["value"] for one in entry["limits"]}


def of_workspace(server: SandboxServer, name: str) -> str:
    return f"workspaces/{server.sandbox.directory.workspace_ids[name]}/rate_limits"


def test_every_group_comes_in_one_page_without_has_more(reader: Any) -> None:
    page = reader.get("rate_limits").json()
    assert (len(page["data"]), page["next_page"]) == (13, None)
    opus = named(page["data"], "Claude Opus 5.x")
    assert set(opus) == {"type", "id", "group", "group_type", "models", "limits"}
    assert opus["models"] == ["claude-opus-5", "claude-opus-5-5"]
    assert limits(opus) == {
        "requests_per_minute": 4000,
        "input_tokens_per_minute_cache_aware": 2_200_000,
        "output_tokens_per_minute": 600_000,
        "fast_itpmca": 200_000,
        "fast_otpm": 40_000,
    }
    limiters = {one["type"] for entry in page["data"] for one in entry["limits"]}
    assert limiters >= {"input_tokens_per_minute", "tokens_per_minute", "tokens_per_day", "enqueued_batch_requests"}
    assert limiters >= {"tool_uses_per_second", "concurrent_streams"}
    assert [one["group_type"] for one in page["data"] if one["models"] is None] == [
        "batch",
        "token_count",
        "files",
        "skills",
        "web_search",
        "live_stream",
    ]


def test_pages_are_followed_by_tokens_that_belong_to_their_question(reader: Any) -> None:
    everything = reader.get("rate_limits").json()["data"]
    assert tokens(reader, "rate_limits", ("limit", "5")) == everything
    token = ("page", reader.get("rate_limits", [("limit", "5")]).json()["next_page"])
    assert reader.get("rate_limits", [("limit", "6"), token]).status_code == 400
    assert reader.get("rate_limits", [("limit", "1001")]).status_code == 400
    assert reader.get("rate_limits", [("page", "garbage")]).status_code == 400


def test_limits_are_filtered_by_group_and_by_a_models_name_or_short_name(reader: Any) -> None:
    assert [one["group_type"] for one in tokens(reader, "rate_limits", ("group_type", "batch"))] == ["batch"]
    for name in ("claude-haiku-4-5-20251001", "claude-haiku-4-5"):
        (found,) = tokens(reader, "rate_limits", ("model", name))
        assert found["group"]["display_name"] == "Claude Haiku 4.x"
    assert reader.message("rate_limits", [("model", "gpt-9")]) == (404, "No rate limits found for model: gpt-9")
    assert reader.get("rate_limits", [("model", "claude-lynx-1-preview")]).status_code == 404
    assert reader.get("rate_limits", [("group_type", "live_stream")]).status_code == 400
    assert reader.get("rate_limits", [("include_inherited", "true")]).status_code == 400


def test_a_workspace_shows_only_what_it_has_set_itself(reader: Any, shared: SandboxServer) -> None:
    found = tokens(reader, of_workspace(shared, "search-prod"))
    assert [one["group"]["display_name"] for one in found] == ["Claude Opus 5.x", "Claude Haiku 5.x"]
    assert set(found[0]) == {"type", "rate_limit_id", "workspace_id", "group", "group_type", "models", "limits"}
    assert found[0]["rate_limit_id"] == named(tokens(reader, "rate_limits"), "Claude Opus 5.x")["id"]
    assert found[0]["limits"][0] == {
        "type": "input_tokens_per_minute_cache_aware",
        "value": 1_650_000,
        "org_limit": 2_200_000,
        "source": {"type": "workspace"},
    }
    assert tokens(reader, of_workspace(shared, "playground")) == []


def test_a_workspace_shows_what_it_inherits_when_asked(reader: Any, shared: SandboxServer) -> None:
    path = of_workspace(shared, "search-prod")
    found = tokens(reader, path, ("include_inherited", "true"))
    assert len(found) == 13
    sources = {one["type"]: (one["value"], one["source"]["type"]) for one in found[0]["limits"]}
    assert sources["requests_per_minute"] == (4000, "organization")
    assert sources["output_tokens_per_minute"] == (500_000, "workspace")
    assert reader.get(path, [("model", "claude-opus-5")]).status_code == 400


def test_an_override_can_be_above_the_organization_or_without_a_limit_of_it(reader: Any, shared: SandboxServer) -> None:
    (sonnet,) = tokens(reader, of_workspace(shared, "support-bot"))
    assert (sonnet["limits"][0]["value"], sonnet["limits"][0]["org_limit"]) == (3_500_000, 2_500_000)
    (opus,) = tokens(reader, of_workspace(shared, "research"))
    assert [(one["type"], one["org_limit"]) for one in opus["limits"]] == [("tokens_per_day", None)]


def test_the_default_workspace_has_no_overrides_and_an_unknown_one_is_404(reader: Any, shared: SandboxServer) -> None:
    assert tokens(reader, of_workspace(shared, "Default")) == []
    assert len(tokens(reader, of_workspace(shared, "Default"), ("include_inherited", "true"))) == 13
    assert reader.get("workspaces/wrkspc_nobody/rate_limits").status_code == 404


def test_the_newest_version_has_no_group_type(reader: Any, shared: SandboxServer) -> None:
    for path in ("rate_limits", of_workspace(shared, "search-prod")):
        old, new = (
            reader.get(path).json()["data"][0],
            reader.get(path, anthropic_version="2026-10-21").json()["data"][0],
        )
        assert set(old) - set(new) == {"group_type"}


def test_group_ids_are_the_same_in_every_organization_and_entry_ids_are_not(make_server: Any, read: Any) -> None:
    first, second = (read(make_server(seed=seed)).get("rate_limits").json()["data"] for seed in (7, 8))
    assert [one["group"]["id"] for one in first] == [one["group"]["id"] for one in second]
    assert {one["id"] for one in first}.isdisjoint(one["id"] for one in second)
    assert first[0]["group"]["id"].startswith("rlg_")


def test_limits_and_groups_change_as_days_pass(make_server: Any, read: Any) -> None:
    moment = [ANCHOR - timedelta(days=10)]
    server = make_server(now=lambda: moment[0])
    reader = read(server)

    def seen() -> tuple[int, list[str], int]:
        entries = tokens(reader, "rate_limits")
        opus = named(entries, "Claude Opus 5.x")
        sonnet = limits(named(entries, "Claude Sonnet 5.x"))["input_tokens_per_minute_cache_aware"]
        return limits(opus)["input_tokens_per_minute_cache_aware"], opus["models"], sonnet

    assert seen() == (2_000_000, ["claude-opus-5-5"], 2_500_000)
    moment[0] = ANCHOR
    assert seen() == (2_200_000, ["claude-opus-5", "claude-opus-5-5"], 2_500_000)
    moment[0] = ANCHOR + timedelta(days=2)
    assert seen() == (2_200_000, ["claude-opus-5", "claude-opus-5-5", "claude-opus-4-8"], 3_000_000)
    assert len(tokens(reader, of_workspace(server, "code-review"))) == 1
    moment[0] = ANCHOR + timedelta(days=5)
    assert tokens(reader, of_workspace(server, "code-review")) == []


def test_the_busiest_workspace_is_near_its_limits_at_its_busiest_minute(reader: Any, shared: SandboxServer) -> None:
    """search-prod on Wednesday the 18th: 66 % and 72 % of its Opus limits, 77 % of its Haiku limit."""
    workspace = shared.sandbox.directory.workspace_ids["search-prod"]
    asked = [("starting_at", "2026-11-18T00:00:00Z"), ("ending_at", "2026-11-19T00:00:00Z"), ("bucket_width", "1m")]
    asked += [("limit", "1440"), ("group_by[]", "model"), ("workspace_ids[]", workspace), ("speeds[]", "standard")]
    asked += [("service_tiers[]", "standard")]
    peaks: dict[str, tuple[int, int]] = {}
    for bucket in reader.buckets("usage_report/messages", asked, anthropic_beta="fast-mode-2026-02-01"):
        for row in bucket["results"]:
            inputs = row["uncached_input_tokens"] + sum(row["cache_creation"].values())
            before = peaks.get(row["model"], (0, 0))
            peaks[row["model"]] = max(before[0], inputs), max(before[1], row["output_tokens"])
    opus, haiku = (limits(one) for one in tokens(reader, of_workspace(shared, "search-prod")))
    shares = [
        peaks["claude-opus-5-5"][0] / opus["input_tokens_per_minute_cache_aware"],
        peaks["claude-opus-5-5"][1] / opus["output_tokens_per_minute"],
        peaks["claude-haiku-5-5"][0] / haiku["input_tokens_per_minute_cache_aware"],
    ]
    assert all(0.6 < share < 0.97 for share in shares), shares


def test_spend_limits_need_their_beta_header(reader: Any) -> None:
    status, sentence = reader.message("spend_limits")
    assert (status, SPEND_BETA in sentence) == (400, True)
    found = tokens(reader, "spend_limits", anthropic_beta=f"other-1, {SPEND_BETA}")
    assert [(one["scope"]["type"], one["period"], one["amount"]) for one in found] == [
        ("workspace", "daily", "5000"),
        ("workspace", "monthly", None),
        ("workspace", "weekly", "1500000"),
        ("workspace", "monthly", "25000000"),
        ("organization", "monthly", "45000000"),
        ("usage_tier", "monthly", "60000000"),
    ]
    assert [one["created_at"] for one in found] == sorted((one["created_at"] for one in found), reverse=True)
    assert found[0]["id"].startswith("spl_")
    assert found[5]["updated_at"] == found[5]["created_at"]


def test_spend_limits_are_filtered_by_the_scopes_that_apply(reader: Any, shared: SandboxServer) -> None:
    beta = {"anthropic_beta": SPEND_BETA}
    both = [("scope_type[]", "organization"), ("scope_type[]", "usage_tier")]
    assert len(tokens(reader, "spend_limits", *both, **beta)) == 2
    evals = shared.sandbox.directory.workspace_ids["evals"]
    assert [one["amount"] for one in tokens(reader, "spend_limits", ("workspace_id", evals), **beta)] == [None]
    assert len(tokens(reader, "spend_limits", ("limit", "4"), **beta)) == 6
    sentence = "scope_type: 'user' does not apply to this organization."
    assert reader.message("spend_limits", [("scope_type[]", "user")], **beta) == (400, sentence)
    assert reader.get("spend_limits", [("scope_type[]", "planet")], **beta).status_code == 400
    assert reader.get("spend_limits", [("scope_type", "organization")], **beta).status_code == 400


def test_a_key_that_reads_only_usage_is_403_everywhere_here(reader: Any, shared: SandboxServer) -> None:
    for path in (
        "rate_limits",
        of_workspace(shared, "search-prod"),
        "spend_limits",
        "invites",
        shared.url + "/v1/models",
    ):
        assert reader.get(path, x_api_key=shared.reduced_key, anthropic_beta=SPEND_BETA).status_code == 403


def test_the_report_of_rate_limits_does_not_exist(reader: Any) -> None:
    assert reader.get("usage_report/rate_limits").status_code == 404
    assert reader.get("workspaces/rate_limits").status_code == 404
    assert reader.get("rate_limits/rlim_1").status_code == 404


@pytest.mark.parametrize(("answer", "status"), [("missing", 404), ("forbidden", 403)])
def test_an_organization_can_lack_limits(
    make_server: Callable[..., SandboxServer], read: Any, answer: str, status: int
) -> None:
    server = make_server()
    order = {"rate_limits": answer, "spend_limits": answer, "models": answer}
    assert order.items() <= httpx.post(server.url + "/_sandbox/offer", json=order).json().items()
    reader = read(server)
    for path in ("rate_limits", of_workspace(server, "evals"), "spend_limits", server.url + "/v1/models"):
        found, sentence = reader.message(path, anthropic_beta=SPEND_BETA)
        assert found == status
        assert "organization" in sentence
    assert reader.get("users").status_code == 200


@pytest.mark.parametrize("order", [{"users": "missing"}, {"rate_limits": "gone"}, {"spend_limits": "old"}, []])
def test_a_switch_that_does_not_exist_is_refused(shared: SandboxServer, order: object) -> None:
    assert httpx.post(shared.url + "/_sandbox/offer", json=order).status_code == 400


def test_the_old_shape_has_no_ids_groups_or_sources(make_server: Any, read: Any) -> None:
    server = make_server()
    server.sandbox.offer.change(rate_limits="old")
    reader = read(server)
    first = reader.get("rate_limits").json()["data"][0]
    assert set(first) == {"type", "group_type", "models", "limits"}
    own = reader.get(of_workspace(server, "search-prod")).json()["data"][0]
    assert set(own) == {"type", "group_type", "models", "limits"}
    assert set(own["limits"][0]) == {"type", "value", "org_limit"}
    asked = [("include_inherited", "true")]
    assert reader.message(of_workspace(server, "evals"), asked)[1].startswith("include_inherited: Extra inputs")
    assert reader.get("rate_limits", [("limit", "5")]).status_code == 400
