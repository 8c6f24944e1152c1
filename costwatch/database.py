"""How a process connects to PostgreSQL: deadlines by role, a name, and what a pooler in between allows."""

from typing import Any

from costwatch.role import ALONE, BEAT, CHORES, COMMAND, MIGRATION, WEB, WORKER

# A page that takes longer has lost its reader; a worker's longest statement is the roll-up of a large organization.
# Commands and migrations take the time they need.
STATEMENT_SECONDS = {WEB: 5, BEAT: 5, WORKER: 120, CHORES: 120, ALONE: 120, COMMAND: 0, MIGRATION: 0}
IDLE_IN_TRANSACTION_SECONDS = 30
# A migration that waits for a lock makes every query behind it wait too: it gives up soon, and is run again.
LOCK_SECONDS_OF_MIGRATIONS = 2
CONNECT_SECONDS = 5
KEEP_SECONDS = 60


def connecting(given: dict[str, Any], *, role: str, is_pooled: bool) -> dict[str, Any]:
    """Complete the entry of `DATABASES` for a role.

    `is_pooled`: PgBouncer in transaction mode stands in between. It refuses `options` at the start and lends another
    session to each transaction, so there the deadlines are those of the database role (README), and nothing is used
    that lives longer than a transaction: kept connections, cursors of the server, prepared statements.
    """
    options: dict[str, Any] = {
        **given.get("OPTIONS", {}),
        "application_name": f"costwatch {role}",
        "connect_timeout": CONNECT_SECONDS,
        "keepalives": 1,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
        "prepare_threshold": None,
    }
    if not is_pooled:
        options["options"] = f"{options.get('options', '')} {session_options(role)}".strip()
    return {
        **given,
        "OPTIONS": options,
        "CONN_MAX_AGE": 0 if is_pooled else KEEP_SECONDS,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": is_pooled,
    }


def session_options(role: str) -> str:
    """The deadlines of a session, as libpq's `options` takes them."""
    deadlines = {
        "statement_timeout": STATEMENT_SECONDS[role],
        "idle_in_transaction_session_timeout": 0 if role == MIGRATION else IDLE_IN_TRANSACTION_SECONDS,
        "lock_timeout": LOCK_SECONDS_OF_MIGRATIONS if role == MIGRATION else 0,
    }
    return " ".join(f"-c {name}={seconds}s" for name, seconds in deadlines.items() if seconds)
