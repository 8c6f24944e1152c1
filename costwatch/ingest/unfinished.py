"""What was begun and is not at work: the run whose process died, and the one whose next bell was lost."""

from django.db.models import F, Max, Q

from costwatch.ingest.lease import sweep
from costwatch.ingest.models import Lease, Run


def unfinished() -> list[tuple[int, str]]:
    """Free the leases of the dead, and find what to take up again. Shape: organization and source of each.

    A run that ended in time and left windows has rung for its successor; if the broker forgot that, it is found here.
    """
    sweep()
    newest = Run.objects.values("organization_id", "source").annotate(last=Max("pk")).values_list("last", flat=True)
    open_runs = Run.objects.filter(pk__in=list(newest)).filter(
        Q(outcome__in=(Run.Outcome.RUNNING, Run.Outcome.ABANDONED))
        | Q(outcome=Run.Outcome.SUCCEEDED, windows_done__lt=F("windows_planned"))
    )
    at_work = set(Lease.objects.values_list("organization_id", "source"))
    return [one for one in open_runs.order_by("pk").values_list("organization_id", "source") if one not in at_work]
