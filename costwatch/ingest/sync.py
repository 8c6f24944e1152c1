"""One code path for the command line and the tasks: plan, fetch, record, price, roll up."""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from django.conf import settings

from costwatch import clock
from costwatch.directory import mirror
from costwatch.directory.models import Organization
from costwatch.ingest import cost, coverage, usage, weight
from costwatch.ingest.colours import give_colours
from costwatch.ingest.connect import Connection
from costwatch.ingest.lease import Held, lease
from costwatch.ingest.models import Run
from costwatch.ingest.plan import COST, USAGE, Cadence, due, windows
from costwatch.ingest.runs import Progress, may_run, running, source_of
from costwatch.ingest.split import Names
from costwatch.ledger import prices as ledger_prices
from costwatch.ledger.intern import Interned
from costwatch.ledger.models import ReportedLine
from costwatch.ledger.rollup import refresh_series_months
from costwatch.upstream.errors import Refused, UpstreamError
from costwatch.upstream.pages import COMFORTABLE_BYTES, Window

log = logging.getLogger(__name__)

DIRECTORY, COST_SOURCE, USAGE_SOURCE = "directory", cost.SOURCE, usage.SOURCE
SOURCES = (DIRECTORY, COST_SOURCE, USAGE_SOURCE)
SLICES = 4
HISTORY = timedelta(days=400)
EMPTY_PAGES_THAT_END_HISTORY = 3
DIRECTORY_EVERY = timedelta(hours=1)
GIVE_UP_AFTER = 3
RENEW_EVERY = 20.0


@dataclass(frozen=True, slots=True)
class Order:
    """What to do: what is due, or exactly a span; for how long at most.

    Units: `seconds` of the monotonic clock, 0 = until done. `tell` gets a line of progress.
    """

    since: date | None = None
    until: date | None = None
    seconds: float = 0
    tell: Callable[[str], None] = field(default=lambda line: None)

    @property
    def is_exact(self) -> bool:
        return self.since is not None or self.until is not None


def sync(connection: Connection, source: str, order: Order) -> Run | None:
    """Run one source under its lease. Shape: the run; None when there was nothing to do.

    Raises: Busy when another run of this source is at work.
    """
    organization = connection.organization
    with lease(organization.pk, source) as held:
        organization.refresh_from_db()
        if source == DIRECTORY:
            return _sync_directory(connection, order)
        return _Windows(connection, source, order, held).run()


def is_due(organization: Organization, source: str, now: datetime) -> bool:
    """Whether a source has work now. Reads the database only."""
    health = source_of(organization.pk, source)
    if not may_run(health, now):
        return False
    if source == DIRECTORY:
        return health.last_success_at is None or now - health.last_success_at >= DIRECTORY_EVERY
    return bool(_due(organization, source, now))


def history_since(organization: Organization, now: datetime, source: str = COST_SOURCE) -> date:
    """The first day we read: given, found, or the oldest workspace or key, at least 400 days ago.

    The cost report finds where history begins, in a few requests; until it has, usage does not look further back.
    """
    if settings.BACKFILL_SINCE:
        return clock.day(settings.BACKFILL_SINCE)
    if organization.history_since:
        return organization.history_since
    floor = now - HISTORY
    if source == USAGE_SOURCE and source_of(organization.pk, COST_SOURCE).available:
        return floor.date()
    oldest = mirror.oldest(organization)
    return min(oldest, floor).date() if oldest else floor.date()


def _cadence(source: str) -> Cadence:
    return USAGE if source == USAGE_SOURCE else COST


def _due(organization: Organization, source: str, now: datetime) -> list[datetime]:
    since = clock.midnight(history_since(organization, now, source))
    known = coverage.standings(organization.pk, source, since, now)
    return due(known, since=since, now=now, cadence=_cadence(source))


def _sync_directory(connection: Connection, order: Order) -> Run:
    organization, client = connection.organization, connection.client
    with running(organization, DIRECTORY, client) as progress:
        now = clock.now()
        parts = (
            ("workspaces", mirror.mirror_workspaces),
            ("api_keys", mirror.mirror_api_keys),
            ("users", mirror.mirror_members),
        )
        progress.run.windows_planned = len(parts)
        for name, read in parts:
            try:
                progress.run.rows_read += read(organization, client, now)
                progress.run.windows_done += 1
                order.tell(f"directory: {name} read")
            except UpstreamError as error:
                progress.failed(name, error)
                if isinstance(error, Refused) and error.status == 401:
                    break
    return progress.run


class _Windows:
    """A run over windows of time, newest first, fetched by four slices ahead of the one thread that records."""

    def __init__(self, connection: Connection, source: str, order: Order, held: Held) -> None:
        self.organization, self.client = connection.organization, connection.client
        self.source, self.order, self._held = source, order, held
        self.cadence = _cadence(source)
        self.prices = ledger_prices.publish()
        self._deadline = time.monotonic() + order.seconds if order.seconds else None
        self._renewed = time.monotonic()
        self._limit = 0
        self._empty_pages = 0
        self._failures_in_a_row = 0

    def run(self) -> Run | None:
        """Read what is due (or the given span); then what only lacks a second equal read, which is due at once."""
        if not (planned := self._planned(clock.now())):
            return None
        with running(self.organization, self.source, self.client) as progress:
            self._fit(planned)
            try:
                for _ in range(2):
                    self._pass(self._planned(clock.now()), progress)
                    if progress.errors or self._is_late() or self.order.is_exact:
                        break
            finally:
                if self.source == USAGE_SOURCE:
                    refresh_series_months(organization_id=self.organization.pk, fence=self._held.fence)
            if self.source == COST_SOURCE:
                give_colours(self.organization)
        return progress.run

    def _fit(self, planned: list[Window]) -> None:
        """Make the windows as large as this organization's hours allow."""
        if self.source != USAGE_SOURCE:
            return
        rows = weight.rows_an_hour(self.organization.pk)
        if rows is None and len(planned) > SLICES:
            rows = weight.weigh(clock.floor_day(clock.now()) - clock.DAY, self._reader().read_base)
        self.cadence = weight.fitting(rows or 0, self.cadence)

    def _planned(self, now: datetime) -> list[Window]:
        if not self.order.is_exact:
            return windows(_due(self.organization, self.source, now), self.cadence)
        since = clock.midnight(self.order.since or history_since(self.organization, now, self.source))
        last = clock.midnight(self.order.until) if self.order.until else now
        width = self.cadence.width
        count = max(0, -((since - min(last, now)) // width))
        return windows((since + width * index for index in range(count)), self.cadence)

    def _pass(self, planned: list[Window], progress: Progress) -> None:
        run = progress.run
        if not planned:
            return
        run.windows_planned += len(planned)
        run.since = min([window.start for window in planned] + ([run.since] if run.since else []))
        run.until = max([window.end for window in planned] + ([run.until] if run.until else []))
        reader, recorder = self._reader(), self._recorder(run)
        before = (run.rows_read, run.rows_changed)
        for window, answer in self._fetched(reader, planned):
            try:
                found = self._wait(answer)
                recorder.record(found, clock.now())
            except UpstreamError as error:
                progress.failed(_named(window), error)
                self._failures_in_a_row += 1
                if self._failures_in_a_row >= GIVE_UP_AFTER or (isinstance(error, Refused) and error.is_about_the_key):
                    break
                continue
            self._failures_in_a_row = 0
            self._learn(found)
            run.windows_done += 1
            run.rows_read, run.rows_changed = before[0] + recorder.rows_read, before[1] + recorder.rows_changed
            progress.show()
            self.order.tell(
                f"{self.source}: {_named(window)} read, {run.windows_done} of {run.windows_planned} windows"
            )
            self._renew()
            if self._ends_history(window, run) or self._is_late():
                break

    def _reader(self) -> Any:
        if self.source == USAGE_SOURCE:
            return usage.Reader(self.client, self.prices, self.organization.reads_speed)
        return cost.Reader(self.client)

    def _recorder(self, run: Run) -> Any:
        interned = Interned(self.organization.pk)
        default = mirror.default_workspace_id(self.organization)
        if self.source == USAGE_SOURCE:
            return usage.Recorder(
                self.organization.pk,
                interned,
                self.prices,
                run.pk,
                Names(default),
                fence=self._held.fence,
                reread=self._reader().read,
            )
        return cost.Recorder(self.organization.pk, interned, run.pk, default, fence=self._held.fence)

    def _fetched(self, reader: Any, planned: list[Window]) -> Iterator[tuple[Window, Future[Any]]]:
        """Windows with their answers, in order; a few are fetched ahead, so that memory stays bounded."""
        ahead: list[tuple[Window, Future[Any]]] = []
        todo = iter(planned)
        with ThreadPoolExecutor(SLICES, thread_name_prefix="fetch") as pool:
            try:
                for window in islice(todo, SLICES):
                    ahead.append((window, pool.submit(reader.read, window, self._limit)))
                while ahead:
                    yield ahead.pop(0)
                    ahead.extend((window, pool.submit(reader.read, window, self._limit)) for window in islice(todo, 1))
            finally:
                for _, answer in ahead:
                    answer.cancel()

    def _learn(self, found: Any) -> None:
        """From an answer: smaller pages when they get large, no speed filter when it was refused."""
        if found.largest_page > COMFORTABLE_BYTES:
            self._limit = max(1, (self._limit or self.cadence.most) // 2)
        refused = getattr(found, "speed_refused", "")
        if refused and self.organization.reads_speed:
            log.warning("the speed of usage cannot be read, all of it counts as one speed: %s", refused)
            self.organization.reads_speed = False
            self.organization.save(update_fields=["reads_speed"])

    def _ends_history(self, window: Window, run: Run) -> bool:
        """The cost report tells where history begins: three empty pages in a row, newest first, end it."""
        if self.source != COST_SOURCE or self.order.is_exact or self.organization.history_since:
            return False
        has_lines = ReportedLine.objects.filter(
            day__gte=window.start.date(), day__lt=window.end.date(), series__organization=self.organization
        ).exists()
        full = (window.end - window.start) // self.cadence.width >= self.cadence.most
        self._empty_pages = 0 if has_lines else self._empty_pages + (1 if full else 0)
        begins = clock.midnight(history_since(self.organization, clock.now()))
        if self._empty_pages < EMPTY_PAGES_THAT_END_HISTORY and window.start > begins:
            return False
        self.organization.history_since = window.start.date()
        self.organization.save(update_fields=["history_since"])
        run.windows_planned = run.windows_done
        return True

    def _wait(self, answer: Future[Any]) -> Any:
        """An answer, with the lease renewed while the vendor makes us wait."""
        while True:
            try:
                return answer.result(timeout=RENEW_EVERY)
            except TimeoutError:
                if answer.done():
                    raise
                self._held.renew()

    def _renew(self) -> None:
        if time.monotonic() - self._renewed > RENEW_EVERY:
            self._held.renew()
            self._renewed = time.monotonic()

    def _is_late(self) -> bool:
        return self._deadline is not None and time.monotonic() > self._deadline


def _named(window: Window) -> str:
    if window.start.hour == window.end.hour == 0:
        return f"{window.start:%Y-%m-%d} to {window.end:%Y-%m-%d}"
    return f"{clock.rfc3339(window.start)} to {clock.rfc3339(window.end)}"
