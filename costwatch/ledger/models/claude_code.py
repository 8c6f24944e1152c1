"""Claude Code by day and user: what was done, and what the vendor estimates it cost.

An estimate is no billing: much of it is paid by subscriptions, and what is not is in the cost report already. It stands
in tables of its own, and nothing adds it to reported, list or contracted cost.
"""

from django.db import models

from costwatch.directory.models import Organization
from costwatch.money import MoneyField, finite


class ClaudeCodeDims(models.Model):
    """Who, on whose account, at which terminal. `actor` is an e-mail address or the name of an API key."""

    digest = models.BinaryField(max_length=16, unique=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    actor_type = models.TextField()
    actor = models.TextField()
    customer_type = models.TextField()
    subscription_type = models.TextField()
    terminal_type = models.TextField()
    is_remote = models.BooleanField()

    class Meta:
        abstract = True


class ClaudeCodeSeries(ClaudeCodeDims):
    """One combination of every dimension of a record, interned."""


class ClaudeCodeModelSeries(ClaudeCodeDims):
    """The same with a model, and the currency of its estimate."""

    model = models.TextField()
    currency = models.TextField()


class ClaudeCodeMetrics(models.Model):
    """What is counted of a day's work."""

    num_sessions = models.BigIntegerField()
    lines_added = models.BigIntegerField()
    lines_removed = models.BigIntegerField()
    commits_by_claude_code = models.BigIntegerField()
    pull_requests_by_claude_code = models.BigIntegerField()

    class Meta:
        abstract = True


class ClaudeCodeDay(ClaudeCodeMetrics):
    """One record: somebody's day. `tool_actions` is JSON: each tool's name with what was accepted and rejected."""

    pk = models.CompositePrimaryKey("day", "series")
    day = models.DateField()
    series = models.ForeignKey(ClaudeCodeSeries, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False)
    tool_actions = models.TextField()
    run = models.BigIntegerField()


class ClaudeCodeDayRevision(ClaudeCodeMetrics):
    """A change of a record seen after its day had ended: signed, append-only; `tool_actions` is what it said before."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    day = models.DateField()
    series = models.ForeignKey(ClaudeCodeSeries, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False)
    tool_actions = models.TextField()
    seen_at = models.DateTimeField()
    run = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["organization", "seen_at"])]


class ClaudeCodeTokens(models.Model):
    """What a model was given and gave, and the vendor's estimate of its cost."""

    input_tokens = models.BigIntegerField()
    output_tokens = models.BigIntegerField()
    cache_read_tokens = models.BigIntegerField()
    cache_creation_tokens = models.BigIntegerField()
    estimate = MoneyField()

    class Meta:
        abstract = True
        constraints = finite("estimate")


class ClaudeCodeUse(ClaudeCodeTokens):
    """One model of a record; the estimate also as the vendor wrote it (in cents)."""

    pk = models.CompositePrimaryKey("day", "series")
    day = models.DateField()
    series = models.ForeignKey(ClaudeCodeModelSeries, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False)
    estimate_cents = models.TextField()
    run = models.BigIntegerField()

    class Meta(ClaudeCodeTokens.Meta):
        pass


class ClaudeCodeUseRevision(ClaudeCodeTokens):
    """A change of a model's row seen after its day had ended: signed, append-only."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    day = models.DateField()
    series = models.ForeignKey(ClaudeCodeModelSeries, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False)
    seen_at = models.DateTimeField()
    run = models.BigIntegerField()

    class Meta(ClaudeCodeTokens.Meta):
        indexes = [models.Index(fields=["organization", "seen_at"])]
