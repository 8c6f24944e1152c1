"""The crash loop: processes are killed at moments drawn from a seed, and the ledger must not show it (ING-02).

`python -m tests.faults --seed 7 --kills 50 --days 90 [--shape up|workers]` replays one; the plan is printed before it
is carried out.
"""
