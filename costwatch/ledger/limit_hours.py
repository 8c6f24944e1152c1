"""What an hour's minutes came to beside the limits in force: pages read these, and days are made of them."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime

from django.db import transaction
from django.db.models import Sum

from costwatch import clock
from costwatch.directory.history import changes_of
from costwatch.directory.kinds import RATE_LIMIT_GROUPS, RATE_LIMITS
from costwatch.directory.limits import Group, Limit, Limits, limits_at
from costwatch.directory.models import ORGANIZATION_WIDE, Organization
from costwatch.ledger.limit_figures import AN_HOUR, LIMITED_POOLS, READS_COUNT, Use, figures, limiters_of, pack, pool_of
from costwatch.ledger.models import LimitDayMade, LimitHour, LimitHourMade, MinuteFact

# The id of a group that is made of one model, since it is in none.
MODEL = "model:"
# By group and pool, then workspace ("" sums them all): input, cache reads and output of an hour's minutes.
_Used = dict[tuple[Group, str], dict[str, tuple[list[int], list[int], list[int]]]]


def make_hours(
    organization: Organization, hours: Mapping[datetime, str], renew: Callable[[], None] = lambda: None
) -> int:
    """Make the figures of some hours from their minutes, in place of those made before.

    Shape: `hours` say what each is made of, looked up before; the result is how many rows were written.
    """
    history, made = LimitHistory(organization), 0
    for hour, made_of in hours.items():
        now = clock.now()
        limits = history.at(min(hour + clock.HOUR, now))
        with transaction.atomic():
            locked(organization)
            LimitHourMade.objects.update_or_create(
                organization=organization, hour=hour, defaults={"made_of": made_of, "made_at": now}
            )
            LimitDayMade.objects.filter(organization=organization, day=hour.date()).delete()
            rows = list(_rows(organization, hour, limits))
            LimitHour.objects.filter(organization=organization, hour=hour).delete()
            LimitHour.objects.bulk_create(rows, batch_size=500)
        made += len(rows)
        renew()
    return made


def locked(organization: Organization) -> None:
    """Wait for whoever makes figures of this organization. Call in a transaction."""
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)


def drop_before(day: date) -> None:
    """Let go of the hours before a day: what they came to is kept by the day."""
    for model in (LimitHour, LimitHourMade):
        model.objects.filter(hour__lt=clock.midnight(day)).delete()


class LimitHistory:
    """The limits of an organization at any moment, each state of them read once."""

    def __init__(self, organization: Organization) -> None:
        self._organization = organization
        self._changes: Sequence[datetime] = changes_of(organization, RATE_LIMIT_GROUPS.kind, RATE_LIMITS.kind)
        self._states: dict[int, Limits] = {}

    def at(self, moment: datetime) -> Limits:
        """The limits as they had been read at a moment."""
        place = bisect_right(self._changes, moment)
        if place not in self._states:
            self._states[place] = limits_at(self._organization, moment)
        return self._states[place]


def group_for(model: str, limits: Limits) -> Group:
    """The group a model draws from; one that is in none stands for itself."""
    return limits.group_of(model) or Group(f"{MODEL}{model}"[:200], "", model, (model,))


def _rows(organization: Organization, hour: datetime, limits: Limits) -> Iterator[LimitHour]:
    known: dict[str, dict[tuple[str, str], Limit]] = {}
    for (group, pool), by_workspace in _used(organization.pk, hour, limits).items():
        for workspace, minutes in by_workspace.items():
            if workspace not in known:
                known[workspace] = {(one.group.id, one.limiter): one for one in limits.of(workspace)}
            of_group = {
                limiter: one
                for (name, limiter), one in known[workspace].items()
                if name == group.id and pool in LIMITED_POOLS
            }
            uses = [*map(Use, *minutes)]
            for limiter, count in limiters_of(pool, of_group).items():
                limit = of_group.get(limiter)
                value = limit.value if limit else None
                values = [count(use) for use in uses]
                made = figures(dict(enumerate(values)), value)
                if made is None:
                    continue
                yield LimitHour(
                    organization=organization,
                    hour=hour,
                    group_id=group.id,
                    group=group.label,
                    pool=pool,
                    workspace_key=workspace,
                    limiter=limiter,
                    limit=value,
                    source=limit.source if limit else "organization",
                    peak=made.peak,
                    peak_at=hour + made.peak_at * clock.MINUTE,
                    total=sum(values),
                    minutes_active=made.minutes_active,
                    minutes_over_80=made.minutes_over_80,
                    minutes_over_95=made.minutes_over_95,
                    minutes_over_100=made.minutes_over_100,
                    values=pack(values),
                )


def _used(organization_id: int, hour: datetime, limits: Limits) -> _Used:
    """What counts against limits in each minute of an hour."""
    rows = (
        MinuteFact.objects.filter(minute__gte=hour, minute__lt=hour + clock.HOUR, series__organization=organization_id)
        .values_list("minute", "series__workspace_id", "series__model", "series__service_tier", "series__speed")
        .annotate(
            Sum("uncached_input_tokens"),
            Sum("ephemeral_5m_input_tokens"),
            Sum("ephemeral_1h_input_tokens"),
            Sum("cache_read_input_tokens"),
            Sum("output_tokens"),
        )
        .order_by()
    )
    found: _Used = {}
    groups: dict[str, Group] = {}
    for minute, workspace, model, tier, speed, uncached, five, one, read, output in rows.iterator(chunk_size=5000):
        group = groups.get(model) or groups.setdefault(model, group_for(model, limits))
        of = found.setdefault((group, pool_of(tier, speed)), {})
        counts = (
            int(uncached) + int(five) + int(one),
            int(read) if model.startswith(READS_COUNT) else 0,
            int(output),
        )
        for key in (ORGANIZATION_WIDE, workspace):
            columns = of.get(key) or of.setdefault(key, ([0] * AN_HOUR, [0] * AN_HOUR, [0] * AN_HOUR))
            for column, count in zip(columns, counts, strict=True):
                column[minute.minute] += count
    return found
