"""manage.py sync: fetch, record and price, without a worker."""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest.connect import CannotConnect, Connection, client, connect
from costwatch.ingest.examine.boot import refuse_wrong_configuration
from costwatch.ingest.installation import WrongDatabase, upstream
from costwatch.ingest.lease import Busy
from costwatch.ingest.meeting import complain, let_go, turned_away
from costwatch.ingest.models import Run
from costwatch.ingest.order import Order
from costwatch.ingest.repricing import reprice
from costwatch.ingest.runs import may_run, source_of
from costwatch.ingest.sources import BASIS, SOURCES
from costwatch.ingest.sync import Waits, sync
from costwatch.ledger import prices as ledger_prices
from costwatch.ledger import reprice as ledger_reprice
from costwatch.secrets import configured
from costwatch.secrets.configured import Configured
from costwatch.upstream.credential import MissingCredential
from costwatch.upstream.errors import UpstreamError
from pricing.table import PriceTableError

EVERY_SOURCE = ("usage", "minutes", "cost", "claude_code", "analytics", "directory", "limits")
NOT_AVAILABLE = "not available"
Outcomes = list[dict[str, Any]]


class Command(BaseCommand):
    help = "Fetch what is due, or a span of days, record it and price it. Running it again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", type=_day, metavar="DATE", help="first UTC day, 2026-11-01")
        parser.add_argument("--until", type=_day, metavar="DATE", help="the UTC day after the last")
        parser.add_argument("--source", action="append", choices=EVERY_SOURCE, help="may be given several times")
        parser.add_argument("--organization", metavar="ID", help="its id, or the label of its credential; default: all")
        parser.add_argument("--format", choices=("text", "json"), default="text")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["since"] and options["until"] and options["since"] >= options["until"]:
            raise CommandError("--since must be before --until, which is exclusive")
        if options["since"] and options["since"] > clock.today():
            raise CommandError(f"--since {options['since']} has not come yet")
        unknown = [name for name in options["source"] or () if name not in SOURCES]
        if unknown:
            raise CommandError(f"this version does not read {', '.join(unknown)}; it reads {', '.join(SOURCES)}")
        refuse_wrong_configuration()
        quiet = options["format"] == "json"
        order = Order(
            since=options["since"],
            until=options["until"],
            tell=lambda line: None if quiet or options["verbosity"] < 1 else self.stderr.write(line),
        )
        wanted = [name for name in SOURCES if name in (options["source"] or SOURCES)]
        try:
            with upstream():
                outcomes = self._run(wanted, order, options["organization"], explicit=bool(options["source"]))
        except (CannotConnect, WrongDatabase, MissingCredential, UpstreamError, PriceTableError) as error:
            raise CommandError(str(error)) from None
        if quiet:
            self.stdout.write(json.dumps({"runs": outcomes}, ensure_ascii=False))
        else:
            several = len({outcome["organization"] for outcome in outcomes}) > 1
            for outcome in outcomes:
                self.stdout.write((f"{outcome['organization']}: " if several else "") + _told(outcome))
        # What an organization does not have is no failure, unless it was asked for or amounts are made of it.
        needed = (BASIS, *(options["source"] or ()))
        if any(
            outcome["outcome"] in ("failed", "busy", "waits")
            or (outcome["outcome"] == NOT_AVAILABLE and outcome["source"] in needed)
            for outcome in outcomes
        ):
            sys.exit(1)

    def _run(self, wanted: list[str], order: Order, which: str | None, *, explicit: bool) -> Outcomes:
        ledger_prices.publish()
        if ledger_reprice.is_due() and not reprice():
            self.stderr.write("Another run is at work: the new prices are applied by the next sync.")
        found = configured.credentials()
        if not found:
            raise CannotConnect(configured.nothing())
        let_go(found)
        chosen = _chosen(found, which)
        outcomes, complaints, failed = Outcomes(), list[str](), None
        for one in chosen:
            began = clock.now()
            try:
                with client(one.label) as opened:
                    outcomes += _read(connect(opened, one.label), wanted, order, explicit=explicit)
            except (CannotConnect, UpstreamError) as error:
                complaints.append(f"{one.label}: {error}" if one.label else str(error))
                for organization in Organization.objects.filter(is_read=True, credential=one.label):
                    turned_away(organization, wanted, began, error)
                told = {"organization": _name(one), "source": "connecting", "outcome": "failed", "error": str(error)}
                outcomes.append(told)
                failed = error
        if which is None or len(found) == 1:
            complain(complaints)
        if failed and len(chosen) == 1:
            raise failed
        for organization in Organization.objects.filter(is_read=False).order_by("pk"):
            if which is None:
                outcomes.append(_outcome(organization, "all", outcome="not read", error="no credential reads it"))
        return outcomes


def _chosen(found: list[Configured], which: str | None) -> list[Configured]:
    """The credentials to read with. Raises: CannotConnect where there is none of that label or organization."""
    if which is None:
        return found
    reads = Organization.objects.filter(external_id=which).values_list("credential", flat=True).first()
    chosen = [one for one in found if one.label == (which if reads is None else reads)]
    if not chosen:
        named = ", ".join(sorted(_name(one) for one in found))
        raise CannotConnect(f"no credential reads the organization {which!r}; there are: {named}")
    return chosen


def _name(one: Configured) -> str:
    """An organization before it is known: by the id it had last, or its label."""
    reads = Organization.objects.filter(is_read=True, credential=one.label)
    return reads.values_list("external_id", flat=True).first() or one.label or "the organization of the only credential"


def _read(connection: Connection, wanted: list[str], order: Order, *, explicit: bool) -> Outcomes:
    outcomes = []
    organization = connection.organization
    for source in wanted:
        health = source_of(organization.pk, source)
        is_asked_for = explicit or source == BASIS
        if not is_asked_for and not health.available and not may_run(health, clock.now()):
            outcomes.append(_outcome(organization, source, outcome=NOT_AVAILABLE, error=health.reason))
            continue
        try:
            outcomes.append(_counted(organization, source, sync(connection, source, order)))
        except Busy as error:
            outcomes.append(_outcome(organization, source, outcome="busy", error=str(error)))
        except Waits as error:
            outcomes.append(_outcome(organization, source, outcome="waits", error=str(error)))
    return outcomes


def _outcome(organization: Organization, source: str, **more: Any) -> dict[str, Any]:
    return {"organization": organization.external_id, "source": source, **more}


def _counted(organization: Organization, source: str, run: Run | None) -> dict[str, Any]:
    if run is None:
        health = source_of(organization.pk, source)
        due = "nothing due" if health.available else NOT_AVAILABLE
        return _outcome(organization, source, outcome=due, error=health.reason)
    return _outcome(
        organization,
        source,
        outcome=NOT_AVAILABLE if run.outcome == Run.Outcome.CLOSED else run.outcome,
        windows=run.windows_done,
        windows_planned=run.windows_planned,
        requests=run.requests,
        rows_read=run.rows_read,
        rows_changed=run.rows_changed,
        duration_ms=run.duration_ms,
        error=run.error,
    )


def _told(outcome: dict[str, Any]) -> str:
    if "windows" not in outcome:
        return f"{outcome['source']}: {outcome['outcome']}" + (f" ({outcome['error']})" if outcome["error"] else "")
    text = (
        f"{outcome['source']}: {outcome['outcome']}, {outcome['windows']} of {outcome['windows_planned']} windows, "
        f"{outcome['requests']} requests, {outcome['rows_read']} rows read, {outcome['rows_changed']} changed, "
        f"{outcome['duration_ms'] / 1000:.1f} s"
    )
    return text + (f"\n  {outcome['error']}" if outcome["error"] else "")


def _day(text: str) -> date:
    try:
        return clock.day(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
