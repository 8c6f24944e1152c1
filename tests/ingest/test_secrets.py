"""The key is in nothing we keep or send back."""

import io
import logging

import pytest
from django.apps import apps
from django.core import mail, serializers
from django.core.management import CommandError, call_command
from django.views.debug import ExceptionReporter

from costwatch.ingest import tasks
from costwatch.ingest.connect import CannotConnect, client, connect
from costwatch.ingest.models import Installation
from costwatch.upstream.credential import RedactingFormatter
from costwatch.upstream.sandbox.server import SandboxServer

CANARY = "sk-ant-admin01-CANARY-0123456789abcdef"
ECHO = f'{{"type":"error","error":{{"type":"api_error","message":"invalid x-api-key {CANARY}"}},"request_id":"req_1"}}'
FAULTS = (
    ("body", {"status": 401, "text": ECHO}),
    ("body", {"status": 403, "text": ECHO}),
    ("body", {"status": 400, "text": ECHO}),
    ("body", {"status": 500, "text": ECHO}),
    ("body", {"status": 200, "text": ECHO}),
    ("html", {"status": 502}),
    ("reset", {}),
    ("truncate", {}),
    ("gzip_bomb", {}),
    ("redirect", {}),
    ("rate_limit_silent", {}),
    ("empty", {}),
)


def everything_in_the_database() -> str:
    rows = [row for model in apps.get_models() for row in model._default_manager.all()]
    return serializers.serialize("json", [row for row in rows if len(row._meta.pk_fields) == 1]) + "".join(
        repr(row.__dict__) for row in rows
    )


def test_http_09_a_key_that_fails_in_every_way_is_in_no_log_row_page_or_mail(
    upstream: SandboxServer, db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("costwatch.upstream.client.BACKOFF_CAP", 0.0)
    monkeypatch.setattr("costwatch.upstream.client.BACKOFF_BASE", 0.0)
    Installation.objects.create(kind="real", anchor="2026-11-20T14:05:00Z")
    with client() as opened:
        organization = connect(opened).organization
    monkeypatch.setenv("COSTWATCH_ADMIN_KEY", CANARY)
    out = io.StringIO()
    formatter = RedactingFormatter("%(levelname)s %(message)s")
    paths = 0
    with caplog.at_level(logging.DEBUG):
        for kind, options in FAULTS:
            for path in ("organizations/me", "usage_report", "cost_report", "workspaces"):
                upstream.faults.clear()
                upstream.faults.add(kind, path=path, times=None, **options)
                paths += 1
                try:
                    call_command("sync", "--format", "json", stdout=out, stderr=out)
                except (CommandError, SystemExit) as error:
                    out.write(str(error))
                tasks.run_source(organization.pk, "directory")
                tasks.meet()
    upstream.faults.clear()
    try:
        with client() as opened:
            connect(opened)
    except CannotConnect as error:
        page = ExceptionReporter(None, type(error), error, error.__traceback__)
        out.write(page.get_traceback_html() + page.get_traceback_text())
    logged = "".join(formatter.format(record) for record in caplog.records)
    assert paths == 48
    assert out.getvalue()
    for place in (
        out.getvalue(),
        logged,
        everything_in_the_database(),
        "".join(str(one.message()) for one in mail.outbox),
    ):
        assert "CANARY" not in place
