"""Memory given back: how the C library keeps what this process has freed.

By default each thread has an arena of its own and keeps what it freed for itself. Pages of reports are large and short
lived, and several threads read them: after a backfill that was 80 MB of nothing.
"""

import ctypes

# From malloc.h of the GNU C library.
TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8
MEGABYTE = 1 << 20


def keep_little() -> bool:
    """One arena, and anything above a megabyte goes back at once. Shape: whether this C library knows how."""
    settle = getattr(ctypes.CDLL(None), "mallopt", None)
    if settle is None:
        return False
    asked = ((ARENA_MAX, 1), (TRIM_THRESHOLD, MEGABYTE), (MMAP_THRESHOLD, MEGABYTE))
    return all(settle(name, value) for name, value in asked)
