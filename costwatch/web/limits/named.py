"""What workspaces, keys and models are called on a page, looked up once for all of it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from costwatch.directory.models import CONSOLE_KEY, ApiKey, Organization
from costwatch.insights.limits.flows import Flow, Part
from costwatch.web import names


@dataclass(frozen=True, slots=True)
class Named:
    """Names of workspaces, keys and models, by their keys."""

    workspaces: Mapping[str, str]
    keys: Mapping[str, str]
    models: Mapping[str, str]

    def workspace(self, key: str) -> str:
        """A workspace, or the organization."""
        return self.workspaces.get(key, names.visible(key)) if key else _("Organization")

    def key(self, api_key_id: str) -> str:
        """An API key."""
        if api_key_id == CONSOLE_KEY:
            return _("No API key")
        return names.visible(self.keys.get(api_key_id, api_key_id), api_key_id)

    def model(self, value: str) -> str:
        """A model."""
        return self.models.get(value) or names.model(value).label

    def part(self, part: Part) -> str:
        """Whose use is meant."""
        parts = [self.workspace(part.workspace_key), self.key(part.api_key_id) if part.api_key_id else _("all keys")]
        return " · ".join([*parts, self.model(part.model)] if part.model else parts)


def named(organization: Organization, keys: Collection[str] = (), models: Collection[str] = ()) -> Named:
    """The names of every workspace, and of some keys and models."""
    rows = ApiKey.objects.filter(organization=organization, external_id__in=keys)
    return Named(
        names.labels(organization),
        dict(rows.values_list("external_id", "name")) if keys else {},
        {value: one.label for value, one in names.models(models).items()} if models else {},
    )


def named_of(organization: Organization, flows: Iterable[Flow]) -> Named:
    """The names that are needed to speak of some flows."""
    found = [(flow.api_key_id, flow.model) for flow in flows]
    return named(organization, {key for key, _model in found}, {model for _key, model in found})
