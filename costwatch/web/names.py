"""What things are called on pages: workspaces, models, token kinds, cost types, and the series they are drawn as."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from costwatch.directory.colours import SLOTS
from costwatch.directory.models import DEFAULT_WORKSPACE, Organization, Workspace
from costwatch.ingest import availability
from costwatch.insights.drawn import OTHER
from costwatch.ledger.models import ReportedSeries, Series
from costwatch.ledger.prices import in_force as price_table
from pricing.schema import Model
from pricing.table import PriceTable

METER_SLOT, OLDER_SLOT = 6, 5
FAMILY_SLOTS = {"Opus": 1, "Sonnet": 2, "Haiku": 3, "Fable": 4, "Mythos": 4}
KINDS = {
    "uncached_input_tokens": (1, gettext_lazy("Uncached input")),
    "ephemeral_5m_input_tokens": (2, gettext_lazy("Cache writes, 5 minutes")),
    "ephemeral_1h_input_tokens": (3, gettext_lazy("Cache writes, 1 hour")),
    "cache_read_input_tokens": (4, gettext_lazy("Cache reads")),
    "output_tokens": (5, gettext_lazy("Output")),
    "(web_search)": (6, gettext_lazy("Web searches")),
}
COST_TYPES = {
    "(web_search)": gettext_lazy("Web searches"),
    "(code_execution)": gettext_lazy("Code execution"),
    "(session_usage)": gettext_lazy("Sessions"),
    "(file_storage)": gettext_lazy("File storage"),
    "(tokens)": gettext_lazy("Tokens without a model"),
    "(other)": gettext_lazy("Other lines"),
}
SOURCES = {
    "usage": gettext_lazy("Usage report"),
    "minutes": gettext_lazy("Usage, minutes"),
    "cost": gettext_lazy("Cost report"),
    "directory": gettext_lazy("Workspaces, keys and people"),
    "limits": gettext_lazy("Rate and spend limits"),
    "analytics": gettext_lazy("Usage and cost analytics"),
    "analytics_usage": gettext_lazy("Usage analytics"),
    "analytics_cost": gettext_lazy("Cost analytics"),
    "claude_code": gettext_lazy("Claude Code"),
}
_VERSION = re.compile(r"([0-9]+)(?:\.([0-9]+))?")


@dataclass(frozen=True, slots=True)
class Called:
    """A thing's name as text, its colour slot, its address, and its id."""

    key: str
    label: str
    slot: int
    href: str = ""


def visible(text: str, key: str = "") -> str:
    """A name whose control, direction and zero-width characters can be seen; an empty one shows the id."""
    # What is printable holds none of the letters that are escaped, and nearly every name is.
    shown = text if text.isprintable() else "".join(_escape(letter) for letter in text)
    if shown.strip():
        return shown
    return _("(unnamed) %(id)s") % {"id": "".join(_escape(letter) for letter in key)}


def _escape(letter: str) -> str:
    # Joiners are part of emoji and of scripts, and change nothing about the order of the text; the rest deceives.
    category = unicodedata.category(letter)
    if category in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") and letter != "\u200d":
        code = ord(letter)
        return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return letter


def workspaces(organization: Organization) -> dict[str, Called]:
    """Every workspace by the key facts use."""
    rows = Workspace.objects.filter(organization=organization)
    return {row.key: Called(row.key, visible(row.name, row.key), row.slot or 0, workspace_url(row.key)) for row in rows}


def labels(organization: Organization) -> dict[str, str]:
    """What every workspace is called, by the key facts use."""
    rows = Workspace.objects.filter(organization=organization).values_list("key", "name")
    return {key: visible(name, key) for key, name in rows}


def workspace(key: str, known: dict[str, Called]) -> Called:
    """One workspace, also when only a report names it."""
    return known.get(key) or Called(key, visible(key) if key else _("No workspace"), 0, workspace_url(key))


def workspace_url(key: str) -> str:
    """The address of a workspace's page."""
    return reverse("workspace", args=[key]) if key else ""


def is_known(organization: Organization, key: str) -> bool:
    """Whether the organization has, or a report names, a workspace."""
    return (
        Workspace.objects.filter(organization=organization, key=key).exists()
        or Series.objects.filter(organization=organization, workspace_id=key).exists()
        or ReportedSeries.objects.filter(organization=organization, workspace_id=key).exists()
    )


def model(value: str) -> Called:
    """A model by the id reports use, or a reported line without one."""
    return models([value])[value]


def models(values: Iterable[str]) -> dict[str, Called]:
    """Several models; the table that names them is asked for once."""
    table = price_table()
    return {value: _model(value, table) for value in values}


def _model(value: str, table: PriceTable) -> Called:
    if value in COST_TYPES or (value.startswith("(") and value.endswith(")")):
        return Called(value, str(COST_TYPES.get(value, value[1:-1])), METER_SLOT)
    found = table.model(value)
    if found is None:
        return Called(value, visible(value) if value else _("No model"), OLDER_SLOT)
    return Called(value, found.display_name, _family_slot(found, table))


def _family_slot(found: Model, table: PriceTable) -> int:
    """The family's colour for its newest generation; older ones share a colour of their own."""
    slot = FAMILY_SLOTS.get(found.family, OLDER_SLOT)
    alike = [one for one in table.models() if one.family == found.family]
    return slot if _generation(found) >= max(map(_generation, alike)) else OLDER_SLOT


def _generation(one: Model) -> int:
    match = _VERSION.search(one.display_name)
    return int(match[1]) if match else 0


def token_kind(value: str) -> Called:
    """A token kind, or a reported line that is not about tokens."""
    slot, label = KINDS.get(value, (0, COST_TYPES.get(value, value.strip("()") or gettext_lazy("Other lines"))))
    return Called(value, str(label), slot)


def source(name: str) -> str:
    """A source of data."""
    return str(SOURCES.get(name, name))


def closed(reason: str) -> str:
    """Why a source is not read."""
    return _("not there for this organization") if availability.is_absent(reason) else _("not open to this key")


def coloured(organization: Organization, ranked: Iterable[str], by_use: bool) -> dict[str, Called]:
    """Every workspace with its colour.

    Colours are given by reported cost and stay. Where there is none to go by (`by_use`, or no colour is given yet), the
    dearest of `ranked` take the free ones for this page.
    """
    known = workspaces(organization)
    taken = {one.slot for one in known.values() if one.slot}
    if taken and not by_use:
        return known
    free = [slot for slot in range(1, SLOTS + 1) if slot not in taken]
    plain = [key for key in ranked if not workspace(key, known).slot]
    return known | {key: replace(workspace(key, known), slot=slot) for key, slot in zip(plain, free, strict=False)}


def series(
    breakdown: str, values: Sequence[str], organization: Organization, by_use: bool = False
) -> dict[str, Called]:
    """The series each value of a breakdown is drawn as; values without one go under Other.

    Shape: `values` come dearest first; `by_use` as in `coloured`.
    """
    if breakdown == "workspace":
        known = coloured(organization, values, by_use)
        return {value: known[value] for value in values if value in known and known[value].slot}
    if breakdown == "token_type":
        return {value: called for value in values if (called := token_kind(value)).slot}
    made = models(values)
    slots: dict[int, list[Called]] = {}
    for called in made.values():
        slots.setdefault(called.slot, []).append(called)
    return {value: _of_slot(called, slots[called.slot]) for value, called in made.items()}


def _of_slot(called: Called, alike: list[Called]) -> Called:
    """Models of one colour are one series: two of them could not be told apart."""
    if len(alike) == 1:
        return Called(called.key, called.label, called.slot)
    names = {1: _("Opus"), 2: _("Sonnet"), 3: _("Haiku"), 4: _("Fable and Mythos")}
    if called.slot in names:
        label = ngettext("%(family)s, %(count)d model", "%(family)s, %(count)d models", len(alike))
        return Called(f"slot-{called.slot}", label % {"family": names[called.slot], "count": len(alike)}, called.slot)
    if called.slot == METER_SLOT:
        return Called(f"slot-{called.slot}", _("Searches, code, sessions"), called.slot)
    text = ngettext("%(count)d older or unknown model", "%(count)d older or unknown models", len(alike))
    return Called(f"slot-{called.slot}", text % {"count": len(alike)}, called.slot)


def other(count: int) -> Called:
    """The grey series of what has none of its own."""
    return Called(OTHER, _("Other (%(count)d)") % {"count": count}, 0)


def is_default(key: str) -> bool:
    """Whether a key names the default workspace."""
    return key == DEFAULT_WORKSPACE
