"""What is configured: credentials, the upstream, time, the data folder, prices. Values that matter, never secrets."""

import fcntl
import os
import shutil
import ssl
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from costwatch import clock
from costwatch.environment import is_web_address
from costwatch.ingest.examine.credentials import credentials
from costwatch.ingest.examine.line import FAIL, NOTE, OK, WARN, Line, first_line
from costwatch.ingest.examine.shape import shape
from costwatch.ledger import prices
from costwatch.upstream.client import check_origin
from pricing.table import PriceTableError

GROUP = "Configuration"
GIGABYTE = 2**30
LITTLE_SPACE, NO_SPACE = GIGABYTE, GIGABYTE // 10
FULL_PERCENT = 80
SECRET_KEY_LENGTH = 50
# Before the API could be bought: an older day is a slip of the pen that would ask for centuries of windows.
FIRST_DAY = date(2023, 1, 1)
line = partial(Line, GROUP)


def configuration() -> Iterator[Line]:
    """Every line about the configuration. Reads the environment and the data folder, writes nothing that stays."""
    yield from _mode()
    yield from shape()
    yield from credentials()
    yield from _upstream()
    yield from _choices()
    yield from _time()
    yield from _data_folder()
    yield from _prices()


def _mode() -> Iterator[Line]:
    kind = "the sandbox organization (invented numbers)" if settings.SANDBOX else "a real organization"
    yield line(OK, f"COSTWATCH_ENV is {settings.ENVIRONMENT}, reading {kind}, pages at {settings.PUBLIC_URL}")
    if not settings.PRODUCTION:
        return
    if settings.SANDBOX:
        yield line(WARN, "production reads the sandbox organization", "Set COSTWATCH_ADMIN_KEY_FILE.")
    if not settings.HTTPS:
        yield line(
            WARN,
            "COSTWATCH_PUBLIC_URL is plain http",
            "Put https in front and set COSTWATCH_PUBLIC_URL to that address.",
        )
    if len(settings.SECRET_KEY) < SECRET_KEY_LENGTH:
        yield line(
            FAIL,
            f"COSTWATCH_SECRET_KEY has {len(settings.SECRET_KEY)} characters",
            f"Set it to {SECRET_KEY_LENGTH} random characters or more.",
        )


def _upstream() -> Iterator[Line]:
    try:
        origin = check_origin(settings.UPSTREAM_URL)
    except ValueError as error:
        why = "the upstream URL must not name a user" if "@" in settings.UPSTREAM_URL else error
        yield line(FAIL, f"COSTWATCH_UPSTREAM_URL: {why}", "Unset it; the default is right for everybody.")
    else:
        if not settings.SANDBOX:
            yield line(OK, f"the upstream is {origin}")
    if settings.HTTPS_PROXY:
        if is_web_address(settings.HTTPS_PROXY):
            proxy = urlsplit(settings.HTTPS_PROXY)
            yield line(OK, f"requests go through the proxy {proxy.hostname}:{proxy.port or 'default port'}")
        else:
            yield line(FAIL, "COSTWATCH_HTTPS_PROXY is not a URL", "Write it as http://proxy.example.com:3128.")
    if settings.CA_BUNDLE:
        yield from _ca_bundle(settings.CA_BUNDLE)


def _ca_bundle(path: str) -> Iterator[Line]:
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        yield line(
            FAIL,
            f"COSTWATCH_CA_BUNDLE names {path}, which cannot be used: {error.strerror or type(error).__name__}",
            "Point it at a PEM file with the certificates of your proxy's authority, or unset it.",
        )
    else:
        yield line(OK, f"certificates are checked against {path}")


def _choices() -> Iterator[Line]:
    if settings.MANAGE not in ("on", "off"):
        yield line(FAIL, f"COSTWATCH_MANAGE is {settings.MANAGE!r}", "It is either off (the default) or on.")
    if not settings.BACKFILL_SINCE:
        return
    try:
        since = clock.day(settings.BACKFILL_SINCE)
    except ValueError:
        yield line(
            FAIL,
            f"COSTWATCH_BACKFILL_SINCE is {settings.BACKFILL_SINCE!r}, which is not a day",
            "Write it as 2026-01-31, or unset it.",
        )
        return
    if since < FIRST_DAY:
        yield line(
            FAIL,
            f"COSTWATCH_BACKFILL_SINCE is {since}, and there is nothing to read before {FIRST_DAY}",
            f"Write {FIRST_DAY} or a later day, or unset it.",
        )
    elif not _time_is_wrong() and since > clock.today():
        yield line(
            FAIL, f"COSTWATCH_BACKFILL_SINCE is {since}, which is in the future", "Choose a past day, or unset it."
        )
    else:
        yield line(OK, f"history is read since {since} (COSTWATCH_BACKFILL_SINCE)")


def _time_is_wrong() -> bool:
    try:
        clock.now()
    except ValueError:
        return True
    return False


def _time() -> Iterator[Line]:
    try:
        now = clock.now()
    except ValueError as error:
        yield line(FAIL, f"COSTWATCH_NOW: {error}", "Write it in UTC, or unset it.")
        return
    if clock.is_frozen():
        yield line(
            NOTE,
            f"business time stands still at {clock.rfc3339(now)}",
            "This is for tests, demos and screenshots; unset COSTWATCH_NOW to follow the clock.",
        )


def _data_folder() -> Iterator[Line]:
    folder = Path(settings.DATA_DIR)
    if not os.access(folder, os.W_OK | os.X_OK):
        yield line(
            FAIL,
            f"the data folder {folder} cannot be written",
            "Give this user write access, or choose another COSTWATCH_DATA_DIR.",
        )
        return
    disk = shutil.disk_usage(folder)
    free, full = disk.free, disk.used * 100 // (disk.used + disk.free)
    what = f"the data folder is {folder}, {free / GIGABYTE:.1f} GB free"
    mark = FAIL if free < NO_SPACE else WARN if free < LITTLE_SPACE or full > FULL_PERCENT else OK
    if full > FULL_PERCENT:
        what += f", {full} % of the disk in use"
    yield line(mark, what, "" if mark == OK else "Free some space, or move the folder (COSTWATCH_DATA_DIR).")
    yield from _server(folder / "up.lock")


def _server(lock: Path) -> Iterator[Line]:
    """Whether `manage.py up` runs here: it holds a lock on this file for as long as it lives."""
    try:
        with lock.open() as file:
            holder = file.read().strip()
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        pass
    except OSError:
        yield line(OK, f"costwatch runs on this folder ({holder})")
        return
    yield line(NOTE, "costwatch is not running on this folder", "Start it with make run (or manage.py up).")


def _prices() -> Iterator[Line]:
    overlay = settings.PRICES_FILE
    try:
        table = prices.configured()
    except (PriceTableError, ImproperlyConfigured) as error:
        problems = len(str(error).splitlines())
        more = f" (and {problems - 1} more)" if problems > 1 else ""
        do = (
            f"See every problem: python -m pricing check {overlay}"
            if overlay
            else "Restore pricing/tables/claude.toml."
        )
        yield line(FAIL, f"prices cannot be used: {first_line(error)}{more}", do)
        return
    origin = f"with the overlay {overlay}" if overlay else "as shipped"
    yield line(OK, f"prices {table.version}, {len(table.models())} models, {origin}")
