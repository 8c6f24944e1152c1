"""What every minute counts against limits, summed one fact after another: an oracle that shares no code."""

from collections import defaultdict
from datetime import datetime

from costwatch.directory.limits import limits_at
from costwatch.directory.models import Organization
from costwatch.ledger.models import MinuteFact

Scanned = dict[tuple[str, ...], dict[datetime, int]]


def scan(read: Organization, start: datetime, end: datetime) -> Scanned:
    """What every minute counts, by group, pool, workspace and limiter: the minutes summed one by one."""
    limits = limits_at(read, end)
    used: Scanned = defaultdict(lambda: defaultdict(int))
    for fact in MinuteFact.objects.filter(minute__gte=start, minute__lt=end).select_related("series"):
        series = fact.series
        group = limits.group_of(series.model)
        name = group.id if group else f"model:{series.model}"
        spent = fact.uncached_input_tokens + fact.ephemeral_5m_input_tokens + fact.ephemeral_1h_input_tokens
        counted = {
            "input_tokens_per_minute": spent,
            "input_tokens_per_minute_cache_aware": spent,
            "output_tokens_per_minute": fact.output_tokens,
            "tokens_per_minute": spent + fact.output_tokens,
        }
        pool = {"batch": "batch", "priority": "priority", "priority_on_demand": "priority"}.get(series.service_tier, "")
        if not pool and series.speed == "fast":
            pool, counted = "fast", {"fast_itpmca": spent, "fast_otpm": fact.output_tokens}
        for limiter, count in counted.items():
            for workspace in ("", series.workspace_id):
                used[name, pool, workspace, limiter][fact.minute] += count
    return used
