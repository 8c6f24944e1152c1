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
    """A table of rows that are written once, and never overwritten."""

    model: type[Model]
    columns: tuple[str, ...]
    money: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return self.model._meta.db_table


_CHARGED = (*models.COUNTS, *models.MONEY, "unpriced_tokens", "held")
_MONEY = frozenset(models.MONEY)
FACT = Table(models.Fact, "bucket_start", "series_id", models.COUNTS, unchanging=("run",))
MINUTE = Table(models.MinuteFact, "minute", "series_id", models.COUNTS)
SERIES_DAY = Table(models.SeriesDay, "day", "series_id", _CHARGED, _MONEY, unchanging=("price_id",))
SERIES_MONTH = Table(models.SeriesMonth, "month", "series_id", _CHARGED, _MONEY)
GROUP_DAY = Table(models.GroupDay, "day", "group_id", _CHARGED, _MONEY)
GROUP_MONTH = Table(models.GroupMonth, "month", "group_id", _CHARGED, _MONEY)
REPORTED = Table(
    models.ReportedLine, "day", "series_id", ("amount", "amount_cents"), frozenset({"amount"}), unchanging=("run",)
)
REPORTED_MONTH = Table(models.ReportedMonth, "month", "series_id", ("amount",), frozenset({"amount"}))
REVISION = Log(
    models.Revision, ("organization_id", "bucket_start", "series_id", *models.COUNTS, "seen_at", "run", "why")
)
REPORTED_REVISION = Log(
    models.ReportedRevision,
    ("organization_id", "day", "series_id", "amount", "seen_at", "run", "why"),
    frozenset({"amount"}),
)
LIMIT_HOUR = Log(
    models.LimitHour,
    (
        "organization_id",
        "hour",
        "group_id",
        "group",
        "pool",
        "workspace_key",
        "limiter",
        "limit",
        "source",
        "peak",
        "peak_at",
        "total",
        "minutes_active",
        "minutes_over_80",
        "minutes_over_95",
        "minutes_over_100",
        "values",
        "takers",
    ),
)

_AMOUNTS = ("amount", "list_amount")
ANALYTICS_USAGE = Table(models.AnalyticsUsage, "day", "series_id", (*models.COUNTS, "requests"), unchanging=("run",))
ANALYTICS_COST = Table(
    models.AnalyticsCost,
    "day",
    "series_id",
    (*_AMOUNTS, "amount_cents", "list_cents"),
    frozenset(_AMOUNTS),
    unchanging=("run",),
)
ANALYTICS_USAGE_REVISION = Log(
    models.AnalyticsUsageRevision,
    ("organization_id", "day", "series_id", *models.COUNTS, "requests", "seen_at", "run"),
)
ANALYTICS_COST_REVISION = Log(
    models.AnalyticsCostRevision,
    ("organization_id", "day", "series_id", *_AMOUNTS, "seen_at", "run"),
    frozenset(_AMOUNTS),
)
_METRICS = (
    "num_sessions",
    "lines_added",
    "lines_removed",
    "commits_by_claude_code",
    "pull_requests_by_claude_code",
    "tool_actions",
)
_USED = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "estimate")
_ESTIMATE = frozenset({"estimate"})
CLAUDE_CODE_DAY = Table(models.ClaudeCodeDay, "day", "series_id", _METRICS, unchanging=("run",))
CLAUDE_CODE_USE = Table(
    models.ClaudeCodeUse, "day", "series_id", (*_USED, "estimate_cents"), _ESTIMATE, unchanging=("run",)
)
CLAUDE_CODE_DAY_REVISION = Log(
    models.ClaudeCodeDayRevision, ("organization_id", "day", "series_id", *_METRICS, "seen_at", "run")
)
CLAUDE_CODE_USE_REVISION = Log(
    models.ClaudeCodeUseRevision, ("organization_id", "day", "series_id", *_USED, "seen_at", "run"), _ESTIMATE
)
