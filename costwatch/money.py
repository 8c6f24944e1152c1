"""The one money column: exact US dollars, held in Python as whole pico-dollars (1 USD = 10^12)."""

from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

PICO = 10**12
SQLITE_LIMIT = 2**63 - 1
NUMERIC_LIMIT = 10**38 - 1
# A wider context than any column: Decimal's default 28 digits would round a large sum.
_WIDE = Context(prec=80)


class MoneyOutOfRange(ValueError):
    """An amount that a single cell of this database cannot hold."""


def fits(pico: int, vendor: str) -> bool:
    """Whether a single cell holds the amount: SQLite's integers end at 9.2 million USD."""
    return abs(pico) <= (SQLITE_LIMIT if vendor == "sqlite" else NUMERIC_LIMIT)


def to_db(pico: int, vendor: str) -> int | Decimal:
    """The database's form of an amount.

    Units: pico-dollars in; SQLite stores them as they are, PostgreSQL as numeric USD.
    Raises: MoneyOutOfRange with the advice to move to PostgreSQL.
    """
    if not fits(pico, vendor):
        raise MoneyOutOfRange(
            "an amount above 9.2 million USD does not fit into one cell of SQLite; move to PostgreSQL (DATABASE_URL)"
            if vendor == "sqlite"
            else "an amount does not fit into numeric(38,12)"
        )
    return pico if vendor == "sqlite" else Decimal(pico).scaleb(-12, context=_WIDE)


def from_db(value: int | str | Decimal | None) -> int | None:
    """The pico-dollars of a stored amount or of an exact sum."""
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, str):
        whole, rest = value.split(":")
        return int(whole) * 10**6 + int(rest)
    return int(value.scaleb(12, context=_WIDE))


if TYPE_CHECKING:
    _Field = models.Field[Any, Any]
else:
    _Field = models.Field


class MoneyField(_Field):
    """An exact amount of USD.

    Units: Python ints of pico-dollars; numeric(38,12) USD on PostgreSQL, 64-bit pico-dollars on SQLite.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "bigint" if connection.vendor == "sqlite" else "numeric(38,12)"

    def get_internal_type(self) -> str:
        return "MoneyField"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> int | None:
        return from_db(value)

    def to_python(self, value: Any) -> int | None:
        return None if value is None else int(value)

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise TypeError(f"money is whole pico-dollars, not {value!r}")
        return value

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        if not prepared:
            value = self.get_prep_value(value)
        return None if value is None else to_db(value, connection.vendor)


class ExactSum(models.Aggregate):
    """A sum of money that cannot overflow.

    Units: pico-dollars; None over no rows. SQLite's own sum() of integers raises above 9.2 million USD, so the
    two limbs (micro-dollars and the rest) are summed apart and joined in Python.
    """

    function = "SUM"
    name = "ExactSum"

    def __init__(self, expression: Any, **extra: Any) -> None:
        super().__init__(expression, output_field=MoneyField(), **extra)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, tuple[Any, ...]]:
        template = (
            "(CAST(SUM(%(expressions)s / 1000000) AS TEXT) || ':' || CAST(SUM(%(expressions)s %% 1000000) AS TEXT))"
        )
        sql, params = super().as_sql(compiler, connection, template=template, **context)
        return sql, (*params, *params)


class IsFinite(models.Func):
    """Whether an amount is a number: PostgreSQL's numeric accepts NaN and sorts it above every number."""

    template = "(%(expressions)s BETWEEN -9e24 AND 9e24)"
    output_field = models.BooleanField()


def finite(*names: str) -> list[models.BaseConstraint]:
    """The check constraints that keep NaN and infinities out of money columns."""
    return [
        models.CheckConstraint(name=f"%(app_label)s_%(class)s_{name}_finite", condition=IsFinite(models.F(name)))
        for name in names
    ]
