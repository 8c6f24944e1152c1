"""What the sandbox organization has at all: not every organization may read limits, and some see older shapes."""

from dataclasses import dataclass

from costwatch.upstream.sandbox.query import Rejection, not_found

SHAPES = ("new", "old")
REFUSALS = ("missing", "forbidden")
OF_ONE_SHAPE = ("spend_limits", "analytics")
ROOMS = ("usual", "narrow")


@dataclass(slots=True)
class Offer:
    """How each endpoint that an organization can lack answers: `new`, `old`, `missing` (404) or `forbidden` (403).

    The `old` shape of rate limits has no ids, no group objects and no sources, and knows no `limit` and no
    `include_inherited`; the old shape of models has no lifecycle, and no filter for it. With `narrow` room every limit
    of tokens is 5/8 of the usual one: the organization runs hot.
    """

    rate_limits: str = "new"
    spend_limits: str = "new"
    models: str = "new"
    analytics: str = "new"
    room: str = "usual"

    def change(self, **wanted: str) -> None:
        """Change some of it. Raises: ValueError for an endpoint or an answer that does not exist."""
        for name, answer in wanted.items():
            if name not in self.__slots__:
                raise ValueError(f"{name!r} cannot be switched; these can: {', '.join(self.__slots__)}")
            allowed = ROOMS if name == "room" else REFUSALS + (SHAPES[: 1 if name in OF_ONE_SHAPE else 2])
            if answer not in allowed:
                raise ValueError(f"{name} can be {', '.join(allowed)}, not {answer!r}")
            setattr(self, name, answer)


def check(answer: str, what: str) -> None:
    """Let a request through, or not. Raises: Rejection with a sentence about `what`."""
    if answer == "missing":
        raise not_found(f"{what} are not available for this organization.")
    if answer == "forbidden":
        raise Rejection(403, "permission_error", f"Your organization does not have access to {what.lower()}.")
