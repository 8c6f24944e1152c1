"""Ringing for a task from a page: what somebody asked for is done soon, not with the next tick."""

from costwatch.celery import app


def ring(task: str, *arguments: object) -> None:
    """Say that there is work. A broker that is away loses nothing: the database says what is due."""
    try:
        app.send_task(f"costwatch.ingest.tasks.{task}", arguments, retry=False)
    except Exception:
        return
