"""The threads of the embedded worker in two lanes: those that wait for the vendor, and those that never do (TSK-09)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from celery.concurrency.base import apply_target
from celery.concurrency.thread import ApplyResult, TaskPool

from costwatch.celery import READS

OTHERS = 2


class Lanes(TaskPool):  # type: ignore[misc]
    """A pool of threads for reading, beside two threads that do everything else."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._others = ThreadPoolExecutor(OTHERS, thread_name_prefix="others")

    def on_stop(self) -> None:
        """Start nothing any more."""
        self._others.shutdown(cancel_futures=True)
        super().on_stop()

    def on_apply(
        self,
        target: Callable[..., Any],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
        callback: Callable[..., Any] | None = None,
        accept_callback: Callable[..., Any] | None = None,
        **_: Any,
    ) -> ApplyResult:
        """Start a task in its lane. Shape: `args` begin with its name."""
        lane = self.executor if args and args[0] in READS else self._others
        return ApplyResult(lane.submit(apply_target, target, args, kwargs, callback, accept_callback))
