"""The lists of an organization: what it is, its workspaces, its API keys. No answer holds a secret."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from costwatch import clock
from costwatch.api import pages, parameters, questions, shapes
from costwatch.api.deadline import deadline
from costwatch.api.parameters import Parameter
from costwatch.api.routes import Route, answer
from costwatch.directory.models import DEFAULT_WORKSPACE, ApiKey, Kind, Organization, Reading, Workspace

Json = dict[str, Any]
Values = Mapping[str, Any]
WORKSPACE_STATUSES = {
    "active": Q(archived_at=None, gone_at=None),
    "archived": Q(archived_at__isnull=False, gone_at=None),
    "gone": Q(gone_at__isnull=False),
}
_ID = {"type": "string", "maxLength": parameters.LONGEST_TEXT}
ORGANIZATION = Parameter("organization_id", "Only of this organization.", parameters.text, _ID)
WORKSPACE = Parameter("workspace_id", "Only of this workspace.", parameters.text, _ID)


def _status(says: str, choices: tuple[str, ...]) -> Parameter:
    return Parameter("status", says, parameters.one_of(*choices), {"type": "string", "enum": list(choices)})


class Listing(Route):
    """A list by pages, oldest known first."""

    renderer_classes = (JSONRenderer,)
    tag = "Directory"

    @staticmethod
    def rows(values: Values) -> QuerySet[Any]:
        """The rows that parameters let through."""
        raise NotImplementedError

    @staticmethod
    def shown(row: Any) -> Json:
        """One row as it is answered."""
        raise NotImplementedError

    def get(self, request: Request) -> HttpResponse:
        """Answer with one page."""
        values = parameters.read(request, self.parameters)
        page = pages.page(self.operation, values)
        return answer(request, lambda: self._text(page, values))

    def _text(self, page: pages.Page, values: Values) -> bytes:
        with deadline():
            found = list(self.rows(values).filter(pk__gt=page.after or 0).order_by("pk")[: page.limit + 1])
        rows, cursor = page.cut(found, [row.pk for row in found])
        text: bytes = JSONRenderer().render({"data": [*map(self.shown, rows)], "next_cursor": cursor})
        return text


class One(Route):
    """One object of a list."""

    renderer_classes = (JSONRenderer,)
    tag = "Directory"
    parameters = (ORGANIZATION,)
    listing: ClassVar[type[Listing]]
    # The columns an id may stand in.
    named_by: ClassVar[tuple[str, ...]] = ("external_id",)

    def get(self, request: Request, id: str) -> HttpResponse:
        """Answer with the object. Raises: Http404; Refused where several organizations have the id."""
        values = parameters.read(request, self.parameters)
        if "\0" in id:
            raise Http404
        named = Q.create([(column, id) for column in self.named_by], connector=Q.OR)
        with deadline():
            found = list(self.listing.rows(values).filter(named)[:2])
        if not found:
            raise Http404
        if len(found) > 1:
            raise questions.refused("organization_id", _("Several organizations have this id. Say which one."))
        return answer(request, lambda: JSONRenderer().render(self.listing.shown(found[0])))


class Organizations(Listing):
    """The organizations that are read."""

    operation = "organizations"
    parameters = pages.PARAMETERS
    content = shapes.listed("Organization")

    @staticmethod
    def rows(values: Values) -> QuerySet[Any]:
        """Every organization."""
        return Organization.objects.all()

    @staticmethod
    def shown(row: Organization) -> Json:
        """An organization."""
        since = row.history_since.isoformat() if row.history_since else None
        return {"id": row.external_id, "name": row.name, "created_at": _time(row.created_at), "history_since": since}


class Workspaces(Listing):
    """The workspaces, also archived and deleted ones: what they spent remains."""

    operation = "workspaces"
    parameters = (
        ORGANIZATION,
        _status("`gone` is no longer listed by Anthropic.", tuple(WORKSPACE_STATUSES)),
        *pages.PARAMETERS,
    )
    content = shapes.listed("Workspace")

    @staticmethod
    def rows(values: Values) -> QuerySet[Any]:
        """The workspaces of an organization or of a status."""
        rows = _of_organization(_with_reading(Workspace.objects.select_related("organization"), Kind.WORKSPACE), values)
        return rows.filter(WORKSPACE_STATUSES[values["status"]]) if "status" in values else rows

    @staticmethod
    def shown(row: Workspace) -> Json:
        """A workspace. Its id is the one reports have: `default` for the default workspace."""
        return {
            "id": row.key,
            "external_id": row.external_id,
            "organization_id": row.organization.external_id,
            "name": row.name,
            "status": "gone" if row.gone_at else "archived" if row.archived_at else "active",
            "created_at": _time(row.created_at),
            "archived_at": _time(row.archived_at),
            "display_color": row.display_color,
            "data_residency": row.data_residency,
            "tags": row.tags,
            **_seen(row),
        }


class ApiKeys(Listing):
    """The API keys, without their secrets, which are not known here."""

    operation = "keys"
    parameters = (
        ORGANIZATION,
        WORKSPACE,
        _status("As Anthropic says it.", shapes.KEY_STATUSES),
        *pages.PARAMETERS,
    )
    content = shapes.listed("ApiKey")

    @staticmethod
    def rows(values: Values) -> QuerySet[Any]:
        """The keys of an organization, of a workspace or of a status."""
        rows = _of_organization(_with_reading(ApiKey.objects.select_related("organization"), Kind.API_KEY), values)
        if "workspace_id" in values:
            rows = rows.filter(_in_workspace(values["workspace_id"]))
        return rows.filter(status=values["status"]) if "status" in values else rows

    @staticmethod
    def shown(row: ApiKey) -> Json:
        """A key. Its workspace is named as in reports; it is null for a key of the whole organization."""
        return {
            "id": row.external_id,
            "organization_id": row.organization.external_id,
            "workspace_id": row.workspace_key or None,
            "name": row.name,
            "status": row.status,
            "hint": row.partial_key_hint,
            "created_by": row.created_by or None,
            "created_at": _time(row.created_at),
            "expires_at": _time(row.expires_at),
            **_seen(row),
        }


class OneWorkspace(One):
    """A workspace, by its id or `default`."""

    operation = "workspace"
    listing = Workspaces
    named_by = ("key", "external_id")
    content = shapes.json_of("Workspace")


class OneApiKey(One):
    """An API key."""

    operation = "key"
    listing = ApiKeys
    content = shapes.json_of("ApiKey")


def _of_organization(rows: QuerySet[Any], values: Values) -> QuerySet[Any]:
    wanted = values.get("organization_id")
    return rows if wanted is None else rows.filter(organization__external_id=wanted)


def _in_workspace(wanted: str) -> Q:
    """The keys of a workspace. As in reports, the default workspace's real id is accepted for `default`."""
    whose = Workspace.objects.filter(key=DEFAULT_WORKSPACE, external_id=wanted).values("organization")
    return Q(workspace_key=wanted) | Q(workspace_key=DEFAULT_WORKSPACE, organization__in=whose)


def _with_reading(rows: QuerySet[Any], kind: Kind) -> QuerySet[Any]:
    """Rows with the time their kind was last read: what is listed is not written to for being seen again."""
    reading = Reading.objects.filter(organization=OuterRef("organization"), kind=kind)
    with_reading: QuerySet[Any] = rows.annotate(read_at=Subquery(reading.values("last_read_at")[:1]))
    return with_reading


def _seen(row: Any) -> Json:
    listed_at = None if row.gone_at else row.read_at
    return {"last_seen_at": _time(max(row.last_seen_at, listed_at or row.last_seen_at)), "gone_at": _time(row.gone_at)}


def _time(moment: datetime | None) -> str | None:
    return clock.rfc3339(moment) if moment else None
