"""`python -m tests.faults.ledger`: what the ledger of an installation holds, free of ids, run numbers and order."""

import hashlib
import json
from typing import Any

import django

LEFT_OUT = {"run", "price"}


def tables() -> dict[str, dict[str, str]]:
    """A digest of the rows of each table and day, so that a difference has a place. Shape: by table, then by day."""
    from django.apps import apps

    found = {}
    for model in apps.get_app_config("ledger").get_models():
        key = [field.name for field in model._meta.pk_fields]
        if len(key) == 2 and {"series", "group"} & set(key):
            found[model.__name__] = _days(model, *key)
    return found


def _days(model: Any, when: str, what: str) -> dict[str, str]:
    dims = [
        f"{what}__{field.name}"
        for field in model._meta.get_field(what).related_model._meta.concrete_fields
        if not field.primary_key and not field.is_relation and field.name != "digest"
    ]
    own = [field.name for field in model._meta.concrete_fields if field.name not in LEFT_OUT | {when, what}]
    by_day: dict[str, list[str]] = {}
    for moment, *row in model._default_manager.values_list(when, *dims, *own).iterator():
        by_day.setdefault(f"{moment:%Y-%m-%d}", []).append(f"{moment} {row}")
    return {
        day: hashlib.blake2b("\n".join(sorted(rows)).encode(), digest_size=8).hexdigest() + f" of {len(rows)}"
        for day, rows in sorted(by_day.items())
    }


if __name__ == "__main__":
    django.setup()
    print(json.dumps(tables()))
