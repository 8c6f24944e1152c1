"""The only writers of the ledger's tables: one interface, one implementation per database."""

from django.db import connection

from costwatch.ledger.store.base import Store
from costwatch.ledger.store.postgres import PostgresStore
from costwatch.ledger.store.sqlite import SQLiteStore


def store() -> Store:
    """The store of the configured database."""
    return SQLiteStore() if connection.vendor == "sqlite" else PostgresStore()
