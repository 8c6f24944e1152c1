"""What the sandbox organization does: its teams, what they run, and what happened to them.

Everything here is data. Days of events are offsets from the anchor day, so that the same anchor tells the same story.
"""

from dataclasses import dataclass

from costwatch.upstream.sandbox.models import Following

LAUNCH, INCIDENT, MIGRATION, CACHE_FIX = -10, -16, -17, -20
ADJUSTMENT, ODD_LINES, ARCHIVED, ROLL_OUT = -14, -12, -75, -200

LATE, PROMPT, SLOW = 40, 8, 60
OPUS, OPUS_SLOW = Following("opus", 16), Following("opus", SLOW, 14)
SONNET, SONNET_SLOW = Following("sonnet", 14), Following("sonnet", LATE, 14)
HAIKU, HAIKU_SLOW = Following("haiku", PROMPT), Following("haiku", SLOW, 20)
FABLE, LYNX = Following("fable", 2, 5), Following("lynx")
PINNED_SONNET = Following("sonnet", pinned="claude-sonnet-4-5-20250929")


@dataclass(frozen=True, slots=True)
class Mix:
    """How tokens divide. Units: per mille of all tokens; searches per million tokens."""

    uncached: int
    write_5m: int
    write_1h: int
    read: int
    output: int
    searches: int = 0


CACHE_RICH = Mix(110, 35, 15, 790, 50)
CACHE_SOME = Mix(320, 50, 0, 610, 20)
CACHE_GOOD = Mix(140, 40, 10, 780, 30)
CACHE_POOR = Mix(930, 0, 0, 0, 70)
REVIEWING = Mix(160, 30, 20, 760, 30)
CODING = Mix(40, 20, 45, 865, 30)
SEARCHING = Mix(700, 30, 0, 180, 90, 60)
WRITING = Mix(600, 20, 0, 130, 250)
BULK = Mix(880, 20, 0, 40, 60)


@dataclass(frozen=True, slots=True)
class Part:
    """A share of a team's spend that looks alike in the report; carried by keys `first`, `first + step`, ..."""

    follows: Following
    share: int
    mix: Mix
    tier: str = "standard"
    geo: str = "global"
    window: str = "0-200k"
    speed: str = "standard"
    first: int = 0
    step: int = 1
    begins: int | None = None
    ends: int | None = None
    shape: str = ""
    every: int = 1
    caller: str = "key"
    charged: bool = True
    long_prompt: bool = False


@dataclass(frozen=True, slots=True)
class Team:
    """A workspace and its work. Units: `dollars` on a weekday near the anchor; `weekend` in per cent of a weekday."""

    name: str
    dollars: int
    shape: str
    weekend: int
    keys: int
    parts: tuple[Part, ...]
    color: str
    since: int = -900


TEAMS = (
    Team(
        "search-prod",
        7800,
        "always",
        62,
        8,
        (
            Part(OPUS, 670, CACHE_RICH),
            Part(HAIKU, 105, CACHE_POOR, step=2),
            Part(OPUS, 110, CACHE_RICH, geo="us", first=1, step=3),
            Part(OPUS, 60, CACHE_RICH, speed="fast", first=2, step=4),
            Part(HAIKU, 25, CACHE_POOR, long_prompt=True, first=2, step=4),
            Part(SONNET, 30, CACHE_RICH, tier="priority", first=0, step=8),
        ),
        "#2C3E91",
    ),
    Team(
        "support-bot",
        3700,
        "daylight",
        58,
        7,
        (
            Part(SONNET, 700, CACHE_RICH),
            Part(HAIKU, 150, CACHE_RICH, first=1, step=2),
            Part(PINNED_SONNET, 75, CACHE_GOOD, first=6, step=7),
            Part(SONNET, 50, CACHE_RICH, tier="priority_on_demand", first=0, step=7),
            Part(SONNET, 12, CACHE_POOR, charged=False, first=3, step=7, every=2),
        ),
        "#B0851F",
    ),
    Team(
        "code-review",
        2800,
        "office",
        12,
        7,
        (
            Part(OPUS, 620, CACHE_SOME, ends=CACHE_FIX),
            Part(OPUS, 520, REVIEWING, begins=CACHE_FIX),
            Part(SONNET, 200, CACHE_GOOD, step=2),
            Part(OPUS, 100, CODING, window="200k-1M", first=1, step=3),
            Part(OPUS, 40, CODING, speed="fast", first=0, step=7),
            Part(OPUS, 15, CODING, speed="fast", window="200k-1M", first=0, step=7),
        ),
        "#2F7D63",
    ),
    Team(
        "research",
        1450,
        "office",
        25,
        6,
        (
            Part(FABLE, 420, SEARCHING, step=2),
            Part(OPUS, 330, SEARCHING),
            Part(SONNET, 60, SEARCHING, window="200k-1M", first=1, step=3),
            Part(LYNX, 60, WRITING, begins=-38, first=2, step=6, every=2),
            Part(OPUS, 50, SEARCHING, caller="service", shape="sparse"),
        ),
        "#7A2A57",
    ),
    Team(
        "nightly-batch",
        1000,
        "night",
        100,
        4,
        (
            Part(HAIKU_SLOW, 420, BULK, tier="batch"),
            Part(SONNET, 450, BULK, tier="batch", step=2),
            Part(HAIKU, 60, BULK, tier="batch", geo="us", first=1, step=4),
            Part(HAIKU, 1, BULK, tier="flex", first=3, step=4, begins=-6, every=2),
        ),
        "#3584C8",
    ),
    Team(
        "evals",
        620,
        "bursts",
        45,
        5,
        (
            Part(SONNET, 500, CACHE_POOR, ends=MIGRATION),
            Part(OPUS, 900, CACHE_POOR, begins=MIGRATION),
            Part(FABLE, 100, CACHE_POOR, tier="batch", shape="night", step=3),
        ),
        "#5A4F12",
    ),
    Team(
        "Default",
        400,
        "daylight",
        60,
        4,
        (
            Part(SONNET_SLOW, 500, CACHE_POOR),
            Part(HAIKU_SLOW, 200, CACHE_GOOD, step=2),
            Part(OPUS, 200, WRITING, caller="console", shape="office"),
            Part(SONNET, 60, WRITING, caller="member", shape="sparse", every=2),
        ),
        "#8A93A3",
    ),
    Team(
        "Claude Code",
        330,
        "office",
        20,
        4,
        (Part(OPUS, 700, CODING), Part(SONNET, 300, CODING, caller="member")),
        "#D97757",
        since=ROLL_OUT,
    ),
    Team("docs-assistant", 60, "daylight", 55, 3, (Part(SONNET_SLOW, 1000, CACHE_GOOD),), "#6B7A8F"),
    Team(
        "playground",
        26,
        "sparse",
        15,
        4,
        (Part(OPUS_SLOW, 600, WRITING, every=2), Part(HAIKU_SLOW, 400, WRITING, every=3)),
        "#9AA3AF",
    ),
    Team(
        "<script>alert(\"costwatch\")</script> R&D 'Ω' 🚀",
        45,
        "office",
        5,
        4,
        (Part(SONNET, 700, CACHE_POOR, every=2), Part(HAIKU, 300, CACHE_POOR)),
        "#444B57",
        since=-160,
    ),
    Team("legacy-importer", 240, "night", 100, 3, (Part(SONNET_SLOW, 1000, BULK, ends=ARCHIVED),), "#B4B4B4"),
)

_DAYLIGHT = (8, 6, 5, 5, 6, 10, 22, 45, 70, 88, 95, 92, 84, 90, 98, 100, 96, 88, 74, 60, 46, 32, 20, 12)
_ALWAYS = (46, 42, 40, 39, 41, 46, 54, 64, 76, 86, 92, 94, 92, 96, 100, 100, 98, 94, 88, 80, 72, 64, 56, 50)
_OFFICE = (0, 0, 0, 0, 0, 0, 6, 35, 78, 96, 100, 84, 52, 80, 98, 92, 74, 48, 20, 6, 0, 0, 0, 0)
_NIGHT = (80, 100, 96, 70, 34, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12)
# A retry storm: for three hours the bot sent several times its usual traffic.
_STORM = (8, 6, 5, 5, 6, 10, 22, 45, 70, 88, 95, 92, 110, 480, 620, 540, 120, 88, 74, 60, 46, 32, 20, 12)
CURVES: dict[str, tuple[int, ...]] = {
    "always": _ALWAYS,
    "daylight": _DAYLIGHT,
    "office": _OFFICE,
    "night": _NIGHT,
    "storm": _STORM,
    # Bursts and sparse usage draw their hours out of a flat day.
    "bursts": (60,) * 24,
    "sparse": (0,) * 7 + (50,) * 14 + (0,) * 3,
}
HOURS_DRAWN = {"bursts": 7, "sparse": 4}


def level(team: Team, offset: int, weekday: int) -> float:
    """How much of its anchor-day work a team does on a day: growth, the week, and events."""
    growth = min(2.0, max(0.12, 1.0 + offset * 0.0020))
    week = team.weekend / 100 if weekday >= 5 else (0.97, 1.02, 1.04, 1.0, 0.93)[weekday]
    event = 1.0
    if team.name == "search-prod" and offset >= LAUNCH:
        event = 1.36
    if team.name == "support-bot" and offset == INCIDENT:
        event = 2.3
    return growth * week * event


def shape_of(team: Team, part: Part, offset: int) -> str:
    """The hour curve of a part on a day."""
    if team.name == "support-bot" and offset == INCIDENT:
        return "storm"
    return part.shape or team.shape
