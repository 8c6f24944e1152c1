"""Who uses most of what a line comes closest to: workspaces of a pool, keys of a workspace."""

from collections import Counter
from collections.abc import Iterable

from django.db.models import Sum

from costwatch import clock
from costwatch.directory.limits import Limits
from costwatch.directory.models import ORGANIZATION_WIDE, Organization
from costwatch.insights.limits.lines import LOOKS_BACK, Line, LineKey
from costwatch.ledger.limit_figures import pool_of
from costwatch.ledger.limit_hours import group_for
from costwatch.ledger.models import Fact


def consumers(organization: Organization, lines: Iterable[Line], limits: Limits) -> dict[LineKey, Counter[str]]:
    """Who used most of what each line comes closest to, in 24 hours: workspaces of a pool, keys of a workspace.

    Read from the hours, which are a sixtieth of the minutes. Shape: by line, workspace or key to tokens.
    """
    sides = {line.key: line.binding.side for line in lines}
    until = clock.floor_hour(clock.now()) + clock.HOUR
    sums = (
        Fact.objects.filter(
            series__organization=organization, bucket_start__gte=until - LOOKS_BACK, bucket_start__lt=until
        )
        .values_list(
            "series__workspace_id",
            "series__api_key_id",
            "series__model",
            "series__service_tier",
            "series__speed",
        )
        .annotate(
            Sum("uncached_input_tokens"),
            Sum("ephemeral_5m_input_tokens"),
            Sum("ephemeral_1h_input_tokens"),
            Sum("output_tokens"),
        )
        .order_by()
    )
    found: dict[LineKey, Counter[str]] = {key: Counter() for key in sides}
    for workspace, api_key, model, tier, speed, uncached, five, hour, output in sums:
        group, pool = group_for(model, limits).id, pool_of(tier, speed)
        used = {"input": int(uncached) + int(five) + int(hour), "output": int(output)}
        used["both"] = used["input"] + used["output"]
        for key, who in (
            (LineKey(group, pool, ORGANIZATION_WIDE), workspace),
            (LineKey(group, pool, workspace), api_key),
        ):
            if key in sides:
                found[key][who] += used[sides[key]]
    return found
