"""Signs of life of the scheduler and the workers: a row each, renewed once a minute."""

from dataclasses import dataclass
from datetime import timedelta

from costwatch.ingest.lease import database_now
from costwatch.ingest.models import Heartbeat
from costwatch.role import BEAT, WORKER

# Three ticks missed.
LATE_AFTER = timedelta(seconds=180)


@dataclass(frozen=True, slots=True)
class Ages:
    """How long ago the scheduler last rang, and a worker last heard it; None = never."""

    beat: timedelta | None
    worker: timedelta | None

    def of(self, role: str) -> timedelta | None:
        """The age of one of the two, by its role."""
        return self.beat if role == BEAT else self.worker


def renew(role: str) -> None:
    """Note that a scheduler (`beat`) has rung, or a worker has heard it."""
    Heartbeat.objects.update_or_create(role=role, defaults={"at": database_now()})


def ages() -> Ages:
    """The age of both signs of life, by the database's clock."""
    now = database_now()
    seen = dict(Heartbeat.objects.values_list("role", "at"))
    age = {role: max(timedelta(0), now - at) for role, at in seen.items()}
    return Ages(beat=age.get(BEAT), worker=age.get(WORKER))
