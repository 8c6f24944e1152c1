"""Whether the workspaces that an address of the Limits pages names are there at all."""

from collections.abc import Iterable

from django.http import Http404
from django.utils.translation import gettext as _

from costwatch.directory.models import Organization
from costwatch.web import names
from costwatch.web.limits.asked import Asked


def refuse_unknown(organization: Organization, asked: Asked, known: Iterable[str] = ()) -> None:
    """Let nothing be said of a workspace that the organization does not have.

    Some that it has may be `known`; of others it is looked up. Raises: Http404.
    """
    whose = {asked.workspace, asked.line.workspace_key if asked.line else ""} - {"", *known}
    if not all(names.is_known(organization, one) for one in whose):
        raise Http404(_("There is no workspace with this id."))
