"""What an hour's minutes came to beside the limits in force: pages read these, and days are made of them."""

import json
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, datetime

from django.db import transaction

from costwatch import clock
from costwatch.directory.history import changes_of
from costwatch.directory.kinds import RATE_LIMIT_GROUPS, RATE_LIMITS
from costwatch.directory.limits import Group, Limit, Limits, limits_at, limits_now
from costwatch.directory.models import ORGANIZATION_WIDE, Organization
from costwatch.ledger.limit_figures import (
    AN_HOUR,
    LIMITED_POOLS,
    READS_COUNT,
    SHORT_ABOVE,
    Use,
    figures,
    limiters_of,
    pack,
    pool_of,
)
from costwatch.ledger.models import LimitDayMade, LimitHour, LimitHourMade, Series
from costwatch.ledger.store import store
from costwatch.ledger.store.base import Row
from costwatch.ledger.store.tables import LIMIT_HOUR, MINUTE

# The id of a group that is made of one model, since it is in none.
MODEL = "model:"
# Input, cache reads and output of an hour's minutes.
_Columns = tuple[list[int], list[int], list[int]]
# By group and pool, then workspace ("" sums them all).
_Used = dict[tuple[Group, str], dict[str, _Columns]]
# By workspace: the limits that apply, by group and limiter.
_Applying = dict[str, dict[tuple[str, str], Limit]]


def make_hours(
    organization: Organization, hours: Mapping[datetime, str], renew: Callable[[], None] = lambda: None
) -> int:
    """Make the figures of some hours from their minutes, in place of those made before.

    Shape: `hours` say what each is made of, looked up before; the result is how many rows were written.
    """
    if not hours:
        return 0
    history, minutes, made = LimitHistory(organization), _Minutes(organization.pk), 0
    applying: dict[int, _Applying] = {}
    for hour, made_of in hours.items():
        now = clock.now()
        limits = history.at(min(hour + clock.HOUR, now))
        with transaction.atomic():
            locked(organization)
            LimitHourMade.objects.update_or_create(
                organization=organization, hour=hour, defaults={"made_of": made_of, "made_at": now}
            )
            LimitDayMade.objects.filter(organization=organization, day=hour.date()).delete()
            known = applying.setdefault(id(limits), {})
            rows = list(_rows(organization.pk, hour, limits, known, minutes.used(hour, limits)))
            LimitHour.objects.filter(organization=organization, hour=hour).delete()
            store().append(LIMIT_HOUR, rows)
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
        self._states: dict[tuple[int, date | None], Limits] = {}

    def at(self, moment: datetime) -> Limits:
        """The limits as they had been read at a moment."""
        # What is assumed is what was published on the day.
        day = moment.date() if self._organization.assumed_tier else None
        changes_before = bisect_right(self._changes, moment)
        state = changes_before, day
        if state not in self._states:
            # Where nothing has changed since, they are those of now, which takes no undoing.
            is_now = changes_before == len(self._changes) and day is None
            self._states[state] = limits_now(self._organization) if is_now else limits_at(self._organization, moment)
        return self._states[state]

    def now(self) -> Limits:
        """The limits as they were last read."""
        return self.at(max([clock.now(), *self._changes[-1:]]))


def group_for(model: str, limits: Limits) -> Group:
    """The group a model draws from; one that is in none stands for itself."""
    return limits.group_of(model) or Group(f"{MODEL}{model}"[:200], "", model, (model,))


def _rows(organization_id: int, hour: datetime, limits: Limits, known: _Applying, used: _Used) -> Iterator[Row]:
    """The rows of an hour. Shape: as the columns of `LIMIT_HOUR`; `known` is filled from `limits`."""
    for (group, pool), by_workspace in used.items():
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
                yield (
                    organization_id,
                    hour,
                    group.id,
                    group.label,
                    pool,
                    workspace,
                    limiter,
                    value,
                    limit.source if limit else "organization",
                    made.peak,
                    hour + made.peak_at * clock.MINUTE,
                    sum(values),
                    made.minutes_active,
                    made.minutes_over_80,
                    made.minutes_over_95,
                    made.minutes_over_100,
                    pack(values),
                    "" if workspace or value is None else _takers(by_workspace, count, values, value),
                )


def _takers(
    by_workspace: Mapping[str, _Columns], count: Callable[[Use], int], values: Sequence[int], limit: int
) -> str:
    """Whose tokens a pool's were in the minutes in which it ran short. Shape: JSON, workspace to tokens."""
    short = [place for place, value in enumerate(values) if value * 100 > limit * SHORT_ABOVE]
    taken = {
        workspace: sum(count(Use(inputs[place], reads[place], outputs[place])) for place in short)
        for workspace, (inputs, reads, outputs) in by_workspace.items()
        if workspace != ORGANIZATION_WIDE
    }
    return json.dumps(taken, separators=(",", ":")) if short else ""


class _Minutes:
    """The minutes of an organization by what their limits are of; whose a series is, is looked up once."""

    def __init__(self, organization_id: int) -> None:
        self._organization_id = organization_id
        # Workspace, model and pool by series.
        self._series: dict[int, tuple[str, str, str]] = {}

    def used(self, hour: datetime, limits: Limits) -> _Used:
        """What counts against limits in each minute of an hour."""
        minutes = [hour + place * clock.MINUTE for place in range(AN_HOUR)]
        stored = store().existing(MINUTE, self._organization_id, minutes)
        found, columns = self._empty({number for rows in stored.values() for number in rows}, limits)
        for place, minute in enumerate(minutes):
            for number, (uncached, five, one, read, output, _) in stored[minute].items():
                inputs, reads, outputs = columns[number]
                inputs[place] += uncached + five + one
                outputs[place] += output
                if reads is not None:
                    reads[place] += read
        for by_workspace in found.values():
            by_workspace[ORGANIZATION_WIDE] = _summed(by_workspace.values())
        return found

    def _empty(
        self, numbers: set[int], limits: Limits
    ) -> tuple[_Used, dict[int, tuple[list[int], list[int] | None, list[int]]]]:
        """Columns of nothing. Shape: as they are to be filled, and by series; None: its cache reads do not count."""
        self._look_up(numbers)
        found: _Used = {}
        groups: dict[str, Group] = {}
        of_series = {}
        for number in numbers:
            workspace, model, pool = self._series[number]
            group = groups.get(model) or groups.setdefault(model, group_for(model, limits))
            of = found.setdefault((group, pool), {})
            inputs, reads, outputs = of.get(workspace) or of.setdefault(workspace, _columns())
            of_series[number] = inputs, reads if model.startswith(READS_COUNT) else None, outputs
        return found, of_series

    def _look_up(self, numbers: set[int]) -> None:
        new = Series.objects.filter(pk__in=list(numbers - self._series.keys()))
        for number, workspace, model, tier, speed in new.values_list(
            "pk", "workspace_id", "model", "service_tier", "speed"
        ):
            self._series[number] = workspace, model, pool_of(tier, speed)


def _columns() -> _Columns:
    return [0] * AN_HOUR, [0] * AN_HOUR, [0] * AN_HOUR


def _summed(every: Collection[_Columns]) -> _Columns:
    columns = zip(*every, strict=True)
    inputs, reads, outputs = ([sum(minute) for minute in zip(*column, strict=True)] for column in columns)
    return inputs, reads, outputs
