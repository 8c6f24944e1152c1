"""The registry of billable meters: what the usage report counts and what a price is quoted per."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Meter:
    """One disjoint billable count.

    Shape: `name` is the usage report's field, `quote_key` the key inside `tokens` of a quote line (empty for meters
    that stand beside `tokens`), `unit` what is counted, `priced_per` how many units one published price covers.
    """

    name: str
    quote_key: str
    unit: str
    priced_per: int

    @property
    def is_token(self) -> bool:
        """Whether the meter counts tokens: factors and tiers apply to these only."""
        return self.unit == "token"


REGISTRY: tuple[Meter, ...] = (
    Meter("uncached_input_tokens", "uncached_input", "token", 1_000_000),
    Meter("ephemeral_5m_input_tokens", "cache_5m", "token", 1_000_000),
    Meter("ephemeral_1h_input_tokens", "cache_1h", "token", 1_000_000),
    Meter("cache_read_input_tokens", "cache_read", "token", 1_000_000),
    Meter("output_tokens", "output", "token", 1_000_000),
    Meter("web_search_requests", "", "request", 1),
)

TOKEN_METERS: tuple[str, ...] = tuple(meter.name for meter in REGISTRY if meter.is_token)
# Every tuple of six counts in the product is in this order.
METERS: tuple[str, ...] = tuple(meter.name for meter in REGISTRY)
WEB_SEARCH = METERS.index("web_search_requests")

# Server tools with a published price. Only web searches have a quantity in the usage report.
TOOLS: tuple[str, ...] = ("web_search", "code_execution", "session")
