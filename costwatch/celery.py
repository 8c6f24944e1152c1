"""The Celery application: safe worker settings and the beat schedule, both literal.

The broker is only a doorbell. The database says what is due; losing every message loses nothing.
"""

import os

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "costwatch.settings")

app = Celery("costwatch")
app.config_from_object(
    {
        "broker_url": settings.BROKER_URL,
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        "task_soft_time_limit": 240,
        "task_time_limit": 300,
        "worker_max_memory_per_child": 400_000,
        "worker_soft_shutdown_timeout": 20,
        "worker_hijack_root_logger": False,
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "task_serializer": "json",
        "result_serializer": "json",
        "accept_content": ["json"],
        "broker_connection_retry_on_startup": True,
        "broker_transport_options": {}
        if settings.BROKER_URL.startswith("memory")
        else {"visibility_timeout": 900, "unacked_restore_interval": 10, "unacked_restore_throttle": 1},
        "timezone": "UTC",
        "beat_schedule": {
            "tick": {"task": "costwatch.ingest.tasks.tick", "schedule": 60.0, "options": {"expires": 55}}
        },
    }
)
app.autodiscover_tasks(["costwatch.ingest"])
