"""A run over windows of time, newest first, fetched by a few slices ahead of the one thread that records."""

import logging
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from itertools import islice
from typing import Any

from django.conf import settings

from costwatch import clock
from costwatch.ingest.agenda import afforded, asked_lately, windows_due
from costwatch.ingest.chains import Reader as UsageReader
from costwatch.ingest.connect import Connection
from costwatch.ingest.history import EndOfHistory
from costwatch.ingest.lease import Held
from costwatch.ingest.models import Run
from costwatch.ingest.order import Order
from costwatch.ingest.pace import DIVIDING
from costwatch.ingest.plan import Planned, Why, windows
from costwatch.ingest.runs import Progress, running
from costwatch.ingest.sources import COST_SOURCE, Reader, Windowed, Work
from costwatch.ledger import prices as ledger_prices
from costwatch.upstream.errors import Refused, UpstreamError
from costwatch.upstream.pages import COMFORTABLE_BYTES, Window

log = logging.getLogger(__name__)

GIVE_UP_AFTER = 3
RENEW_EVERY = 20.0


class Windows:
    """One run of one source."""

    def __init__(self, connection: Connection, which: Windowed, order: Order, held: Held) -> None:
        self.organization, self.client = connection.organization, connection.client
        self.which, self.order, self._held = which, order, held
        self._work = Work(connection, ledger_prices.publish(), held.fence, self._renew)
        self._deadline = time.monotonic() + order.seconds if order.seconds else None
        self._renewed = time.monotonic()
        self._most = which.cadence.most
        self._limit = 0
        self._failures_in_a_row = 0
        self._asked: Counter[str] = Counter()
        self._history = EndOfHistory(self.organization) if which.name == COST_SOURCE and not order.is_exact else None

    def run(self) -> Run | None:
        """Read what is due (or the given span); then what only lacks a second equal read, which is due at once."""
        if not (planned := self._planned(clock.now())):
            return None
        with running(self.organization, self.which.name, self.client) as progress:
            if self._fit(len(planned)):
                planned = self._planned(clock.now())
            try:
                for again in range(2):
                    self._pass(planned, progress)
                    if again or progress.errors or self._is_late() or self.order.is_exact:
                        break
                    planned = self._planned(clock.now())
            finally:
                if self.which.after:
                    self.which.after(self._work)
        return progress.run

    def _fit(self, planned: int) -> bool:
        """Make windows and pages as large as this organization's buckets allow. Shape: whether windows change."""
        before = self._most
        if self.which.fit:
            fit = self.which.fit(self._work.connection, planned)
            self._limit, self._most = fit.page, fit.window
        return self._most != before

    def _planned(self, now: datetime) -> list[Planned]:
        if not self.order.is_exact:
            planned = windows_due(self.organization, self.which, now, self._room)
            return afforded(self.organization, self.which, planned, now, self._asked) if self.order.paced else planned
        since = clock.midnight(self.order.since) if self.order.since else self.which.since(self.organization, now)
        last = clock.midnight(self.order.until) if self.order.until else now
        width = self.which.cadence.width
        count = max(0, -((since - min(last, now)) // width))
        given = {since + width * index: Why.MISSING for index in range(count)}
        return windows(given, self.which.cadence, self._room)

    def _room(self, why: Why) -> int:
        """How many buckets a window holds: the newest are one question, however many pages its answer takes."""
        return self.which.cadence.most if why == Why.RECENT else self._most

    def _pass(self, planned: list[Planned], progress: Progress) -> None:
        run = progress.run
        if not planned:
            return
        run.windows_planned += len(planned)
        spans = [one.window for one in planned]
        run.since = min([span.start for span in spans] + ([run.since] if run.since else []))
        run.until = max([span.end for span in spans] + ([run.until] if run.until else []))
        reader = self._reader()
        recorder = self.which.recorder(self._work, reader, run.pk)
        before = (run.rows_read, run.rows_changed)
        for one, answer in self._fetched(reader, planned):
            try:
                asked_at, found = self._wait(answer)
                # What was true when it was asked: an answer may take minutes, and an hour ends meanwhile.
                recorder.record(found, asked_at)
            except UpstreamError as error:
                self._count(one, 1, run)
                progress.failed(_named(one.window), error)
                self._failures_in_a_row += 1
                if self._failures_in_a_row >= GIVE_UP_AFTER or (isinstance(error, Refused) and error.is_about_the_key):
                    break
                continue
            self._failures_in_a_row = 0
            self._count(one, getattr(found, "asked", 1) + rereads_of(reader), run, getattr(found, "divided", 0))
            self._learn(found, reader)
            run.windows_done += 1
            run.rows_read, run.rows_changed = before[0] + recorder.rows_read, before[1] + recorder.rows_changed
            progress.show()
            self.order.tell(
                f"{self.which.name}: {_named(one.window)} read, {run.windows_done} of {run.windows_planned} windows"
            )
            self._renew()
            if self._history and self._history.is_reached(one.window, self.which.cadence):
                run.windows_planned = run.windows_done
                break
            if self._is_late():
                break

    def _count(self, one: Planned, questions: int, run: Run, divided: int = 0) -> None:
        self._asked[one.why] += questions - divided
        if divided:
            self._asked[DIVIDING] += divided
        run.asked = dict(self._asked)

    def _reader(self) -> Reader:
        reader = self.which.reader(self._work)
        if self.order.paced and isinstance(reader, UsageReader):
            asked = asked_lately(self.organization, self.which, clock.now(), self._asked)
            reader.divisions_left = self.which.budget.left(DIVIDING, asked, settings.REQUESTS_PER_HOUR)
        return reader

    def _fetched(self, reader: Reader, planned: list[Planned]) -> Iterator[tuple[Planned, Future[Any]]]:
        """Windows with their answers, in order; a few are fetched ahead, so that memory stays bounded."""
        ahead: list[tuple[Planned, Future[Any]]] = []
        todo = iter(planned)
        with ThreadPoolExecutor(self.which.slices, thread_name_prefix="fetch") as pool:
            try:
                for one in islice(todo, self.which.slices):
                    ahead.append((one, pool.submit(self._ask, reader, one)))
                while ahead:
                    yield ahead.pop(0)
                    ahead.extend((one, pool.submit(self._ask, reader, one)) for one in islice(todo, 1))
            finally:
                for _, answer in ahead:
                    answer.cancel()

    def _ask(self, reader: Reader, one: Planned) -> tuple[datetime, Any]:
        """An answer, with the moment it was asked for."""
        return clock.now(), reader.read(one, self._limit)

    def _learn(self, found: Any, reader: Reader) -> None:
        """From an answer: smaller pages when they get large, no speed filter when it was refused."""
        if getattr(found, "largest_page", 0) > COMFORTABLE_BYTES:
            self._limit = max(1, (self._limit or self.which.cadence.most) // 2)
        refused = getattr(reader, "speed_refused", "")
        if refused and self.organization.reads_speed:
            log.warning("the speed of usage cannot be read, all of it counts as one speed: %s", refused)
            self.organization.reads_speed = False
            self.organization.save(update_fields=["reads_speed"])

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


def rereads_of(reader: Reader) -> int:
    """The questions a reader asked beside its windows since this was asked last."""
    asked: int = getattr(reader, "rereads", 0)
    if asked:
        reader.rereads = 0  # type: ignore[attr-defined]
    return asked


def _named(window: Window) -> str:
    if window.start.hour == window.end.hour == 0:
        return f"{window.start:%Y-%m-%d} to {window.end:%Y-%m-%d}"
    return f"{clock.rfc3339(window.start)} to {clock.rfc3339(window.end)}"
