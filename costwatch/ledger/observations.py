"""Recording what responses said about rate limits: added to the minute they belong to, each request once."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from costwatch.ledger.dimensions import digest
from costwatch.ledger.models import ObservedMinute, ObservedRequest
from costwatch.upstream.limit_headers import Pool, Said

KEPT, IDS_KEPT = timedelta(days=35), timedelta(days=2)
TOO_MANY_REQUESTS = 429
# The kind of the row that counts the responses, whatever their headers said.
RESPONSES = ""
# The first columns, which name a row.
_KEYS = 6


@dataclass(frozen=True, slots=True)
class Response:
    """One response of the vendor; what nobody told is empty. `workspace_key` names the workspace as facts do."""

    organization_id: int
    observed_at: datetime
    status: int
    said: Said
    workspace_key: str = ""
    api_key_id: str = ""
    model: str = ""
    request_id: str = ""


def record_responses(*, responses: Sequence[Response], now: datetime) -> int:
    """Add responses to their minutes, all or none. Shape: how many were new; a request told before is left out."""
    with transaction.atomic():
        new = _new(responses, now)
        # In the order of their keys, so that two who tell of the same minutes wait for each other and never in a ring.
        rows = sorted((row for one in new for row in _rows(one)), key=lambda row: row[:_KEYS])
        if rows:
            with connection.cursor() as cursor:
                cursor.executemany(_SQL, rows)
    return len(new)


def prune(now: datetime) -> int:
    """Let go of minutes older than 35 days, and of the ids of requests told two days ago. Shape: how many rows."""
    ids = ObservedRequest.objects.filter(told_at__lt=now - IDS_KEPT).delete()[0]
    return ids + ObservedMinute.objects.filter(minute__lt=now - KEPT).delete()[0]


def _new(responses: Sequence[Response], now: datetime) -> list[Response]:
    """Those of some responses that were not told before; those without an id cannot be known again."""
    named = {_digest(one): one for one in reversed(responses) if one.request_id}
    telling = secrets.randbits(63)
    ObservedRequest.objects.bulk_create(
        (ObservedRequest(digest=name, telling=telling, told_at=now) for name in sorted(named)), ignore_conflicts=True
    )
    # Whoever tells the same at the same moment has waited for us, or we for them: the row says whose it is.
    mine = ObservedRequest.objects.filter(digest__in=named, telling=telling).values_list("digest", flat=True)
    return [named[name] for name in mine] + [one for one in responses if not one.request_id]


def _digest(one: Response) -> str:
    return digest(one.organization_id, (one.request_id,)).hex()


def _rows(one: Response) -> Iterator[tuple[Any, ...]]:
    moment = connection.ops.adapt_datetimefield_value
    minute = moment(one.observed_at.replace(second=0, microsecond=0))
    refused = int(one.status == TOO_MANY_REQUESTS)
    for kind, pool in {RESPONSES: Pool(), **one.said.pools}.items():
        yield (
            *(one.organization_id, minute, one.workspace_key, one.api_key_id, one.model, kind),
            *(1, refused, pool.limit, pool.remaining, pool.remaining, moment(pool.reset_at)),
            *(one.said.retry_after, moment(one.observed_at)),
        )


def _upsert() -> str:
    """The statement that adds a row to what is known of its minute, the same on SQLite and PostgreSQL."""
    table = ObservedMinute._meta.db_table
    columns = [str(field.column) for field in ObservedMinute._meta.concrete_fields if not field.primary_key]
    names = ", ".join(f'"{column}"' for column in columns)
    keys = ", ".join(f'"{column}"' for column in columns[:_KEYS])
    newer = f'excluded."observed_at" >= "{table}"."observed_at"'
    least = f'"{table}"."least_remaining" <= excluded."least_remaining"'

    def last(column: str) -> str:
        new, old = f'excluded."{column}"', f'"{table}"."{column}"'
        return f'"{column}" = CASE WHEN {newer} THEN COALESCE({new}, {old}) ELSE COALESCE({old}, {new}) END'

    either = f'COALESCE(excluded."least_remaining", "{table}"."least_remaining")'
    added = [f'"{column}" = "{table}"."{column}" + excluded."{column}"' for column in ("responses", "refused")]
    added.append(f'"least_remaining" = CASE WHEN {least} THEN "{table}"."least_remaining" ELSE {either} END')
    added += [last(column) for column in ("limit", "remaining", "reset_at", "retry_after", "observed_at")]
    marks = ", ".join(["%s"] * len(columns))
    return f'INSERT INTO "{table}" ({names}) VALUES ({marks}) ON CONFLICT ({keys}) DO UPDATE SET {", ".join(added)}'  # noqa: S608


_SQL = _upsert()
