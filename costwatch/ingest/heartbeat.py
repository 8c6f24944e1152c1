"""Signs of life of the scheduler, the workers and the vendor: a row each, renewed about once a minute."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now

from costwatch import clock
from costwatch.ingest.lease import database_now
from costwatch.ingest.models import Heartbeat, Run
from costwatch.ingest.pace import AN_HOUR
from costwatch.role import BEAT, CHORES, WORKER

# The vendor answered a worker.
VENDOR = "vendor"

# Three ticks missed.
LATE_AFTER = timedelta(seconds=180)
# Somebody is asked something every three minutes, at the pace the vendor supports.
SILENT_AFTER = timedelta(minutes=5)
READ_ON_DAYS = 3


@dataclass(frozen=True, slots=True)
class Ages:
    """How long ago each of them gave its sign; None = never."""

    beat: timedelta | None
    worker: timedelta | None
    chores: timedelta | None = None
    vendor: timedelta | None = None

    def of(self, role: str) -> timedelta | None:
        """The age of one of them, by its role."""
        return {BEAT: self.beat, WORKER: self.worker, CHORES: self.chores, VENDOR: self.vendor}[role]

    @property
    def is_vendor_silent(self) -> bool:
        """Whether the vendor answered before, and not in the last minutes (TSK-06)."""
        return self.vendor is not None and self.vendor > SILENT_AFTER * max(1, AN_HOUR / settings.REQUESTS_PER_HOUR)


def silent() -> Heartbeat | None:
    """The last sign of the scheduler or of the workers, if it is three minutes old (TSK-06).

    None where something else reads in their place, such as `manage.py sync` in a crontab. A scheduler that does not
    ring is heard by nobody, so it is named first.
    """
    signs = Heartbeat.objects.filter(role__in=(BEAT, WORKER)).annotate(now=Now()).in_bulk()
    late = (sign for role in (BEAT, WORKER) if (sign := signs.get(role)) and sign.now - sign.at > LATE_AFTER)
    last = next(late, None)
    return None if last and _is_replaced(last) else last


def _is_replaced(last: Heartbeat) -> bool:
    """Whether something was read on several days since, and lately: once is somebody who looks what is wrong."""
    runs = Run.objects.filter(outcome=Run.Outcome.SUCCEEDED, finished_at__gt=last.at + clock.DAY)
    days = list(runs.dates("finished_at", "day"))
    return len(days) >= READ_ON_DAYS and clock.today() - days[-1] <= clock.DAY


def renew(role: str) -> None:
    """Note that a scheduler (`beat`) has rung, a worker has heard it, or the vendor has answered."""
    Heartbeat.objects.update_or_create(role=role, defaults={"at": database_now()})


def ages() -> Ages:
    """The age of every sign of life, by the database's clock."""
    now = database_now()
    seen = dict(Heartbeat.objects.values_list("role", "at"))
    age = {role: max(timedelta(0), now - at) for role, at in seen.items()}
    return Ages(beat=age.get(BEAT), worker=age.get(WORKER), chores=age.get(CHORES), vendor=age.get(VENDOR))
