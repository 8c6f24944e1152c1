"""What the workspaces and keys of some flows are called."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from costwatch.directory.models import ApiKey, Organization
from costwatch.insights.limits.flows import Flow, Part
from costwatch.web import names
from costwatch.web.limits.rows import key_name


@dataclass(frozen=True, slots=True)
class Named:
    """Names of workspaces and keys, by their keys."""

    workspaces: Mapping[str, str]
    keys: Mapping[str, str]

    def workspace(self, key: str) -> str:
        """A workspace, or the organization."""
        return self.workspaces.get(key, names.visible(key)) if key else _("Organization")

    def key(self, api_key_id: str) -> str:
        """An API key."""
        return key_name(api_key_id, self.keys)

    def part(self, part: Part) -> str:
        """Whose use is meant."""
        parts = [self.workspace(part.workspace_key), self.key(part.api_key_id) if part.api_key_id else _("all keys")]
        return " · ".join([*parts, names.model(part.model).label] if part.model else parts)


def named(organization: Organization, flows: Iterable[Flow]) -> Named:
    """The names that are needed to speak of some flows."""
    keys = ApiKey.objects.filter(organization=organization, external_id__in={flow.api_key_id for flow in flows})
    return Named(
        {key: one.label for key, one in names.workspaces(organization).items()},
        dict(keys.values_list("external_id", "name")),
    )
