"""Data health in words: the verdict, and what is wrong with what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from costwatch import clock
from costwatch.ingest import availability
from costwatch.ingest.models import State
from costwatch.ingest.sources import BASIS, NEEDED
from costwatch.insights import display
from costwatch.insights.coverage_calendar import Calendar
from costwatch.insights.health import Backfill, Problem, SourceHealth
from costwatch.insights.health_proofs import ControlTotals
from costwatch.role import BEAT
from costwatch.web import names
from costwatch.web.moments import length, span, when

LONGEST = 300
# How the client begins what the vendor said to a key it does not accept.
REFUSED = "401 "


@dataclass(frozen=True, slots=True)
class Lead:
    """The verdict, and the small print under it."""

    verdict: SafeString
    meta: list[str]
    level: str


@dataclass(frozen=True, slots=True)
class ProblemLine:
    """A row of what is wrong."""

    kind: str
    level: str
    icon: str
    what: str
    since: str
    why: str
    request: str
    do: str
    about: str = ""


def lead(
    found: list[SourceHealth],
    wrong: list[Problem],
    cover: Calendar,
    reading: Backfill | None,
    totals: Sequence[ControlTotals] = (),
) -> Lead:
    """What a person must know first: up to when all is there, or what is wrong, since when and why."""
    stops = [one for one in wrong if one.level == "danger"]
    # What stopped first is why the rest is missing too; sums that do not add up stop nothing.
    never = datetime.min.replace(tzinfo=UTC)
    worst = min(stops, key=lambda one: (one.kind == "unproved", _is_aside(one), one.since or never), default=None)
    late = next((one for one in reversed(found) if one.state == "late"), None)
    through = _complete_to(found)
    if worst and worst.kind == "unproved":
        found_at = _("found at %(time)s") % {"time": when(worst.since)}
        begins = format_html('<strong class="over">{}</strong>: {}', _("Sums do not add up"), found_at)
    elif worst and through and _is_aside(worst):
        begins = format_html(
            _('Complete to <strong>{}</strong>, but <strong class="over">{}</strong>'), through, _sentence(worst)
        )
    elif worst:
        begins = format_html('<strong class="over">{}</strong>: {}', _stopped(worst), _sentence(worst))
    elif late:
        said = _("%(source)s was last read at %(time)s") % {
            "source": names.source(late.source),
            "time": when(late.last_success),
        }
        begins = format_html('<strong class="unknown">{}</strong>: {}', _("Late"), said)
    elif through:
        begins = format_html(_("Complete to <strong>{}</strong>"), through)
    else:
        begins = format_html("{}", _("Nothing is read yet"))
    parts = [_days_read(reading)] if reading else []
    if through and (cover.gaps or not reading):
        # Behind a stop, and behind what is late, everything is missing.
        stands = worst.kind != "unproved" and not _is_aside(worst) if worst else late is not None
        parts.append(_gaps(cover, before=stands))
    parts += _counted(wrong)
    parts += _compared(totals)
    verdict = format_html("{}{}.", begins, "".join(f"; {part}" for part in parts))
    return Lead(verdict, _meta(found, wrong, cover), worst.level if worst else "ok")


def _is_aside(worst: Problem) -> bool:
    """Whether what fails is beside usage and cost: the figures of spend go on."""
    return worst.kind == "failing" and not {*NEEDED} & {*worst.sources}


def _stopped(worst: Problem) -> str:
    return _("Stopped at %(time)s") % {"time": when(worst.since)} if worst.since else _("Stopped")


def _sentence(worst: Problem) -> str:
    """The verdict's half about the worst problem, without a full stop."""
    if worst.kind == "silent":
        return _("the scheduler is silent") if worst.sources == (BEAT,) else _("no worker hears the scheduler")
    why = _short(worst.why).rstrip(".")
    if worst.kind == "failing" and why.startswith(REFUSED):
        return _("the Admin key is refused: %(why)s") % {"why": why.partition(": ")[2]}
    if worst.kind == "unconnected":
        return _("nobody can be reached with the key: %(why)s") % {"why": why}
    return _("%(sources)s cannot be read: %(why)s") % {"sources": _listed(*worst.sources), "why": why}


def _complete_to(found: list[SourceHealth]) -> str:
    """How far the usage goes; where that is closed to the key, the last whole day of what is open."""
    usage = next((one for one in found if one.source == "usage" and (one.state != "closed" or one.through)), None)
    if usage:
        return when(usage.through) if usage.through else ""
    whole = [one.whole_until for one in found if one.state != "closed" and one.whole_until]
    return display.day((min(whole) - clock.DAY).date()) if whole else ""


def _days_read(reading: Backfill) -> str:
    far = reading.progress
    return _("history %(percent)d %% read") % {"percent": far.percent}


def _gaps(cover: Calendar, *, before: bool) -> str:
    """How many holes there are; `before` is said of a stop, behind which everything is missing."""
    count = len(cover.gaps)
    of = {
        "count": count,
        "days": len(cover.days),
        "length": length(sum((one.length for one in cover.gaps), timedelta())),
    }
    if before:
        words = _("%(count)d gaps of %(length)s before that") if count else _("no gap before that in %(days)d days")
        return (_("1 gap of %(length)s before that") if count == 1 else words) % of
    if not count:
        return _("0 gaps in %(days)d days") % of
    return (
        ngettext("%(count)d gap of %(length)s in %(days)d days", "%(count)d gaps of %(length)s in %(days)d days", count)
        % of
    )


def _counted(wrong: list[Problem]) -> list[str]:
    odd = sum(one.count for one in wrong if one.kind == "inconsistent")
    aside = sum(one.count for one in wrong if one.kind == "set_aside")
    made = []
    if odd:
        made.append(ngettext("%(count)d hour does not add up", "%(count)d hours do not add up", odd) % {"count": odd})
    if aside:
        made.append(ngettext("%(count)d row set aside", "%(count)d rows set aside", aside) % {"count": aside})
    return made


def _compared(totals: Sequence[ControlTotals]) -> list[str]:
    """How many hours match the vendor's own totals."""
    hours = next((one for one in totals if one.source == "usage"), None)
    if hours is None:
        return []
    of = {"matching": f"{hours.matching:,}", "compared": f"{hours.compared:,}"}
    return [_("%(matching)s of %(compared)s hours match") % of]


def _meta(found: list[SourceHealth], wrong: list[Problem], cover: Calendar) -> list[str]:
    made = []
    if any(one.kind in ("failing", "silent") for one in wrong):
        made.append(_("Figures after that are missing, not zero"))
    if again := max((one.again for one in wrong if one.again), default=None):
        made.append(_("Next try %(time)s") % {"time": when(again)})
    if cover.days:
        made.append(_("Since %(day)s") % {"day": display.day(cover.days[0].day)})
    hours = cover.buckets.get("usage", {})
    if hours:
        final = hours.get(State.SETTLED, 0) + hours.get(State.REVISED, 0)
        words = _("%(final)s hours of usage settled, %(open)s open")
        made.append(words % {"final": f"{final:,}", "open": f"{hours.get(State.OPEN, 0):,}"})
    cost = next((one for one in found if one.source == "cost" and one.whole_until), None)
    if cost and cost.whole_until:
        made.append(
            _("Cost report whole to %(day)s") % {"day": display.short_day((cost.whole_until - clock.DAY).date())}
        )
    usage = next((one for one in found if one.source == "usage"), None)
    if usage and usage.usual.duration is not None:
        made.append(_("%(length)s a run") % {"length": length(usage.usual.duration)})
    return made


def problem_lines(wrong: list[Problem]) -> list[ProblemLine]:
    """What is wrong as rows, worst first."""
    return [_line(one) for one in wrong]


def _line(one: Problem) -> ProblemLine:
    what, do = _words(one)
    icon = {"danger": "fire", "warn": "warn"}.get(one.level, "info")
    since = span(one.since, one.until) if one.since and one.until else when(one.since)
    about = _listed(*one.sources) if one.kind == "failing" and len(one.sources) > 1 else ""
    return ProblemLine(one.kind, one.level, icon, what, since, _short(one.why), one.request, do, about)


def _words(one: Problem) -> tuple[str, str]:
    """What is wrong, and what to do or what happens next."""
    name = _listed(*one.sources)
    of = {"source": name, "count": one.count}
    if one.kind == "unconnected":
        return _("Cannot connect"), _(
            "Read the reason, correct the key or the way to the Admin API; it is tried every minute."
        )
    if one.kind == "silent" and one.sources == (BEAT,):
        return _("The scheduler is silent"), _(
            "Restart it (beat, or make run) and look at its log; what was missed is read by itself."
        )
    if one.kind == "silent":
        return _("No worker hears the scheduler"), _(
            "Restart the workers and look at the broker; manage.py doctor says whether it answers."
        )
    if one.kind == "failing" and len(one.sources) > 1:
        return _("%(count)d sources cannot be read") % of, _advice(one)
    if one.kind == "failing":
        return _("%(source)s cannot be read") % of, _advice(one)
    if one.kind == "late":
        return _("%(source)s is late") % of, _(
            "Look whether a worker runs: manage.py doctor. What was missed is read by itself."
        )
    if one.kind == "gap":
        lost = length(one.until - one.since) if one.until and one.since else ""
        words = _("%(source)s: %(length)s missing") % {"source": name, "length": lost}
        return words, _("It is read by itself; at once with manage.py sync.")
    if one.kind == "inconsistent":
        words = ngettext(
            "%(source)s: %(count)d hour does not add up", "%(source)s: %(count)d hours do not add up", one.count
        )
        return words % of, _("Their last good values stand; they are read again by themselves.")
    if one.kind == "differs":
        words = ngettext(
            "%(source)s: %(count)d total differs from the sum of its rows",
            "%(source)s: %(count)d totals differ from the sum of their rows",
            one.count,
        )
        return words % of, _("They are compared again by themselves; fetch them again below if it lasts.")
    if one.kind == "unproved":
        return _("Sums do not add up"), _(
            "Do not trust a total until this is gone: manage.py rebuild --from-raw, and tell us."
        )
    if one.kind == "set_aside":
        words = ngettext("%(source)s: %(count)d row set aside", "%(source)s: %(count)d rows set aside", one.count)
        return words % of, _("Update costwatch: a newer version may know them. They are listed below.")
    if one.kind == "let_go":
        return _("No credential reads this organization any more"), _(
            "What was read stays. Put a credential back to go on; manage.py doctor says which there are."
        )
    if one.sources == (BASIS,):
        return _("%(source)s is not open to this key") % of, _(
            "Use a key with this right: without it amounts are missing. Asked again daily; at once with manage.py sync."
        )
    if availability.is_absent(one.why):
        return _("%(source)s is not there for this organization") % of, _("Nothing to do. Asked again daily.")
    return _("%(source)s is not open to this key") % of, _(
        "Nothing to do if that is meant; else use a key with this right. Asked again daily."
    )


def _advice(one: Problem) -> str:
    if one.why.startswith(REFUSED):
        said = _(
            "Someone may have disabled the key. Put a new Admin key in its place; what is missing fills itself then."
        )
    elif one.why.startswith("429"):
        said = _("The vendor asks for fewer requests. It is tried again by itself, more slowly.")
    else:
        said = _("It is tried again by itself; nothing is lost. If it lasts: manage.py doctor.")
    return f"{said} {_('Next try %(time)s.') % {'time': when(one.again)}}" if one.again else said


def _listed(*sources: str) -> str:
    called = [names.source(one) for one in sources]
    if len(called) < 2:
        return "".join(called)
    return _("%(some)s and %(last)s") % {"some": ", ".join(called[:-1]), "last": called[-1]}


def _short(text: str) -> str:
    said = shown(text)
    return said if len(said) <= LONGEST else said[: LONGEST - 1] + "…"


def shown(text: str) -> str:
    """A foreign sentence without characters that hide."""
    return names.visible(text) if text else ""
