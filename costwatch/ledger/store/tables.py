"""The ledger's tables as the stores see them: what identifies a row, what it holds, what of it is money."""

from dataclasses import dataclass

from django.db.models import Model

from costwatch.ledger import models


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose rows are replaced a moment at a time: keyed by a moment (hour, day or month) and an owner.

    `unchanging` are values that a row keeps from its first write for as long as the others are equal.
    """

    model: type[Model]
    moment: str
    owner: str
    values: tuple[str, ...]
    money: frozenset[str] = frozenset()
    unchanging: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.model._meta.db_table

    @property
    def key(self) -> tuple[str, str]:
        return self.moment, self.owner

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.moment, self.owner, *self.values, *self.unchanging)

    @property
    def interned(self) -> str:
        """The table of the owners: it knows whose organization a row is."""
        related = self.model._meta.get_field(self.owner.removesuffix("_id")).related_model
        assert isinstance(related, type)
        return related._meta.db_table


@dataclass(frozen=True, slots=True)
class Log:
    """An append-only table."""

    model: type[Model]
    columns: tuple[str, ...]
    money: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return self.model._meta.db_table


_CHARGED = (*models.COUNTS, *models.MONEY, "unpriced_tokens", "held")
_MONEY = frozenset(models.MONEY)
FACT = Table(models.Fact, "bucket_start", "series_id", models.COUNTS, unchanging=("run",))
SERIES_DAY = Table(models.SeriesDay, "day", "series_id", _CHARGED, _MONEY, unchanging=("price_id",))
SERIES_MONTH = Table(models.SeriesMonth, "month", "series_id", _CHARGED, _MONEY)
GROUP_DAY = Table(models.GroupDay, "day", "group_id", _CHARGED, _MONEY)
GROUP_MONTH = Table(models.GroupMonth, "month", "group_id", _CHARGED, _MONEY)
REPORTED = Table(
    models.ReportedLine, "day", "series_id", ("amount", "amount_cents"), frozenset({"amount"}), unchanging=("run",)
)
REPORTED_MONTH = Table(models.ReportedMonth, "month", "series_id", ("amount",), frozenset({"amount"}))
REVISION = Log(models.Revision, ("organization_id", "bucket_start", "series_id", *models.COUNTS, "seen_at", "run"))
REPORTED_REVISION = Log(
    models.ReportedRevision, ("organization_id", "day", "series_id", "amount", "seen_at", "run"), frozenset({"amount"})
)
