"""What `make test` runs: the suite on SQLite, then everything that touches a database again on a real PostgreSQL.

The PostgreSQL cluster is a temporary one of our own, on a socket in a temporary folder, gone afterwards.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.servers import postgres

ROOT = Path(__file__).parent.parent
STORES = ["tests/access", "tests/api", "tests/directory", "tests/ingest", "tests/insights", "tests/ledger", "tests/web"]
# What has a short and a long form, with the short one; `make test-faults` asks for the long ones.
FORMS = {
    "COSTWATCH_KILLS": "3",
    "COSTWATCH_SEED": "0",
    "COSTWATCH_FUZZ_CASES": "400",
    "COSTWATCH_FAILPOINT_ROUNDS": "1",
    "COSTWATCH_WORKERS": "2",
    "COSTWATCH_SCHEDULERS": "2",
    "COSTWATCH_RESTARTS": "1",
    "COSTWATCH_DEADLINE": "1",
}
STRICT = os.environ.get("COSTWATCH_TEST_STRICT") == "1"


def main() -> int:
    faults = "--faults" in sys.argv
    extra = [argument for argument in sys.argv[1:] if argument != "--faults"]
    with tempfile.TemporaryDirectory(prefix="costwatch-test-") as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COSTWATCH_")}
        environment |= {
            "COSTWATCH_DATA_DIR": str(Path(folder) / "data"),
            "COSTWATCH_TEST_STRICT": "1" if STRICT else "",
            "COSTWATCH_LOG_LEVEL": "WARNING",
            "DJANGO_ALLOW_ASYNC_UNSAFE": "1",
            "PYTHONWARNINGS": "default",
        }
        environment |= {name: os.environ.get(name, short) for name, short in FORMS.items()}
        environment.pop("DATABASE_URL", None)
        if environment.pop("PYTHONDONTWRITEBYTECODE", ""):
            # Hundreds of processes start: each would compile the same thousand modules, for more than a second.
            environment["PYTHONPYCACHEPREFIX"] = str(Path(folder) / "compiled")
        if faults:
            return _pytest("SQLite, faults", ["tests/faults", *extra], environment)
        began = time.monotonic()
        failed = _pytest("SQLite", ["tests", *extra], environment)
        with postgres(Path(folder)) as server:
            if server is None:
                print("NOT TESTED: PostgreSQL is missing here; its half of the suite did not run", flush=True)
                failed = failed or int(STRICT)
            else:
                existing = [path for path in STORES if (ROOT / path).exists()]
                of_stores = environment | {"DATABASE_URL": server.url, "COSTWATCH_TEST_STORE": "1"}
                failed = _pytest("PostgreSQL", [*existing, *extra], of_stores) or failed
        print(f"took {time.monotonic() - began:.0f} s", flush=True)
    return failed


def _pytest(name: str, arguments: list[str], environment: dict[str, str]) -> int:
    print(f"== {name}", flush=True)
    # Which units there are and which begin first is in tests/order.py.
    workers = ["-n", os.environ.get("COSTWATCH_TEST_WORKERS", "3")]
    return subprocess.call([sys.executable, "-m", "pytest", *workers, *arguments], cwd=ROOT, env=environment)


if __name__ == "__main__":
    sys.exit(main())
