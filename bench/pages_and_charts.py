"""B9 and B10: the Overview of a company, asked again and again, and opened by a browser that has never seen it.

B9 compares with `plotly_way`, behind the same middleware and sign-in. B10 serves the same SQLite file by the product's
web server, and starts a new Chromium with an empty profile for each visit; the chart is first seen when its picture has
a size in a painted frame, and the page is interactive when plotly has taken the picture over and the browser is idle.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bench.harness import ROOT, Line, at_least, at_most, database, median

FACTS = 1_000_000
# The same 30 days as the peer's.
VIEW = "/?since=2026-10-22&until=2026-11-20&breakdown=model"
AGAIN, PLOTLY, VISITS = 300, 20, 5
# Before any script of the page: note the first painted frame in which the chart has a size, then the live one.
WATCH = """
(() => {
  const seen = window.__seen = {};
  const look = () => {
    const picture = document.querySelector('.plot svg');
    if (picture && picture.getBoundingClientRect().height > 50 && !seen.chart) {
      requestAnimationFrame(() => { seen.chart = seen.chart || performance.now(); });
    }
    if (document.querySelector('.plot.is-live') && !seen.live) {
      requestIdleCallback(() => { seen.live = seen.live || performance.now(); });
    }
    if (!seen.live) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""


def main() -> list[Line]:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with database():
        from django.contrib.auth.models import User
        from django.test import Client

        from bench.company import build

        build(FACTS)
        client = Client(HTTP_HOST="127.0.0.1")
        client.force_login(User.objects.create_user("finance"))
        return [_repeated(client), *_in_a_browser(client.cookies["sessionid"].value)]


def _repeated(client: Any) -> Line:
    from django.test import override_settings

    def ask(path: str, times: int, **headers: str) -> float:
        taken = []
        for _ in range(times + 1):
            began = time.perf_counter()
            answer = client.get(path, **headers)
            taken.append(time.perf_counter() - began)
            if answer.status_code != 200:
                raise SystemExit(f"{path} answers {answer.status_code}")
        return median(taken[1:])

    with override_settings(ROOT_URLCONF="bench.plotly_way"):
        peer = ask("/by-plotly/", PLOTLY)
        ours = ask(VIEW, AGAIN, HTTP_HX_REQUEST="true", HTTP_HX_TARGET="spend")
    told = f"{ours * 1000:.2f} ms, {1 / ours:,.0f} a second; plotly.py {peer * 1000:.0f} ms"
    return at_least("B9", "30 days by model, seen again, faster than by plotly.py", peer / ours, 15, detail=told)


def _in_a_browser(session: str) -> list[Line]:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if not chromium:
        raise SystemExit("Chromium is missing (on Debian: apt-get install chromium)")
    visits = []
    with _served() as at, sync_playwright() as playwright:
        for _ in range(VISITS + 1):
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-quic"])
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            context.add_cookies([{"name": "sessionid", "value": session, "url": at}])
            page = context.new_page()
            page.add_init_script(WATCH)
            page.goto(at + VIEW)
            page.locator(".plot.is-live").wait_for()
            page.wait_for_timeout(300)
            visits.append(page.evaluate("window.__seen"))
            browser.close()
    # The very first visit also starts the server's own threads and files; it is shown, not counted.
    first, *counted = visits
    chart, live = (median([one[name] for one in counted]) for name in ("chart", "live"))
    told = f"{VISITS} new browsers, slowest {{:.0f}} ms; the server's very first answer {{:.0f}} ms"
    return [
        at_most(
            "B10",
            "first chart",
            chart,
            300,
            unit="ms",
            detail=told.format(max(one["chart"] for one in counted), first["chart"]),
        ),
        at_most(
            "B10",
            "page interactive",
            live,
            1500,
            unit="ms",
            detail=told.format(max(one["live"] for one in counted), first["live"]),
        ),
    ]


@contextmanager
def _served() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    at = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([sys.executable, "-m", "bench.pages_and_charts", str(port)], cwd=ROOT)
    try:
        _wait(lambda: urllib.request.urlopen(at + "/healthz").status == 200)
        yield at
    finally:
        process.terminate()
        process.wait()


def _wait(until: Callable[[], bool], seconds: float = 30) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            if until():
                return
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.1)
    raise SystemExit("the pages are not served")


def serve(port: int) -> None:
    """The product's web server on the configured database."""
    import django

    django.setup()
    from costwatch.server import make_server

    make_server(port).run()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve(int(sys.argv[1]))
    else:
        print(*main(), sep="\n")
