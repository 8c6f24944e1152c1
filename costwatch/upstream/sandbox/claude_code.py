"""The Claude Code report: one UTC day of each person and key, with the vendor's estimate of what it cost."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from costwatch import clock
from costwatch.upstream.sandbox.biller import Terms, amounts, cents, list_rates
from costwatch.upstream.sandbox.buckets import DAY, HOUR, Span, next_page, seconds, text_of
from costwatch.upstream.sandbox.chance import draw, number_of
from costwatch.upstream.sandbox.history import EPOCH_ORDINAL, NOTHING, History
from costwatch.upstream.sandbox.organization import Directory, Object
from costwatch.upstream.sandbox.query import Query, Tokens, bad
from costwatch.upstream.sandbox.scenario import ROLL_OUT
from costwatch.upstream.sandbox.streams import Stream

PATH = "/v1/organizations/usage_report/claude_code"
SINGLE = ("starting_at", "limit", "page")
TERMINALS = ("vscode", "iTerm.app", "tmux", "WezTerm", "")
TOOLS = ("edit_tool", "multi_edit_tool", "write_tool", "notebook_edit_tool")
# Whose plan pays for the tokens: those are in no usage report. Place among the users, kind of subscription.
SUBSCRIBERS = ((3, "team"), (9, "enterprise"), (11, "team"), (16, "enterprise"), (18, None))
Meters = list[int]


@dataclass(frozen=True, slots=True)
class Who:
    """What makes a record one of its own."""

    actor: tuple[tuple[str, str], ...]
    customer_type: str
    subscription_type: str | None
    terminal_type: str
    is_remote: bool


class ClaudeCode:
    """What Claude Code did, a function of the organization's history: its workspace's usage, and what plans paid."""

    def __init__(self, history: History, directory: Directory, seed: int) -> None:
        self._history, self._directory, self._seed = history, directory, seed
        self._people: dict[str, Object] = {str(user["id"]): user for user in directory.users}
        self._key_names = {str(key["id"]): str(key["name"]) for key in directory.api_keys}

    def day(self, day: int, now: int) -> list[Object]:
        """The records of a day, the last hour before `now` withheld. Units: days and seconds since 1970."""
        found: dict[Who, dict[str, Meters]] = {}
        hours = min(24, (now - HOUR - day * DAY) // HOUR)
        if hours <= 0 or day < max(self._history.first_day, self._history.anchor_day + ROLL_OUT):
            return []
        for stream, counts in self._streams(day, hours):
            for who, part in self._divided(self._actor(stream), "api", None, stream.salt ^ day, counts):
                _add(found, who, stream.terms.model, part)
        for person, plan in SUBSCRIBERS:
            counts = self._subscribed(person, day, hours)
            actor = (("type", "user_actor"), ("email_address", str(self._directory.users[person]["email"])))
            for who, part in self._divided(actor, "subscription", plan, draw(self._seed, person, day, 31), counts):
                _add(found, who, "claude-opus-5-5" if person % 2 else "claude-sonnet-5-5", part)
        identity = str(self._directory.me["id"])
        return [_record(day, identity, who, found[who]) for who in sorted(found, key=repr)]

    def _streams(self, day: int, hours: int) -> Iterator[tuple[Stream, Meters]]:
        """What the workspace of Claude Code used in the first hours of a day."""
        workspace, sums = self._directory.workspace_ids["Claude Code"], dict[int, Meters]()
        for rows in self._history.hours(day)[:hours]:
            for number, counts in rows:
                if self._history.streams.all[number].place[1] == workspace:
                    before = sums.get(number, NOTHING)
                    sums[number] = [old + new for old, new in zip(before, counts, strict=True)]
        return ((self._history.streams.all[number], counts) for number, counts in sums.items())

    def _actor(self, stream: Stream) -> tuple[tuple[str, str], ...]:
        key, account = stream.place[0], stream.place[7]
        if key:
            return (("type", "api_actor"), ("api_key_name", self._key_names[key]))
        email = str(self._people[account]["email"]) if account else "unknown@example.com"
        return (("type", "user_actor"), ("email_address", email))

    def _subscribed(self, person: int, day: int, hours: int) -> Meters:
        bits = draw(self._seed, person, day, 32)
        if (day + 3) % 7 >= 5 and bits % 3:
            return [0] * 6
        tokens = (200_000 + bits % 4_000_000) * hours // 24
        return [tokens * share // 1000 for share in (40, 65, 0, 865, 30)] + [0]

    @staticmethod
    def _divided(
        actor: tuple[tuple[str, str], ...], customer: str, plan: str | None, bits: int, counts: Meters
    ) -> Iterator[tuple[Who, Meters]]:
        """A day's tokens over the places somebody worked at: a second terminal, a remote session."""
        first, second = TERMINALS[bits % 5], TERMINALS[(bits >> 8) % 5]
        shares = ((first, False, 6), (second, False, 3 if second != first else 0), (first, True, bits >> 16 & 1))
        total, done, rest = sum(share for _, _, share in shares), 0, list(counts)
        for terminal, is_remote, share in shares:
            done += share
            part = [count * done // total - (count - left) for count, left in zip(counts, rest, strict=True)]
            rest = [left - taken for left, taken in zip(rest, part, strict=True)]
            if any(part):
                yield Who(actor, customer, plan, terminal, is_remote), part


def answer(claude_code: ClaudeCode, tokens: Tokens, query: Query, now: int, trick: str = "") -> Object:
    """One page of the report; a trick changes it on purpose. Raises: Rejection."""
    text = query.one("starting_at")
    if text is None:
        raise bad("starting_at: Field required")
    try:
        day = seconds(clock.midnight(clock.day(text))) // DAY
    except ValueError:
        raise bad("starting_at: Input should be a valid date in the format YYYY-MM-DD") from None
    limit = query.limit(20, 1000)
    token = query.one("page")
    first = 0 if token is None else tokens.read(query, token)
    records = claude_code.day(day, now)
    more = first + limit if first + limit < len(records) else None
    has_more, next_token = next_page(query, tokens, Span(first, (), more), trick)
    return {"data": records[first : first + limit], "has_more": has_more, "next_page": next_token}


def _add(found: dict[Who, dict[str, Meters]], who: Who, model: str, counts: Meters) -> None:
    sums = found.setdefault(who, {}).setdefault(model, [0] * 6)
    for index, count in enumerate(counts):
        sums[index] += count


def _record(day: int, organization: str, who: Who, models: dict[str, Meters]) -> Object:
    bits = number_of(f"{day}/{who}")
    size = sum(sum(counts[:5]) for counts in models.values())
    record: Object = {
        "actor": dict(who.actor),
        "core_metrics": {
            "commits_by_claude_code": size // 3_000_000 + bits % 3,
            "lines_of_code": {"added": size // 9_000 + bits % 50, "removed": size // 21_000},
            "num_sessions": 1 + size // 1_500_000,
            "pull_requests_by_claude_code": size // 9_000_000,
        },
        "customer_type": who.customer_type,
        "date": text_of(day * DAY),
        "is_remote": who.is_remote,
        "model_breakdown": [_breakdown(day, model, counts) for model, counts in sorted(models.items())],
        "organization_id": organization,
        "terminal_type": who.terminal_type,
        "tool_actions": {
            tool: {"accepted": size // 100_000 // (place + 1), "rejected": (bits >> place) % 4}
            for place, tool in enumerate(TOOLS)
        },
    }
    if who.customer_type == "subscription":
        record["subscription_type"] = who.subscription_type
    return record


def _breakdown(day: int, model: str, counts: Meters) -> Object:
    uncached, five_minutes, one_hour, read, output, searches = counts
    rates = list_rates(Terms(model, "standard", "0-200k", "global", "standard"), day + EPOCH_ORDINAL)
    six = (uncached, five_minutes, one_hour, read, output, searches)
    estimate = cents(sum(amounts(six, rates[0])) if rates else 0)
    return {
        # A number, not a string: written digit by digit, so that nothing rounds it before it is on the wire.
        "estimated_cost": {"amount": msgspec.Raw(estimate.encode()), "currency": "USD"},
        "model": model,
        "tokens": {
            "cache_creation": five_minutes + one_hour,
            "cache_read": read,
            "input": uncached,
            "output": output,
        },
    }
