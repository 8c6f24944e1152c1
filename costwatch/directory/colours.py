"""The colour a workspace keeps: given once, in the order of spend, never taken back."""

from collections.abc import Sequence

from django.db import transaction

from costwatch.directory.models import Organization, Workspace

SLOTS = 6


def assign_slots(*, organization: Organization, ranked_keys: Sequence[str]) -> int:
    """Give the free colours to the workspaces that spend most and have none; the number given.

    Shape: `ranked_keys` names workspaces as facts do, dearest first.
    """
    with transaction.atomic():
        rows = {row.key: row for row in Workspace.objects.select_for_update().filter(organization=organization)}
        taken = {row.slot for row in rows.values()}
        free = [slot for slot in range(1, SLOTS + 1) if slot not in taken]
        wanting = [rows[key] for key in dict.fromkeys(ranked_keys) if key in rows and rows[key].slot is None]
        given = list(zip(wanting, free, strict=False))
        for row, slot in given:
            row.slot = slot
            row.save(update_fields=["slot"])
    return len(given)
