"""The price tables that were published, and when each came into force."""

from django.db import models


class PricePublication(models.Model):
    """One published price table: append-only, with its whole text, so that any past charge can be computed again."""

    version = models.CharField(max_length=200, unique=True)
    sources = models.JSONField()
    published_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.version


class PriceChange(models.Model):
    """A publication coming into force, append-only: the newest row tells which table the charges are made with.

    `applied_at` is when every charge had been looked at with it; until then pricing again is due.
    """

    publication = models.ForeignKey(PricePublication, on_delete=models.PROTECT)
    seen_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True)
