"""The Celery application: safe worker settings and the beat schedule, both literal.

The broker is only a doorbell. The database says what is due; losing every message loses nothing.
"""

import os

from celery import Celery
from django.conf import settings
from kombu.entity import Exchange, Queue

from costwatch.broker import DEFAULT, FETCH, transport_options

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "costwatch.settings")
# Django's checks import every page and the API, 30 MB that a worker has no use for; web and `manage.py check` run them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

# What waits for the vendor; everything else is on the default queue.
READS = ("costwatch.ingest.tasks.run_source", "costwatch.ingest.tasks.meet", "costwatch.ingest.tasks.hear")

app = Celery("costwatch", task_cls="costwatch.acknowledging:Task")
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
        # A broker that is away may stay away for a day: whoever waits for it goes on by itself afterwards.
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": transport_options(settings.BROKER_URL),
        # Work whose message can no longer be acknowledged goes on: its second delivery finds the lease taken. Cut off
        # (True), it cost 44 s after each restart of the broker in the test of real processes.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "task_default_queue": DEFAULT,
        "task_queues": [Queue(name, Exchange(name), routing_key=name) for name in (DEFAULT, FETCH)],
        "task_routes": {name: {"queue": FETCH} for name in READS},
        "timezone": "UTC",
        "beat_scheduler": "costwatch.ingest.scheduler:Bell",
        "beat_schedule": {
            "tick": {"task": "costwatch.ingest.tasks.tick", "schedule": 60.0, "options": {"expires": 55}},
            "sweep": {"task": "costwatch.ingest.tasks.sweep", "schedule": 15.0, "options": {"expires": 14}},
            "prove": {"task": "costwatch.insights.tasks.prove", "schedule": 900.0, "options": {"expires": 890}},
        },
    }
)
app.autodiscover_tasks(["costwatch.ingest", "costwatch.insights"])
app.autodiscover_tasks(["costwatch.ingest"], related_name="separate")
