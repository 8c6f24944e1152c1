"""B3: what parsing a page of 70 MB adds to the memory that holds its bytes, beside json.loads; each in a process."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.harness import ROOT, Line, at_most

_WRITE = "from bench.report_pages import page; open(sys.argv[1], 'wb').write(page(1440, 50, 150))"


def main() -> list[Line]:
    ours, plain = (_apart(kind) for kind in ("ours", "json"))
    size = ours["body"]
    detail = f"body {size / 1e6:.0f} MB, {ours['rows']:,} rows; json.loads adds {plain['added'] / plain['body']:.2g}x"
    return [at_most("B3", "parser adds, of the body's size", ours["added"] / size, 0.3, detail=detail)]


def _apart(kind: str) -> dict[str, int]:
    command = [sys.executable, "-m", "bench.parser_memory", kind]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return dict(json.loads(done.stdout))


def measure(kind: str) -> dict[str, int]:
    """Parse one page. Shape: bytes of the body, bytes added at the peak, rows."""
    from bench.report_pages import START, page
    from costwatch.upstream import pages, usage

    with tempfile.TemporaryDirectory(prefix="costwatch-bench-") as folder:
        path = Path(folder) / "page.json"
        # Made by another process: what making it took must not count as the body's own.
        subprocess.run([sys.executable, "-c", f"import sys; {_WRITE}", str(path)], cwd=ROOT, check=True)
        list(pages.buckets_of(page(2, 5, 6, start=START)))
        body = path.read_bytes()
    before, rows = _peak(), 0
    if kind == "json":
        rows = sum(len(bucket["results"]) for bucket in json.loads(body)["data"])
    else:
        for bucket in pages.buckets_of(body):
            rows += len(usage.parse(bucket).rows)
    return {"body": len(body), "added": _peak() - before, "rows": rows}


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
    else:
        print(*main(), sep="\n")
