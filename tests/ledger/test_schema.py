"""Rules that every table keeps, asserted on the schema and on the database itself."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import Error, connection, models, transaction

from costwatch.ledger.models import ReportedMonth
from costwatch.money import MoneyField

OURS = [model for model in apps.get_models() if model.__module__.startswith("costwatch.")]


def keys(model: type[models.Model]) -> Iterator[tuple[str, ...]]:
    """Everything in a model that is unique."""
    yield tuple(field.name for field in model._meta.pk_fields)
    yield from ((field.name,) for field in model._meta.concrete_fields if field.unique)
    yield from (tuple(one) for one in model._meta.unique_together)
    for one in model._meta.constraints:
        if isinstance(one, models.UniqueConstraint):
            yield one.fields


def test_ing_01_no_unique_key_has_a_column_that_may_be_null() -> None:
    """Two NULLs are never equal: such a key lets the same thing in twice."""
    nullable = [
        f"{model.__name__}.{name}"
        for model in OURS
        for key in keys(model)
        for name in key
        if model._meta.get_field(name).null
    ]
    assert len(OURS) > 25
    assert nullable == []


def columns() -> list[Any]:
    return [
        pytest.param(model, field.column, id=f"{model.__name__}.{field.name}")
        for model in OURS
        for field in model._meta.concrete_fields
        if isinstance(field, MoneyField)
    ]


def test_mon_05_money_is_in_as_many_columns_as_are_known() -> None:
    named = {str(one.id) for one in columns()}
    assert {"SeriesDay.list_low", "GroupMonth.contracted_high", "ReportedMonth.amount", "ReportedLine.amount"} <= named
    assert ReportedMonth in {one.values[0] for one in columns()}


@pytest.mark.parametrize("value", ["'NaN'", "'Infinity'", "'twelve'"])
@pytest.mark.parametrize(("model", "column"), columns())
def test_mon_05_the_database_refuses_what_is_no_amount(
    db: None, model: type[models.Model], column: str, value: str
) -> None:
    """Every other column holds something plausible, so that this one alone is refused; no row of another table is."""
    given = {field.column: _plausible(field) for field in model._meta.concrete_fields if field.column}
    given |= {column: value}
    given = {name: one for name, one in given.items() if one is not None}
    names = ", ".join(f'"{name}"' for name in given)
    statement = f'INSERT INTO "{model._meta.db_table}" ({names}) VALUES ({", ".join(given.values())})'
    with pytest.raises(Error) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    said = str(refused.value).lower()
    assert "foreign" not in said
    assert "finite" in said or "numeric" in said, said


def _plausible(field: Any) -> str | None:
    if isinstance(field, models.AutoField):
        return None
    if isinstance(field, models.DateTimeField):
        return "'2026-11-12 00:00:00+00:00'"
    if isinstance(field, models.DateField):
        return "'2026-11-01'"
    if isinstance(field, models.BooleanField):
        return "false"
    if isinstance(field, models.CharField | models.TextField):
        return "''"
    return "1"
