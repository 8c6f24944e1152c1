"""Who uses what: the scenario's parts spread over keys, as slots, and the report dimensions of what they send."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from costwatch.upstream.sandbox.biller import Terms, has_fast, list_rates, rates_in
from costwatch.upstream.sandbox.chance import number_of, tagged_id
from costwatch.upstream.sandbox.models import UNKNOWN_MODEL, Following, Model
from costwatch.upstream.sandbox.organization import Directory, Key
from costwatch.upstream.sandbox.scenario import TEAMS, Part, Team

DIMENSIONS = (
    "api_key_id",
    "workspace_id",
    "model",
    "service_tier",
    "context_window",
    "inference_geo",
    "speed",
    "account_id",
    "service_account_id",
)
# Work is sized at the prices of some weeks before the anchor, so that newer prices show as savings, not as growth.
VALUED_BEFORE = 70
Place = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Stream:
    """Usage that shares every report dimension. `place` follows DIMENSIONS; `salt` seeds its minutes."""

    number: int
    place: Place
    terms: Terms
    salt: int
    charged: bool
    long_prompt: bool


@dataclass(frozen=True, slots=True)
class Slot:
    """One part of a team on one key. Units: `tokens` on a weekday at the anchor; days from the anchor."""

    number: int
    team: Team
    part: Part
    api_key: str | None
    account: str | None
    service_account: str | None
    workspace: str | None
    begins: int
    ends: int
    tokens: int
    ramp: int


@lru_cache(maxsize=20_000)
def models_on(follows: Following, day: int) -> tuple[tuple[Model, float], ...]:
    """`Following.models_on`, remembered."""
    return follows.models_on(day)


def build_slots(directory: Directory, anchor_day: int, seed: int) -> tuple[Slot, ...]:
    """Every slot of the scenario. Units: `anchor_day` is a proleptic ordinal."""
    slots: list[Slot] = []
    for team in TEAMS:
        keys = directory.keys_of[team.name]
        workspace = None if team.name == "Default" else directory.workspace_ids[team.name]
        for part in team.parts:
            carriers = keys[part.first :: part.step] if part.caller == "key" else keys[:1]
            weights = [1 / (1 + place) for place in range(len(carriers))]
            pico = _pico_per_million(part, anchor_day - VALUED_BEFORE)
            for key, weight in zip(carriers, weights, strict=True):
                dollars = team.dollars * part.share / _shares(team) * weight / sum(weights)
                slots.append(_slot(len(slots), team, part, key, workspace, int(dollars * 10**18 / pico), seed))
    return tuple(slots)


def _shares(team: Team) -> int:
    """The shares that are spent at the anchor: parts that ended earlier are extra."""
    return sum(part.share for part in team.parts if part.ends is None) or sum(part.share for part in team.parts)


def _slot(number: int, team: Team, part: Part, key: Key, workspace: str | None, tokens: int, seed: int) -> Slot:
    is_key = part.caller == "key"
    begins = max(key.created, team.since) if is_key else team.since
    ends = key.ended if is_key else 100_000
    if part.begins is not None:
        begins = max(begins, part.begins)
    if part.ends is not None:
        ends = min(ends, part.ends)
    account = tagged_id("user", seed, str(9 + number % 8)) if part.caller in ("member", "console") else None
    if part.caller == "console" and number % 2:
        account = None
    service = tagged_id("svac", seed, "notebooks") if part.caller == "service" else None
    ramp = 1 if part.begins is not None or not is_key else 21
    return Slot(
        number,
        team,
        part,
        key.id if is_key else None,
        account,
        service,
        workspace,
        begins,
        ends,
        max(tokens, 1000),
        ramp,
    )


def _pico_per_million(part: Part, day: int) -> int:
    """What a million tokens of a part's mix cost on a day. Units: pico-dollars."""
    model = part.follows.model_at(day)
    day = max(day, model.launched.toordinal())
    if model.name == UNKNOWN_MODEL:
        rates = rates_in("private", model.name, day)
    else:
        found = list_rates(terms_of(part, model, day), day) or list_rates(Terms(model.name, "batch", "", "", ""), day)
        rates = found[1 if part.long_prompt else 0] if found else None
    if rates is None:
        raise LookupError(f"the sandbox has no rates for {model.name} on {date.fromordinal(day)}")
    mix = part.mix
    shares = (mix.uncached, mix.write_5m, mix.write_1h, mix.read, mix.output)
    return sum(share * rate for share, rate in zip(shares, rates, strict=True)) * 1000


def terms_of(part: Part, model: Model, day: int) -> Terms:
    """The dimensions a price depends on, as the report shows them for this model on this day."""
    geo = part.geo if model.geo else "not_available"
    fast = part.speed == "fast" and has_fast(model.name, day)
    return Terms(model.name, part.tier, part.window, geo, "fast" if fast else "standard")


def accepts(part: Part, model: Model, day: int) -> bool:
    """Whether a model took such requests on a day: long prompts are a matter of the model and the day."""
    if part.window == "0-200k":
        return True
    return model.long_until is not None and day < model.long_until.toordinal()


class Streams:
    """Interns streams, so that rows can name them by number."""

    def __init__(self) -> None:
        self.all: list[Stream] = []
        self._known: dict[tuple[int, Terms], Stream] = {}

    def of(self, slot: Slot, model: Model, day: int) -> Stream:
        """The stream of a slot that uses a model on a day."""
        return self.intern(slot, terms_of(slot.part, model, day))

    def intern(self, slot: Slot, terms: Terms) -> Stream:
        """The stream of a slot under given terms."""
        stream = self._known.get((slot.number, terms))
        if stream is None:
            stream = self._known[slot.number, terms] = self._make(slot, terms)
        return stream

    def _make(self, slot: Slot, terms: Terms) -> Stream:
        place = (
            slot.api_key,
            slot.workspace,
            terms.model,
            terms.service_tier,
            terms.context_window,
            terms.inference_geo,
            terms.speed,
            slot.account,
            slot.service_account,
        )
        salt = number_of(f"{slot.number}/{terms}")
        stream = Stream(len(self.all), place, terms, salt, slot.part.charged, slot.part.long_prompt)
        self.all.append(stream)
        return stream
