"""`python -m tests.faults.die SOURCE PLACE:PASS...`: read a source once for each failpoint, and tell which were fatal.

Each reading is a process of its own, forked from this one, which has connected to nothing.
"""

import json
import os
import sys

import django


def main(source: str, places: list[str]) -> None:
    """Die at each place in turn."""
    from django.core.management import call_command
    from django.db import connections

    from costwatch.ingest.failpoints import VARIABLE

    fatal = []
    for place in places:
        connections.close_all()
        child = os.fork()
        if not child:
            os.environ[VARIABLE] = place
            status = 1
            try:
                call_command("sync", "-v0", "--source", source, stdout=sys.stderr)
                status = 0
            finally:
                os._exit(status)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9:
            fatal.append(place)
    print(json.dumps(fatal))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "costwatch.settings")
    django.setup()
    main(sys.argv[1], sys.argv[2:])
