"""/metrics: the numbers a monitoring system draws and alerts on, for whoever has the token."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from costwatch import __version__, clock
from costwatch.access import bearer
from costwatch.ingest.models import Run
from costwatch.insights.coverage_calendar import WORST_FIRST
from costwatch.insights.health_measures import Measures, SourceMeasure, measures
from costwatch.insights.limits.measures import LimitMeasure, limit_measures
from costwatch.web import probes
from costwatch.web.openmetrics import CONTENT_TYPE, COUNTER, GAUGE, INFO, Family, exposition

FINISHED = tuple(one.value for one in Run.Outcome if one != Run.Outcome.RUNNING)


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Everything measured, as OpenMetrics text; without a configured token there is no such page."""
    if not settings.METRICS_TOKEN:
        raise Http404
    if not bearer.shows(request, settings.METRICS_TOKEN):
        refused = HttpResponse("The metrics need the token: Authorization: Bearer ...\n", "text/plain", status=401)
        refused["WWW-Authenticate"] = 'Bearer realm="metrics"'
        return refused
    found = probes.answers.get()
    families = _installation(found)
    # Without a database there is still to tell that it is away.
    if found["database"] == probes.OK:
        try:
            families += [*_measured(measures()), *_limits(limit_measures())]
        except Error:
            families = _installation(found | {"database": probes.FAILED})
    return HttpResponse(exposition(families), CONTENT_TYPE)


def _installation(found: probes.Checks) -> list[Family]:
    build = Family("costwatch_build", INFO, "The version that answers and the database it uses.")
    build.add(1, version=__version__, database=connection.vendor)
    checks = Family("costwatch_check_ok", GAUGE, "1 where a part of /readyz works.")
    for name, state in found.items():
        checks.add(state == probes.OK, check=name)
    return [build, checks]


def _measured(found: Measures) -> list[Family]:
    ages = Family("costwatch_heartbeat_age_seconds", GAUGE, "Since the scheduler rang, a worker heard it.", "seconds")
    for part, age in found.heartbeats.items():
        ages.add(age, part=part)
    unpriced = Family("costwatch_unpriced_tokens", GAUGE, "Tokens of this month that have no price.")
    for organization, tokens in found.unpriced_tokens.items():
        unpriced.add(tokens, organization=organization)
    size = Family("costwatch_database_size_bytes", GAUGE, "The size of the database.", "bytes")
    size.add(found.database_bytes)
    queue = Family("costwatch_queue_age_seconds", GAUGE, "How long the longest waiting source is due.", "seconds")
    queue.add(found.queue_age)
    proved = Family("costwatch_proof_ok", GAUGE, "1 where the newest proof that sums add up did hold.")
    for (organization, name), ok in found.proofs.items():
        proved.add(ok, organization=organization, proof=name)
    families = [*_freshness(found.sources), *_work(found.sources), *_data(found.sources)]
    return [*families, ages, queue, proved, unpriced, size]


def _limits(found: list[LimitMeasure]) -> list[Family]:
    use = Family(
        "costwatch_limit_utilisation_ratio", GAUGE, "The peak minute of the last hour beside its limit.", "ratio"
    )
    over = Family("costwatch_limit_minutes_over_80", GAUGE, "Minutes of 24 hours above 80 % of the limit.")
    left = Family("costwatch_limit_days_left", GAUGE, "Days until the limit at the trend of the daily peaks.")
    for one in found:
        of = {
            "organization": one.organization,
            "group": one.group,
            "group_id": one.group_id,
            "pool": one.pool,
            "workspace": one.workspace,
            "limiter": one.limiter,
            "source": one.source,
        }
        # Where nothing was read there is no figure: 0 would clear an alert.
        if one.utilisation is not None:
            use.add(one.utilisation, **of)
        over.add(one.minutes_over_80, **of)
        if one.days_left is not None:
            left.add(one.days_left, **of)
    return [use, over, left]


def _freshness(sources: list[SourceMeasure]) -> list[Family]:
    now = clock.now()
    through = _gauge("data_through_timestamp", "How far the newest data goes.", "seconds")
    age = _gauge("freshness", "How old the newest data is.", "seconds")
    success = _gauge("last_success_timestamp", "When the source was last read.", "seconds")
    usual = _gauge("usual_delay", "How old the newest data usually gets before it is read again.", "seconds")
    failures = _gauge("consecutive_failures", "Failed runs in a row.")
    available = _gauge("available", "1 where the key may read the source.")
    for one in sources:
        of, health = _labels(one), one.health
        if newest := health.through or (None if one.buckets else health.last_success):
            through.add(newest.timestamp(), **of)
            age.add(max(0.0, (now - newest).total_seconds()), **of)
        if health.last_success:
            success.add(health.last_success.timestamp(), **of)
        if health.usual.delay is not None:
            usual.add(health.usual.delay.total_seconds(), **of)
        failures.add(health.failures, **of)
        available.add(health.state != "closed", **of)
    return [through, age, success, usual, failures, available]


def _work(sources: list[SourceMeasure]) -> list[Family]:
    running = _gauge("running", "1 where a run is at work.")
    runs = Family("costwatch_runs", COUNTER, "Runs that ended, by outcome.")
    requests = Family("costwatch_requests", COUNTER, "Requests to the Admin API.")
    read = Family("costwatch_rows_read", COUNTER, "Rows of reports that were read.")
    changed = Family("costwatch_rows_changed", COUNTER, "Rows that differed from what was known.")
    took = Family("costwatch_run_duration_seconds", COUNTER, "Time that runs took.", "seconds")
    for one in sources:
        of, works = _labels(one), one.work.values()
        running.add(one.health.is_at_work, **of)
        for outcome in FINISHED:
            runs.add(one.work[outcome].runs if outcome in one.work else 0, **of, outcome=outcome)
        requests.add(sum(work.requests for work in works), **of)
        read.add(sum(work.rows_read for work in works), **of)
        changed.add(sum(work.rows_changed for work in works), **of)
        took.add(sum(work.duration_ms for work in works) / 1000, **of)
    return [running, runs, requests, read, changed, took]


def _data(sources: list[SourceMeasure]) -> list[Family]:
    buckets = Family("costwatch_coverage_buckets", GAUGE, "Hours or days of a source by state; unread ones too.")
    aside = _gauge("set_aside_rows", "Rows of a report that could not be recorded.")
    unknown = _gauge("unknown_values", "Fields and values of a report that this version does not know.")
    matching = _gauge("control_totals_matching", "Settled buckets that come to the vendor's own total.")
    differing = _gauge("control_totals_differing", "Settled buckets that do not.")
    for one in sources:
        of = _labels(one)
        if one.totals:
            matching.add(one.totals.matching, **of)
            differing.add(one.totals.differing, **of)
        for state in WORST_FIRST if one.buckets else ():
            buckets.add(one.buckets.get(state, 0), **of, state=state)
        aside.add(one.set_aside, **of)
        unknown.add(one.unknown, **of)
    return [buckets, matching, differing, aside, unknown]


def _gauge(name: str, says: str, unit: str = "") -> Family:
    return Family(f"costwatch_source_{name}{'_' + unit if unit else ''}", GAUGE, says, unit)


def _labels(one: SourceMeasure) -> dict[str, str]:
    return {"organization": one.organization, "source": one.health.source}
