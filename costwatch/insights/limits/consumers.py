"""Who uses most of what a line comes closest to: workspaces of a pool, keys of a workspace."""

from collections import Counter
from collections.abc import Collection

from costwatch import clock
from costwatch.directory.limits import Limits
from costwatch.directory.models import ORGANIZATION_WIDE, Organization
from costwatch.insights.limits.draws import draws
from costwatch.insights.limits.lines import LOOKS_BACK, Line, LineKey
from costwatch.ledger.models import Fact


def consumers(organization: Organization, lines: Collection[Line], limits: Limits) -> dict[LineKey, Counter[str]]:
    """Who used most of what each line comes closest to, in 24 hours: workspaces of a pool, keys of a workspace.

    Read from the hours, which are a sixtieth of the minutes. Shape: by line, workspace or key to tokens.
    """
    found: dict[LineKey, Counter[str]] = {line.key: Counter() for line in lines}
    wanted = {
        (line.key.group_id, line.key.pool, line.key.workspace_key): (line.binding.side, found[line.key])
        for line in lines
    }
    until = clock.floor_hour(clock.now()) + clock.HOUR
    facts = Fact.objects.filter(
        series__organization=organization, bucket_start__gte=until - LOOKS_BACK, bucket_start__lt=until
    )
    for one in draws(facts, limits):
        for workspace, who in ((ORGANIZATION_WIDE, one.workspace_key), (one.workspace_key, one.api_key_id)):
            side, counted = wanted.get((one.group_id, one.pool, workspace), ("", None))
            if counted is not None:
                counted[who] += one.of(side)
    return found
