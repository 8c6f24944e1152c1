"""The pill that says how far the data goes, with every source's standing behind it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest.progress import Progress, progress
from costwatch.insights import display
from costwatch.insights.freshness import Standing, standings
from costwatch.web import names

LATE = timedelta(minutes=30)


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
    """The pill: its state (ok, warn, danger, reading), icon, text a short one for narrow pages, a line a source."""

    state: str
    icon: str
    text: str
    short: str
    lines: tuple[SourceLine, ...]
    progress: Progress | None


def pill(organization: Organization | None) -> Pill:
    """How far an organization's data goes."""
    if organization is None:
        return Pill("reading", "clock", _("Nothing read yet"), _("Nothing"), (), None)
    found = standings(organization)
    far = progress(organization)
    lines = tuple(_line(one) for one in found)
    usage = next((one for one in found if one.source == "usage"), None)
    failing = [one for one in found if one.available and one.failures]
    if failing and (usage is None or usage.through is None or clock.now() - usage.through > LATE or usage.failures):
        since = failing[0].last_success
        text = _("Stopped at %(time)s") % {"time": _when(since)} if since else _("Stopped")
        return Pill("danger", "fire", text, _("Stopped"), lines, far)
    if not far.is_done:
        text = _("Reading history, %(percent)d %%") % {"percent": far.percent}
        return Pill("reading", "clock", text, f"{far.percent} %", lines, far)
    if failing:
        name = names.source(failing[0].source)
        return Pill("danger", "fire", _("%(source)s fails") % {"source": name}, _("Fails"), lines, far)
    if usage is None or usage.through is None:
        return Pill("reading", "clock", _("Nothing read yet"), _("Nothing"), lines, far)
    late = clock.now() - usage.through > LATE
    text = _("Data through %(time)s") % {"time": _when(usage.through)}
    short = _when(usage.through)
    return Pill("warn" if late else "ok", "clock" if late else "check", text, short, lines, far)


def _when(moment: datetime) -> str:
    """A time of today, or a day and a time."""
    if moment.date() == clock.today():
        return display.time(moment)
    return f"{display.short_day(moment.date())}, {display.time(moment)}"


def _line(one: Standing) -> SourceLine:
    name = names.source(one.source)
    if not one.available:
        reason = names.visible(one.reason) if one.reason else ""
        return SourceLine(one.source, name, "off", _("not open to this key"), reason)
    if one.failures:
        first = one.last_error.splitlines()[0] if one.last_error else ""
        return SourceLine(one.source, name, "danger", _("fails"), names.visible(first) if first else "")
    if one.source == "cost" and one.whole_until:
        last = display.short_day(one.whole_until.date() - clock.DAY)
        return SourceLine(one.source, name, "ok", _("whole days to %(day)s") % {"day": last}, "")
    if one.through:
        return SourceLine(one.source, name, "ok", _("through %(time)s") % {"time": _when(one.through)}, "")
    if one.last_success:
        return SourceLine(one.source, name, "ok", _("read at %(time)s") % {"time": _when(one.last_success)}, "")
    return SourceLine(one.source, name, "wait", _("not read yet"), "")
