"""The models list: what the vendor says about the models it serves, by the sandbox's time."""

from datetime import date, timedelta

from costwatch.upstream.sandbox.buckets import moment_of
from costwatch.upstream.sandbox.lists import CURSOR, page
from costwatch.upstream.sandbox.models import FOREVER, MODELS, UNKNOWN_MODEL, Model
from costwatch.upstream.sandbox.offer import Offer, check
from costwatch.upstream.sandbox.organization import Object
from costwatch.upstream.sandbox.query import Query

PATH = "/v1/models"
SINGLE, MANY = CURSOR, ("lifecycle[]",)
LIFECYCLES = ("active", "deprecated", "retired")
NOTICE = timedelta(days=120)
# Its day of release is not told: the vendor then sends the epoch.
UNDATED = "claude-3-haiku-20240307"


def parameters(offer: Offer) -> tuple[str, ...]:
    """The repeated parameters the endpoint knows."""
    return () if offer.models == "old" else MANY


def answer(offer: Offer, query: Query, now: int, trick: str = "") -> Object:
    """One page of the models, newest first; retired ones only when asked for. Raises: Rejection."""
    check(offer.models, "Models")
    wanted = query.choices("lifecycle[]", LIFECYCLES) or LIFECYCLES[:2]
    today = moment_of(now).date()
    # A private preview is in reports, and in no list.
    launched = [one for one in MODELS if one.launched <= today and one.name != UNKNOWN_MODEL]
    newest = sorted(launched, key=lambda one: (one.launched, one.name), reverse=True)
    objects = [shown for one in newest if (shown := _shown(one, today))["lifecycle"] in wanted]
    if offer.models == "old":
        newer = ("lifecycle", "deprecated_at", "retires_at", "line")
        objects = [{name: value for name, value in one.items() if name not in newer} for one in objects]
    return page(objects, query, trick)


def lifecycle(model: Model, today: date) -> str:
    """The stage of a model's life on a day."""
    if today >= model.retired:
        return "retired"
    return "deprecated" if model.retired != FOREVER and today >= _deprecated(model) else "active"


def _deprecated(model: Model) -> date:
    return max(model.launched, model.retired - NOTICE)


def _shown(model: Model, today: date) -> Object:
    stage = lifecycle(model, today)
    released = date(1970, 1, 1) if model.name == UNDATED else model.launched
    is_new = model.geo
    return {
        "id": model.name,
        "type": "model",
        "display_name": model.display,
        "created_at": f"{released.isoformat()}T00:00:00Z",
        "lifecycle": stage,
        "deprecated_at": None if stage == "active" else f"{_deprecated(model).isoformat()}T00:00:00Z",
        "retires_at": None if stage == "active" else f"{model.retired.isoformat()}T00:00:00Z",
        "line": model.line,
        "max_input_tokens": 1_000_000 if is_new else 200_000,
        "max_tokens": 128_000 if is_new else None,
        "capabilities": {"batch": {"supported": True}, "effort": {"supported": is_new}},
    }
