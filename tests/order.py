"""Which tests run side by side: a file stays together, and what takes longest begins first.

The mark `xdist_group` keeps nothing together with pytest 9.2 (pytest-xdist, issue 1386), so the path says it.
"""

from xdist.scheduler import LoadScopeScheduling

# All of it asks one history that is read once.
TOGETHER = "tests/keeping/"
LONGEST = (
    "tests/faults/test_day.py",
    "tests/workers/test_processes.py",
    TOGETHER,
    "tests/faults/test_loop.py",
    "tests/ingest/test_faults.py",
    "tests/workers/",
    "tests/ingest/test_commands.py",
    "tests/ingest/test_sync.py",
    "tests/ingest/test_organizations.py",
    "tests/test_environment.py",
    "tests/api/test_fuzz.py",
    "tests/e2e/",
    "tests/insights/test_conservation.py",
    "tests/insights/test_changes.py",
    "tests/insights/limits/test_lines.py",
)


def unit(nodeid: str) -> str:
    """What a test runs together with: its file."""
    path = nodeid.partition("::")[0]
    return TOGETHER if path.startswith(TOGETHER) else path


def rank(nodeid: str) -> int:
    """How soon a test begins: the smaller, the sooner."""
    return next((number for number, path in enumerate(LONGEST) if nodeid.startswith(path)), len(LONGEST))


class Together(LoadScopeScheduling):
    """Gives whole units to whoever is free."""

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)
