"""The keys of a workspace as a table."""

from dataclasses import dataclass
from datetime import date

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from costwatch import clock
from costwatch.directory.models import CONSOLE_KEY
from costwatch.insights import display
from costwatch.insights.amounts import Bounds, Scope
from costwatch.insights.keys import KeyLine, keys
from costwatch.insights.pictures import share_bar
from costwatch.insights.spend import Spend


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key with what is derived from it for showing."""

    key: KeyLine
    share: str
    share_bar: SafeString
    last_used: str
    expires: str
    is_console: bool


@dataclass(frozen=True, slots=True)
class KeysTable:
    """The keys; their splits sum to `total` exactly, or nothing could be split and `contracted` says what was used."""

    rows: list[KeyRow]
    total: int | None
    largest: int
    is_split: bool
    contracted: Bounds | None


def keys_table(scope: Scope, figures: Spend) -> KeysTable:
    """The keys of a workspace, dearest first."""
    found = keys(scope, figures)
    is_split = any(one.split is not None for one in found)
    return KeysTable(
        rows=[_row(one, figures.reported) for one in found],
        total=sum(one.split or 0 for one in found) if is_split else None,
        largest=max((abs(one.split or 0) for one in found), default=0),
        is_split=is_split,
        contracted=sum((one.contracted for one in found), Bounds()) if figures.knows_since else None,
    )


def _row(one: KeyLine, reported: int) -> KeyRow:
    is_console = one.external_id == CONSOLE_KEY
    if one.expires_at:
        expires = display.day(one.expires_at.date())
    else:
        expires = "" if is_console or not one.status else _("Never")
    return KeyRow(
        key=one,
        share=display.percent(one.split or 0, reported),
        share_bar=SafeString(share_bar(one.split or 0, reported)),
        last_used=_last_used(one.last_used),
        expires=expires,
        is_console=is_console,
    )


def _last_used(day: date | None) -> str:
    if day is None:
        return _("Never")
    return _("Today") if day == clock.today() else display.day(day)
