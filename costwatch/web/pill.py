"""The pill that says how far the data goes, with every source's standing behind it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from django.utils.translation import gettext as _

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest import heartbeat
from costwatch.ingest.availability import REMOVED
from costwatch.ingest.models import Coverage, Installation, Source
from costwatch.ingest.progress import Progress, progress
from costwatch.ingest.sources import NEEDED, USAGE
from costwatch.insights import display
from costwatch.insights.freshness import WIDTHS
from costwatch.insights.standings import Standing, standings
from costwatch.web import names
from costwatch.web.moments import when

# What this month, last month and their comparison stand on.
NEWEST = timedelta(days=35)


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One source in words."""

    source: str
    name: str
    state: str
    text: str
    detail: str


@dataclass(frozen=True, slots=True)
class Pill:
    """The pill: its state (ok, warn, danger, reading), icon, text, a short one for narrow pages, a line a source.

    `problem` is why nobody could be reached with the key, empty when somebody was. `stage` names what of the history
    is there; it changes when a page has something new to show.
    """

    state: str
    icon: str
    text: str
    short: str
    lines: tuple[SourceLine, ...]
    progress: Progress | None
    problem: str = ""
    stage: str = ""


def pill(organization: Organization | None) -> Pill:
    """How far an organization's data goes."""
    if organization is None:
        return _nobody()
    sources = list(Source.objects.filter(organization=organization))
    found = standings(organization, sources)
    far = progress(organization, sources)
    lines = tuple(_line(one) for one in found)
    stage = "" if far.is_done else _stage(organization)
    if not any(one.last_success for one in found) and (problem := _problem()):
        return Pill("danger", "fire", _("Cannot connect"), _("Cannot connect"), lines, far, problem, stage)
    usage = next((one for one in found if one.source == "usage"), None)
    failing = [one for one in found if one.available and one.failures]
    is_closed = usage is not None and not usage.available and usage.reason != REMOVED
    if is_closed or (
        failing
        and (usage is None or usage.through is None or clock.now() - usage.through > USAGE.late_after or usage.failures)
    ):
        since = usage.last_success if usage and is_closed else failing[0].last_success
        text = _("Stopped at %(time)s") % {"time": when(since)} if since else _("Stopped")
        return Pill("danger", "fire", text, _("Stopped"), lines, far, stage=stage)
    if silent := heartbeat.silent():
        text = _("Stopped at %(time)s") % {"time": when(silent.at)}
        return Pill("danger", "fire", text, _("Stopped"), lines, far, stage=stage)
    if not far.is_done:
        text = _("Reading history, %(percent)d %%") % {"percent": far.percent}
        return Pill("reading", "clock", text, f"{far.percent} %", lines, far, stage=stage)
    if failing:
        name = names.source(failing[0].source)
        return Pill("danger", "fire", _("%(source)s fails") % {"source": name}, _("Fails"), lines, far)
    if usage is None or usage.through is None:
        return Pill("reading", "clock", _("Nothing read yet"), _("Nothing"), lines, far)
    late = _is_late(usage.through)
    text = _("Data through %(time)s") % {"time": when(usage.through)}
    short = when(usage.through)
    return Pill("warn" if late else "ok", "clock" if late else "check", text, short, lines, far)


def _is_late(through: datetime) -> bool:
    return clock.now() - through > USAGE.late_after


def _nobody() -> Pill:
    """The pill before an organization is known; the stage tells one reason from another."""
    problem = _problem()
    if not problem:
        return Pill("reading", "clock", _("Nothing read yet"), _("Nothing"), (), None)
    told = sha256(problem.encode()).hexdigest()[:12]
    return Pill("danger", "fire", _("Cannot connect"), _("Cannot connect"), (), None, problem, told)


def _problem() -> str:
    """Why nobody could be reached or identified with the key, without characters that hide."""
    said = Installation.objects.values_list("connect_error", flat=True).first() or ""
    return "\n".join(names.visible(line) for line in said.splitlines() if line.strip())


def _stage(organization: Organization) -> str:
    """What is there: the first buckets of each report, its newest weeks, all of the cost report."""
    begins, today = organization.history_since, clock.today()
    since = max(begins, today - NEWEST) if begins else today - NEWEST
    start, end = clock.midnight(since), clock.midnight(today)
    there = []
    for source, width in WIDTHS.items():
        if source not in NEEDED:
            continue
        rows = Coverage.objects.filter(organization=organization, source=source)
        newest = rows.filter(start__gte=start).count()
        there += [source] if newest else []
        there += [f"{source}-newest"] if newest and newest >= (end - start) // width else []
        whole = source == "cost" and begins and rows.filter(start__lte=clock.midnight(begins)).exists()
        there += ["cost-whole"] if whole else []
    return ".".join(there)


def _line(one: Standing) -> SourceLine:
    name = names.source(one.source)
    if not one.available:
        reason = names.visible(one.reason) if one.reason else ""
        return SourceLine(one.source, name, "off", names.closed(one.reason), reason)
    if one.failures:
        first = one.last_error.splitlines()[0] if one.last_error else ""
        return SourceLine(one.source, name, "danger", _("fails"), names.visible(first) if first else "")
    if one.source == "cost" and one.whole_until:
        last = display.short_day(one.whole_until.date() - clock.DAY)
        return SourceLine(one.source, name, "ok", _("whole days to %(day)s") % {"day": last}, "")
    if one.through:
        return SourceLine(one.source, name, "ok", _("through %(time)s") % {"time": when(one.through)}, "")
    if one.last_success:
        return SourceLine(one.source, name, "ok", _("read at %(time)s") % {"time": when(one.last_success)}, "")
    return SourceLine(one.source, name, "wait", _("not read yet"), "")
