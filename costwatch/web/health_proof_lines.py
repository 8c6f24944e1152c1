"""The proofs on Data health in words: control totals, nightly proofs, and lists that cannot be had."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from costwatch.insights.health_failures import told
from costwatch.insights.health_proofs import ClosedPart, ControlTotals, Proof
from costwatch.web import names
from costwatch.web.health_words import shown
from costwatch.web.moments import span, when


@dataclass(frozen=True, slots=True)
class ProofLine:
    """One thing that was compared."""

    what: str
    mark: str
    icon: str
    said: str
    detail: str


@dataclass(frozen=True, slots=True)
class PartLine:
    """One list that cannot be had, with the vendor's sentence."""

    what: str
    reason: str
    request: str


def proof_lines(totals: list[ControlTotals], proofs: list[Proof]) -> list[ProofLine]:
    """Control totals first, then the nightly proofs."""
    return [*map(_totals, totals), *map(_proof, proofs)]


def _totals(one: ControlTotals) -> ProofLine:
    units = _("hours") if one.source == "usage" else _("days")
    of = {"matching": f"{one.matching:,}", "compared": f"{one.compared:,}", "units": units}
    said = _("%(matching)s of %(compared)s %(units)s match") % of
    what = _("%(source)s: the vendor's own totals") % {"source": names.source(one.source)}
    if one.first is None or one.last is None:
        return ProofLine(what, "ok", "check", said, "")
    return ProofLine(
        what, "warn", "warn", said, _("those between %(span)s do not") % {"span": span(one.first, one.last)}
    )


def _proof(one: Proof) -> ProofLine:
    words = {
        "facts": _("Hours add up to their days, for every series"),
        "groups": _("Series add up to the groups that pages show"),
        "months": _("Days add up to their months"),
        "groupings": _("Every grouping adds up to the total"),
        "exports": _("Exports, read back, add up to the total"),
        "minutes": _("Sixty minutes are their hour, for every key and model"),
    }
    said = _("%(count)s compared, %(time)s") % {"count": f"{one.compared:,}", "time": when(one.checked_at)}
    if one.ok:
        return ProofLine(words.get(one.name, one.name), "ok", "check", said, "")
    return ProofLine(words.get(one.name, one.name), "danger", "fire", said, shown(one.detail))


def part_lines(parts: list[ClosedPart]) -> list[PartLine]:
    """What cannot be had of lists."""
    lists = {
        "organization": _("Organization"),
        "invites": _("Invites"),
        "workspace_members": _("Workspace members"),
        "service_accounts": _("Service accounts"),
        "models": _("Models"),
        "rate_limits": _("Rate limits"),
        "spend_limits": _("Spend limits"),
    }
    made = []
    for one in parts:
        why, request = told(one.reason)
        made.append(PartLine(lists.get(one.name, one.name), shown(why), request))
    return made
