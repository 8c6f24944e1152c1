"""The application's start: a process with a wrong environment ends here, whichever way it was started."""

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from costwatch.allocator import keep_little
from costwatch.role import BEAT, WORKER


class IngestConfig(AppConfig):
    """Ingestion."""

    name = "costwatch.ingest"

    def ready(self) -> None:
        """Refuse to start on an environment that cannot be read, with every mistake in it at once."""
        keep_little()
        if not settings.PROBLEMS:
            return
        from costwatch.ingest.examine.boot import mistakes

        said = "\n".join(mistakes())
        if settings.ROLE in (WORKER, BEAT):
            # Celery would print the exception with the way it took through Celery.
            raise SystemExit(f"costwatch is not configured rightly: {said}")
        raise ImproperlyConfigured(said)
