"""The tables of Data health: sources, runs, history still to read, what is new upstream."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from costwatch import clock
from costwatch.ingest.models import Run
from costwatch.insights import display
from costwatch.insights.health import Aside, Backfill, New, SourceHealth
from costwatch.insights.health_failures import told
from costwatch.insights.health_runs import RunLine
from costwatch.web import names
from costwatch.web.health_words import shown
from costwatch.web.moments import length, span, when

RAW_SHOWN = 2000


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One source as a row."""

    name: str
    state: str
    mark: str
    icon: str
    said: str
    reason: str
    fresh: str
    delay: str
    last: str
    took: str
    rows: int | None
    request: str


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run as a row of the log."""

    run: RunLine
    source: str
    mark: str
    icon: str
    outcome: str
    started: str
    span: str
    took: str
    error: str
    errors: list[str]


@dataclass(frozen=True, slots=True)
class BackfillLine:
    """The history that is still to be read."""

    done: int
    total: int
    percent: int
    rate: str
    left: str
    waits_for: str


@dataclass(frozen=True, slots=True)
class AsideLine:
    """A row that could not be recorded, as text."""

    source_name: str
    bucket: datetime
    reason: str
    raw: str
    seen: str


@dataclass(frozen=True, slots=True)
class NewLine:
    """A new field or value, in words."""

    day: str
    text: str
    value: str
    last: str
    seen: int


def source_lines(found: list[SourceHealth]) -> list[SourceRow]:
    """Every source as a row."""
    return [_source(one) for one in found]


def _source(one: SourceHealth) -> SourceRow:
    marks = {
        "complete": ("ok", "check", _("Complete")),
        "gaps": ("warn", "warn", _("Gaps")),
        "inconsistent": ("warn", "warn", _("Does not add up")),
        "late": ("warn", "clock", _("Late")),
        "reading": ("wait", "clock", _("Reading history")),
        "failing": ("danger", "fire", _("Fails")),
        "closed": ("off", "info", capfirst(names.closed(one.reason))),
        "unread": ("wait", "clock", _("Not read yet")),
    }
    mark, icon, said = marks[one.state]
    run = one.last_run
    return SourceRow(
        name=names.source(one.source),
        state=one.state,
        mark=mark,
        icon=icon,
        said=said,
        reason=shown(told(one.reason)[0]) if one.state in ("failing", "closed") else "",
        fresh=_fresh(one),
        delay=length(one.usual.delay) if one.usual.delay else "",
        last=when(run.started_at) if run else "",
        took=length(timedelta(milliseconds=run.duration_ms)) if run and run.finished_at else "",
        rows=run.rows_read if run else None,
        request=(told(one.reason)[1] if one.state == "failing" else "") or _newest_request(run),
    )


def _fresh(one: SourceHealth) -> str:
    if one.source == "cost" and one.whole_until:
        return _("%(day)s, whole") % {"day": display.short_day((one.whole_until - clock.DAY).date())}
    return when(one.through or one.last_success)


def _newest_request(run: RunLine | None) -> str:
    return shown(run.request_ids[-1]) if run and run.request_ids else ""


def run_lines(runs: list[RunLine]) -> list[RunRow]:
    """Runs as rows, in their order."""
    return [_run(one) for one in runs]


def _run(run: RunLine) -> RunRow:
    marks = {
        Run.Outcome.RUNNING.value: ("wait", "clock", _("Running")),
        Run.Outcome.SUCCEEDED.value: ("ok", "check", _("Done")),
        Run.Outcome.FAILED.value: ("danger", "fire", _("Failed")),
        Run.Outcome.CLOSED.value: ("off", "info", _("Not available")),
        Run.Outcome.ABANDONED.value: ("warn", "warn", _("Abandoned")),
    }
    mark, icon, outcome = marks[run.outcome]
    if run.outcome == Run.Outcome.SUCCEEDED and run.windows_done < run.windows_planned:
        mark, icon, outcome = "wait", "clock", _("Goes on")
    errors = [shown(line) for line in run.error.splitlines() if line.strip()]
    return RunRow(
        run=run,
        source=names.source(run.source),
        mark=mark,
        icon=icon,
        outcome=outcome,
        started=when(run.started_at),
        span=_span(run),
        took=length(timedelta(milliseconds=run.duration_ms)) if run.finished_at or run.duration_ms else "",
        error=shown(told(run.error)[0]),
        errors=errors,
    )


def _span(run: RunLine) -> str:
    """The days a run asked for; inside one day, its hours."""
    if not (run.since and run.until):
        return ""
    last = (run.until - timedelta(microseconds=1)).date()
    if run.since.date() == last and run.until - run.since < clock.DAY:
        return span(run.since, run.until) if run.until.date() == last else when(run.since)
    return display.span(run.since.date(), last)


def backfill_lines(reading: Backfill | None, found: list[SourceHealth]) -> BackfillLine | None:
    """How far the history is read, how fast, and how long it takes still; or what it waits for."""
    if reading is None:
        return None
    failing = next((one for one in found if one.state == "failing"), None)
    waits_for = ""
    if reading.days_a_minute is None and failing:
        waits_for = _("Waiting: %(source)s cannot be read. It resumes where it stopped.") % {
            "source": names.source(failing.source)
        }
    far = reading.progress
    return BackfillLine(
        done=far.done,
        total=far.total,
        percent=far.percent,
        rate=_("%(number)s days a minute") % {"number": f"{reading.days_a_minute:,.0f}"}
        if reading.days_a_minute
        else "",
        left=_("about %(length)s left") % {"length": length(reading.left)} if reading.left is not None else "",
        waits_for=waits_for,
    )


def aside_lines(rows: list[Aside]) -> list[AsideLine]:
    """Rows that could not be recorded, in words."""
    return [
        AsideLine(
            names.source(one.source), one.bucket, shown(one.reason), shown(one.raw[:RAW_SHOWN]), when(one.seen_at)
        )
        for one in rows
    ]


def new_lines(news: list[New]) -> list[NewLine]:
    """New fields and values, in words."""
    return [_new(one) for one in news]


def _new(one: New) -> NewLine:
    of = {"source": names.source(one.source), "path": shown(one.path)}
    text = _("New value in %(source)s, %(path)s") if one.value else _("New field in %(source)s: %(path)s")
    return NewLine(
        day=display.short_day(one.first_seen.date()),
        text=text % of,
        value=shown(one.value),
        last=when(one.last_seen),
        seen=one.seen,
    )
