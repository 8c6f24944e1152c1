"""The two kinds of database, as totals are asked of them."""

import secrets
import sqlite3
from typing import Any

import psycopg
from django.db.backends.base.base import BaseDatabaseWrapper


class SQLiteSide:
    """A SQLite database."""

    vendor = "sqlite"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.raw = connection

    def ask(self, sql: str, parameters: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        """The answer to a question."""
        return self.raw.execute(sql, parameters)

    stream = ask

    def names(self) -> dict[str, set[str]]:
        """The tables that are there, with their columns."""
        return _gathered(
            self.ask(
                "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
                " AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            )
        )


class PostgresSide:
    """A PostgreSQL database, spoken to in binary."""

    vendor = "postgresql"

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self.raw = connection

    def ask(self, sql: str) -> "psycopg.Cursor[Any]":
        """The answer to a question."""
        return psycopg.Cursor(self.raw).execute(sql.encode(), binary=True)

    def stream(self, sql: str) -> "psycopg.ServerCursor[Any]":
        """The answer to a question, fetched a piece at a time: the client would hold all of it otherwise.

        Its transaction stays open until the connection's next commit.
        """
        cursor = psycopg.ServerCursor(self.raw, f"stream_{secrets.token_hex(4)}", withhold=False)
        return cursor.execute(sql.encode(), binary=True)

    def names(self) -> dict[str, set[str]]:
        """The tables that are there, with their columns."""
        return _gathered(
            self.ask(
                "SELECT t.table_name::text, c.column_name::text FROM information_schema.tables t"
                " JOIN information_schema.columns c USING (table_schema, table_name)"
                " JOIN pg_class k ON k.relname = t.table_name AND k.relnamespace = current_schema()::regnamespace"
                " WHERE t.table_schema = current_schema() AND t.table_type = 'BASE TABLE' AND NOT k.relispartition"
            )
        )


def of(wrapper: BaseDatabaseWrapper) -> SQLiteSide | PostgresSide:
    """The database of a Django connection, in that connection's session."""
    wrapper.ensure_connection()
    return (SQLiteSide if wrapper.vendor == "sqlite" else PostgresSide)(wrapper.connection)


def session(wrapper: BaseDatabaseWrapper, *, dbname: str = "", **session_settings: str) -> PostgresSide:
    """A session of its own on the server of a Django connection, without the deadlines of a page or a worker.

    It is on the same database unless another is named.
    """
    given = wrapper.get_connection_params() | ({"dbname": dbname} if dbname else {})
    wanted = {"statement_timeout": "0", "idle_in_transaction_session_timeout": "0", **session_settings}
    allowed = {name: value for name, value in given.items() if name not in ("context", "cursor_factory", "options")}
    options = " ".join(f"-c {name}={value}" for name, value in wanted.items())
    return PostgresSide(psycopg.connect(**allowed, options=options))


def _gathered(pairs: Any) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for table, column in pairs:
        found.setdefault(table, set()).add(column)
    return found
