"""The ledger's schema.

A fact is counts only, keyed (bucket start, series); `Series` interns the text dimensions behind a 16-byte digest, so
that a hostile name cannot break an index and a new report dimension is a column here, not on every fact. Charges live
on the day rollup per series and are derived: they can be thrown away and made again. No natural key has a nullable
column: what the vendor did not report is the empty string.
"""

from costwatch.ledger.models.analytics import (
    AnalyticsCost,
    AnalyticsCostRevision,
    AnalyticsCostSeries,
    AnalyticsSeries,
    AnalyticsUsage,
    AnalyticsUsageRevision,
)
from costwatch.ledger.models.claude_code import (
    ClaudeCodeDay,
    ClaudeCodeDayRevision,
    ClaudeCodeModelSeries,
    ClaudeCodeSeries,
    ClaudeCodeUse,
    ClaudeCodeUseRevision,
)
from costwatch.ledger.models.counts import COUNTS, MONEY, Charged, Counts
from costwatch.ledger.models.minutes import LimitDay, LimitDayMade, LimitHour, LimitHourMade, MinuteFact
from costwatch.ledger.models.observations import ObservedMinute, ObservedRequest
from costwatch.ledger.models.prices import PriceChange, PricePublication
from costwatch.ledger.models.reported import (
    ConsoleFigure,
    ReportedLine,
    ReportedMonth,
    ReportedRevision,
    ReportedSeries,
)
from costwatch.ledger.models.usage import (
    Fact,
    GroupDay,
    GroupMonth,
    Revision,
    Series,
    SeriesDay,
    SeriesMonth,
    StaleMonth,
    UsageGroup,
)

__all__ = [
    "COUNTS",
    "MONEY",
    "AnalyticsCost",
    "AnalyticsCostRevision",
    "AnalyticsCostSeries",
    "AnalyticsSeries",
    "AnalyticsUsage",
    "AnalyticsUsageRevision",
    "Charged",
    "ClaudeCodeDay",
    "ClaudeCodeDayRevision",
    "ClaudeCodeModelSeries",
    "ClaudeCodeSeries",
    "ClaudeCodeUse",
    "ClaudeCodeUseRevision",
    "ConsoleFigure",
    "Counts",
    "Fact",
    "GroupDay",
    "GroupMonth",
    "LimitDay",
    "LimitDayMade",
    "LimitHour",
    "LimitHourMade",
    "MinuteFact",
    "ObservedMinute",
    "ObservedRequest",
    "PriceChange",
    "PricePublication",
    "ReportedLine",
    "ReportedMonth",
    "ReportedRevision",
    "ReportedSeries",
    "Revision",
    "Series",
    "SeriesDay",
    "SeriesMonth",
    "StaleMonth",
    "UsageGroup",
]
