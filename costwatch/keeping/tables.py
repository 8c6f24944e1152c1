"""Every table of an installation, in the order in which its rows can be written."""

from dataclasses import dataclass
from functools import lru_cache
from graphlib import TopologicalSorter

from django.apps import apps
from django.db import models

from costwatch.ingest.models import Installation, Lease
from costwatch.money import MoneyField

# Who is signed in and what is being read at this moment ends with a move.
PASSING = ("django_session", Lease._meta.db_table)
# Made by migrations in every database, with numbers of its own: their rows alone are no data.
MADE_BY_MIGRATIONS = ("django_content_type", "auth_permission")
MIGRATIONS = "django_migrations"
INSTALLATION = Installation._meta.db_table

MONEY, COUNT, MOMENT, DAY, JSON, TEXT, PLAIN = "money", "count", "moment", "day", "json", "text", "plain"
_KINDS: tuple[tuple[type[models.Field], str], ...] = (  # type: ignore[type-arg]
    (MoneyField, MONEY),
    (models.AutoField, PLAIN),
    (models.BigIntegerField, COUNT),
    (models.DateTimeField, MOMENT),
    (models.DateField, DAY),
    (models.JSONField, JSON),
    (models.CharField, TEXT),
    (models.TextField, TEXT),
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column, and what its values are: that decides how they are written down and compared."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its columns; `key` are the places of the primary key among them."""

    name: str
    model: type[models.Model]
    columns: tuple[Column, ...]
    key: tuple[int, ...]

    @property
    def keys(self) -> tuple[Column, ...]:
        """The columns of the primary key."""
        return tuple(self.columns[place] for place in self.key)

    def places(self, kind: str) -> tuple[int, ...]:
        """Where the columns of a kind stand."""
        return tuple(place for place, column in enumerate(self.columns) if column.kind == kind)


@lru_cache
def tables() -> tuple[Table, ...]:
    """Every table that is worth keeping, each behind those it refers to."""
    kept = {
        model: {one.related_model for one in model._meta.concrete_fields if isinstance(one.related_model, type)}
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and model._meta.db_table not in PASSING
    }
    order = TopologicalSorter({model: needed - {model} for model, needed in kept.items()}).static_order()
    return tuple(_table(model) for model in order if model in kept)


def known_names() -> frozenset[str]:
    """The names of all tables that costwatch makes."""
    return frozenset({MIGRATIONS, *PASSING, *(table.name for table in tables())})


def _table(model: type[models.Model]) -> Table:
    fields = [one for one in model._meta.concrete_fields if one.column]
    names = [one.column for one in fields]
    keys = model._meta.pk_fields
    return Table(
        model._meta.db_table,
        model,
        tuple(Column(str(one.column), _kind(one)) for one in fields),
        tuple(names.index(one.column) for one in keys),
    )


def _kind(field: models.Field) -> str:  # type: ignore[type-arg]
    if field.is_relation or field.primary_key:
        target = field.target_field if isinstance(field, models.ForeignKey) else field
        return TEXT if isinstance(target, models.CharField | models.TextField) else PLAIN
    return next((kind for of, kind in _KINDS if isinstance(field, of)), PLAIN)
