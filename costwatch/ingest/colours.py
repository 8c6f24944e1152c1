"""Who gets a colour of their own: the workspaces that cost most when the cost report was read."""

from datetime import timedelta

from costwatch import clock
from costwatch.directory.colours import assign_slots
from costwatch.directory.models import Organization
from costwatch.ledger.models import ReportedLine
from costwatch.money import ExactSum

LOOKS_BACK = timedelta(days=90)


def give_colours(organization: Organization) -> None:
    """Give free colours to the dearest workspaces of the last 90 days that have none."""
    sums = (
        ReportedLine.objects.filter(
            series__organization=organization, series__currency="USD", day__gte=clock.today() - LOOKS_BACK
        )
        .values("series__workspace_id")
        .annotate(amount_sum=ExactSum("amount"))
        .values_list("series__workspace_id", "amount_sum")
    )
    ranked = [key for key, amount in sorted(sums, key=lambda one: (-(one[1] or 0), one[0])) if (amount or 0) > 0]
    assign_slots(organization=organization, ranked_keys=ranked)
