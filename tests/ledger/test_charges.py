"""Charges: exact, bounded, never a silent zero."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from django.db import Error, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.insights.query import question
from costwatch.insights.reports import report
from costwatch.ledger import prices as ledger_prices
from costwatch.ledger.dimensions import ReportedDims, UsageDims, clean
from costwatch.ledger.models import (
    Fact,
    GroupDay,
    GroupMonth,
    PricePublication,
    ReportedLine,
    ReportedSeries,
    Revision,
    SeriesDay,
    SeriesMonth,
)
from costwatch.ledger.reprice import is_due, note_applied, reprice
from costwatch.money import ExactSum, MoneyOutOfRange, from_db, to_db
from tests.conftest import Record, own_prices

HOUR = datetime(2026, 11, 12, 5, tzinfo=UTC)
DAY = date(2026, 11, 12)
OPUS = UsageDims("key-1", "default", "claude-opus-5-5", "standard", "0-200k", "global", "standard")
PICO = 10**12


def spend(**options: object) -> dict:
    return report("spend", question(since=DAY, until=date(2026, 11, 13), interval="total", **options))  # type: ignore[arg-type]


def test_the_worked_example_of_the_price_page_is_exact_in_the_database(record: Record) -> None:
    record(HOUR, {OPUS: (1000, 2000, 3000, 40000, 500, 0)})
    assert SeriesDay.objects.get().list_low == 56_000_000_000
    assert spend()["totals"]["list_usd"] == "0.056"


def test_two_hours_of_a_series_make_one_day_and_one_month(record: Record) -> None:
    record(HOUR, {OPUS: (1000, 0, 0, 0, 0, 0)})
    record(HOUR + clock.HOUR, {OPUS: (0, 0, 0, 0, 500, 3)})
    day, month = SeriesDay.objects.get(), SeriesMonth.objects.get()
    # 1000 x $4/M + 500 x $20/M + 3 x $0.01
    assert (day.list_low, day.web_search_requests) == (44_000_000_000, 3)
    assert (month.list_low, month.month) == (44_000_000_000, date(2026, 11, 1))
    assert (GroupDay.objects.get().list_low, GroupMonth.objects.get().list_low) == (44_000_000_000, 44_000_000_000)


def test_mon_06_an_unknown_price_is_unpriced_and_never_zero(record: Record) -> None:
    record(HOUR, {OPUS._replace(model="claude-next-99"): (1_000_000, 0, 0, 0, 200_000, 0), OPUS: (1000, 0, 0, 0, 0, 0)})
    totals = spend()["totals"]
    assert (totals["list_usd"], totals["unpriced_tokens"]) == ("0.004", 1_200_000)
    rows = report("unpriced", question(since=DAY, until=date(2026, 11, 13), interval="day"))["rows"]
    assert [(row["model"], row["meter"], row["reason"], row["quantity"]) for row in rows] == [
        ("claude-next-99", "output_tokens", "unknown_model", 200_000),
        ("claude-next-99", "uncached_input_tokens", "unknown_model", 1_000_000),
    ]


def test_a_range_is_never_a_single_figure(record: Record) -> None:
    record(HOUR, {OPUS._replace(model="claude-haiku-5-5"): (5_000_000, 0, 0, 9_000_000, 200_000, 0)})
    totals = spend()["totals"]
    assert (totals["list_usd"], totals["list_low_usd"], totals["list_high_usd"]) == (None, "0.69", "3.45")


def test_the_price_of_a_day_is_that_days_price(record: Record) -> None:
    sonnet = OPUS._replace(model="claude-sonnet-5-5")
    record(datetime(2026, 10, 6, 23, tzinfo=UTC), {sonnet: (0, 0, 0, 1_000_000, 0, 0)})
    record(datetime(2026, 10, 7, 0, tzinfo=UTC), {sonnet: (0, 0, 0, 1_000_000, 0, 0)})
    rows = report("spend", question(since=date(2026, 10, 6), until=date(2026, 10, 8)))["rows"]
    assert [(row["period"], row["list_usd"]) for row in rows] == [("2026-10-06", "0.2"), ("2026-10-07", "0.1")]
    hours = report("spend", question(since=date(2026, 10, 6), until=date(2026, 10, 8), interval="hour"))["rows"]
    assert [(row["period"], row["list_usd"]) for row in hours] == [
        ("2026-10-06T23:00:00Z", "0.2"),
        ("2026-10-07T00:00:00Z", "0.1"),
    ]


def test_ing_14_a_thousand_rows_of_ten_to_the_fifteenth_sum_exactly(record: Record) -> None:
    facts = {OPUS._replace(api_key_id=f"key-{n}", model="unknown"): (10**15, 0, 0, 0, 0, 0) for n in range(1000)}
    record(HOUR, facts)
    assert spend()["rows"][0]["uncached_input_tokens"] == 10**18
    assert spend()["totals"]["unpriced_tokens"] == 10**18


def test_ing_14_a_charge_too_large_for_sqlite_is_held_back_and_its_facts_stay(record: Record) -> None:
    # 10^15 tokens x $4 per million is 4 billion dollars.
    record(HOUR, {OPUS: (10**15, 0, 0, 0, 0, 0)})
    assert Fact.objects.get().uncached_input_tokens == 10**15
    day = SeriesDay.objects.get()
    if connection.vendor == "sqlite":
        assert (day.held, day.list_low, day.unpriced_tokens) == (True, 0, 10**15)
        with pytest.raises(MoneyOutOfRange, match="move to PostgreSQL"):
            to_db(4 * 10**9 * PICO, "sqlite")
    else:
        assert (day.held, spend()["totals"]["list_usd"]) == (False, "4000000000")


def test_mon_18_a_million_rows_of_75_billion_dollars_fit(db: None) -> None:
    if connection.vendor == "sqlite":
        # The single cell is refused (above); the sum of the largest cells is exact.
        with connection.cursor() as cursor:
            cursor.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) "
                f"SELECT CAST(SUM({2**63 - 1} / 1000000) AS TEXT) || ':' || "
                f"CAST(SUM({2**63 - 1} %% 1000000) AS TEXT) FROM n",
                (),
            )
            assert from_db(cursor.fetchone()[0]) == (2**63 - 1) * 1_000_000
        return
    one = to_db(75 * 10**9 * PICO, "postgresql")
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(%s::numeric(38,12)) FROM generate_series(1, 1000000)", [one])
        assert from_db(cursor.fetchone()[0]) == 75 * 10**15 * PICO


def test_a_sum_of_money_beyond_64_bits_is_exact(organization: Organization) -> None:
    nine = 9_000_000 * PICO
    for n in range(5):
        series = ReportedSeries.objects.create(
            digest=bytes([n] * 16), organization=organization, workspace_id=str(n), currency="USD"
        )
        ReportedLine.objects.create(day=DAY, series=series, amount=nine + n if n else -nine, amount_cents="", run=1)
    assert ReportedLine.objects.aggregate(total=ExactSum("amount"))["total"] == 3 * nine + 10


@pytest.mark.parametrize("value", ["'NaN'", "'Infinity'", "'-Infinity'"])
def test_mon_05_money_is_a_number_whatever_writes_it(organization: Organization, value: str) -> None:
    series = ReportedSeries.objects.create(digest=b"x" * 16, organization=organization, workspace_id="", currency="USD")
    with connection.cursor() as cursor, pytest.raises(Error), transaction.atomic():
        cursor.execute(
            "INSERT INTO ledger_reportedline (day, series_id, amount, amount_cents, run) "
            f"VALUES (%s, %s, {value}, '', 1)",
            ["2026-11-12", series.pk],
        )
    with pytest.raises(TypeError, match="whole pico-dollars"):
        ReportedLine(day=DAY, series=series, amount=Decimal("NaN"), run=1).save()
    with pytest.raises(TypeError, match="whole pico-dollars"):
        ReportedLine(day=DAY, series=series, amount=1.5, run=1).save()


def test_mon_05_every_money_column_has_its_check(db: None) -> None:
    for model in (SeriesDay, SeriesMonth, GroupDay, GroupMonth, ReportedLine):
        money = {field.name for field in model._meta.fields if field.get_internal_type() == "MoneyField"}
        checked = {one.name for one in model._meta.constraints}
        assert money
        assert all(any(name.endswith(f"_{column}_finite") for name in checked) for column in money), model


def test_mon_01_no_float_comes_near_money() -> None:
    root = Path(__file__).parents[2]
    files = [
        *root.glob("pricing/*.py"),
        *root.glob("costwatch/ledger/**/*.py"),
        *root.glob("costwatch/insights/*.py"),
        root / "costwatch/money.py",
    ]
    guilty = [
        str(path.relative_to(root))
        for path in files
        if path.name != "charts.py" and any(word in path.read_text() for word in ("float(", "FloatField", "parseFloat"))
    ]
    assert len(files) > 20
    assert guilty == []


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["claude-opus-5-5", "claude-sonnet-5", "claude-3-haiku-20240307"]),
            st.lists(st.integers(0, 10**9), min_size=5, max_size=5),
        ),
        max_size=8,
    )
)
def test_mon_01_mon_03_the_total_equals_fractions_and_is_rounded_nowhere(record: Record, rows: list) -> None:
    with transaction.atomic():
        oracle = {
            "claude-opus-5-5": ("4", "5", "8", "0.2", "20"),
            "claude-sonnet-5": ("2", "2.5", "4", "0.2", "10"),
            "claude-3-haiku-20240307": ("0.25", "0.3", "0.5", "0.03", "1.25"),
        }
        facts = {OPUS._replace(api_key_id=f"k{n}", model=model): (*counts, 0) for n, (model, counts) in enumerate(rows)}
        expected = sum(
            Fraction(price) * count / 10**6
            for model, counts in rows
            for price, count in zip(oracle[model], counts, strict=True)
        )
        record(HOUR, facts)
        assert Fraction(spend()["totals"]["list_usd"]) == expected
        transaction.set_rollback(True)


def test_a_change_after_the_end_is_kept_as_a_signed_revision(record: Record) -> None:
    record(HOUR, {OPUS: (1000, 0, 0, 0, 7, 0)})
    made = record(
        HOUR, {OPUS: (900, 0, 0, 0, 7, 0), OPUS._replace(model="claude-opus-5"): (5, 0, 0, 0, 0, 0)}, revises=True
    )
    assert made.rows == 2
    assert sorted(Revision.objects.values_list("uncached_input_tokens", "output_tokens")) == [(-100, 0), (5, 0)]
    record(HOUR, {}, revises=True)
    assert sorted(Revision.objects.values_list("uncached_input_tokens", "output_tokens")) == [
        (-900, -7),
        (-100, 0),
        (-5, 0),
        (5, 0),
    ]
    assert not Fact.objects.exists()
    assert not SeriesDay.objects.exists()


def test_recording_the_same_again_writes_nothing(record: Record) -> None:
    facts = {OPUS: (1000, 2000, 3000, 40000, 500, 0)}
    assert record(HOUR, facts).rows == 1
    assert record(HOUR, facts).rows == 0


def test_reported_lines_are_replaced_as_a_set(record_cost: Record) -> None:
    tokens = ReportedDims("default", "USD", "tokens", "output_tokens", "claude-opus-5-5", "standard")
    credit = ReportedDims("default", "USD", description="Adjustment")
    record_cost(HOUR, {tokens: (5 * PICO, "500"), credit: (-2 * PICO, "-200")})
    assert spend()["totals"]["reported_usd"] == "3"
    record_cost(HOUR, {tokens: (4 * PICO, "400")}, revises=True)
    assert spend()["totals"]["reported_usd"] == "4"


def test_another_currency_is_never_added(record_cost: Record) -> None:
    record_cost(
        HOUR, {ReportedDims("default", "USD"): (5 * PICO, "500"), ReportedDims("default", "EUR"): (7 * PICO, "700")}
    )
    made = spend()
    assert (made["totals"]["reported_usd"], made["other_currencies"]) == ("5", {"EUR": "7"})


def test_hostile_text_is_recorded_as_it_is(record: Record) -> None:
    names = [
        "x" * 10_000,
        "<script>",
        "a\x00b",
        "'; DROP TABLE x;--",
        "\u202egpj",
        "=HYPERLINK(1)",
        "",
        "\U0001f600",
        "a\ud800",
    ]
    record(HOUR, {OPUS._replace(model=clean(name)): (1, 0, 0, 0, 0, 0) for name in names})
    rows = spend(group_by=["model"])["rows"]
    expected = {name.replace("\x00", "\u2400").replace("\ud800", "\\ud800") for name in names}
    assert {row["model"] for row in rows} == expected


def test_mon_07_a_new_table_prices_again_and_a_charge_keeps_its_version_while_its_rates_do(
    organization: Organization, record: Record, tmp_path: Path, settings: object
) -> None:
    record(HOUR, {OPUS: (1_000_000, 0, 0, 0, 0, 0), OPUS._replace(model="claude-own-1"): (1_000_000, 0, 0, 0, 0, 0)})
    shipped = PricePublication.objects.get()
    overlay = tmp_path / "overlay.toml"
    overlay.write_text(own_prices("claude-own-1"))
    settings.PRICES_FILE = str(overlay)  # type: ignore[attr-defined]
    prices = ledger_prices.publish()
    assert is_due()
    fenced: list[int] = []
    assert list(reprice(prices, organization.pk, fence=lambda: fenced.append(1))) == [DAY]
    # The day, the months of the group, the month of the series: each transaction asks whether it may.
    assert len(fenced) == 3
    assert is_due()
    note_applied(prices)
    assert not is_due()
    versions = dict(SeriesDay.objects.values_list("series__model", "price__version"))
    assert versions == {"claude-opus-5-5": shipped.version, "claude-own-1": prices.table.version}
    assert spend()["totals"]["list_usd"] == "7"
    assert report("spend", question(since=DAY, until=date(2026, 11, 13)))["price_version"] == prices.table.version
    settings.PRICES_FILE = ""  # type: ignore[attr-defined]
    assert spend()["totals"]["list_usd"] == "7"
    list(reprice(ledger_prices.publish(), organization.pk, fence=lambda: None))
    assert (spend()["totals"]["list_usd"], spend()["totals"]["unpriced_tokens"]) == ("4", 1_000_000)
    past = ledger_prices.published(shipped)
    assert past.version == shipped.version
    assert past.resolve("claude-opus-5-5", DAY).low[0] == 4_000_000
