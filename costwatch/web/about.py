"""What is known of a workspace besides money."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from costwatch.directory.models import Workspace
from costwatch.insights import display
from costwatch.web.names import is_default, visible


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and its values."""

    name: str
    values: tuple[str, ...]
    mono: bool = False


def about(key: str, row: Workspace | None) -> list[Fact]:
    """The facts of a workspace that there are."""
    if row is None:
        return [Fact(_("Id"), (visible(key),), mono=True), Fact(_("Known from"), (_("the reports only"),))]
    facts = [Fact(_("Id"), (visible(row.external_id),), mono=True)]
    if is_default(key):
        facts.append(Fact(_("Kind"), (_("the default workspace; reports name it by no id"),)))
    if row.created_at:
        facts.append(Fact(_("Created"), (display.day(row.created_at.date()),)))
    if row.archived_at:
        facts.append(Fact(_("Archived"), (display.day(row.archived_at.date()),)))
    facts += [Fact(name, values) for name, values in _residency(row.data_residency)]
    tags = _tags(row.tags)
    if tags:
        facts.append(Fact(_("Tags"), tags))
    return facts


def _residency(given: object) -> list[tuple[str, tuple[str, ...]]]:
    words = {
        "workspace_geo": _("Data stays"),
        "allowed_inference_geos": _("Inference allowed"),
        "default_inference_geo": _("Inference default"),
    }
    if not isinstance(given, dict):
        return []
    return [(label, _texts(given[key])) for key, label in words.items() if given.get(key)]


def _texts(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(visible(str(one)) for one in values)


def _tags(given: object) -> tuple[str, ...]:
    if not isinstance(given, dict):
        return ()
    return tuple(f"{visible(str(key))}: {visible(str(value))}" for key, value in sorted(given.items()))
