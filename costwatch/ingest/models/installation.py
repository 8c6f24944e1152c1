"""What this database holds."""

from django.db import models


class Installation(models.Model):
    """What this database holds: the sandbox or a real organization. Never both; one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    kind = models.CharField(max_length=10, choices=[("sandbox", "sandbox"), ("real", "real")])
    # The sandbox's history hangs on the moment of its first start, so that it stays the same on the next day.
    anchor = models.DateTimeField()
    frozen_now = models.CharField(max_length=40, default="")
    # Why nobody could be reached or identified with the configured key, as the vendor said it; empty when it worked.
    connect_error = models.TextField(default="")

    class Meta:
        constraints = [models.CheckConstraint(name="ingest_installation_one_row", condition=models.Q(id=1))]
