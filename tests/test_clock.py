"""Days as people write them."""

from datetime import date
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from costwatch import clock
from costwatch.ingest.examine.configuration import _choices

LOOSE = [
    "20261109",
    "2026-W46",
    "2026-W46-1",
    "2026-11-9",
    " 2026-11-09",
    "2026-11-09\n",
    "٢٠٢٦-١١-٠٩",
    "2026-02-30",
    "",
]


def test_a_day_is_read() -> None:
    assert clock.day("2026-11-09") == date(2026, 11, 9)


@pytest.mark.parametrize("text", LOOSE, ids=repr)
def test_a_day_is_written_in_one_way(text: str) -> None:
    with pytest.raises(ValueError, match="is not a day such as 2026-11-01"):
        clock.day(text)


@pytest.mark.parametrize("text", ["20261109", "2026-W46"])
def test_pages_commands_and_the_setting_read_days_so(
    admin_client: Client, settings: Any, now: object, text: str
) -> None:
    assert admin_client.get(f"/?since={text}&until=2026-11-15").status_code == 400
    with pytest.raises(CommandError, match="is not a day such as 2026-11-01"):
        call_command("report", "spend", "--since", text)
    with pytest.raises(CommandError, match="is not a day such as 2026-11-01"):
        call_command("sync", "--since", text)
    settings.BACKFILL_SINCE = text
    assert any("which is not a day" in one.what for one in _choices())
