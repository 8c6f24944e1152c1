"""What can go wrong upstream. Every message is a sentence a person can act on; none can hold a key."""

from costwatch.upstream.credential import redact


class UpstreamError(Exception):
    """A request that gave no usable answer.

    `request_id` is the vendor's, empty when none came.
    """

    def __init__(self, message: str, *, request_id: str = "") -> None:
        self.request_id = request_id
        super().__init__(redact(message) + (f" (request {request_id})" if request_id else ""))


class Unreachable(UpstreamError):
    """No answer: no connection, a deadline, or a server error that outlived the retries."""


class Throttled(UpstreamError):
    """The vendor asked us to slow down, and kept asking."""


class Refused(UpstreamError):
    """The vendor understood and said no: 4xx, with its own sentence."""

    def __init__(self, status: int, kind: str, sentence: str, *, request_id: str = "") -> None:
        self.status, self.kind, self.sentence = status, kind, redact(sentence)
        super().__init__(f"{status} {kind}: {sentence}", request_id=request_id)

    @property
    def is_about_the_key(self) -> bool:
        """Whether another key, not another moment, is what would help."""
        return self.status in (401, 403)

    @property
    def closes(self) -> bool:
        """Whether there is no such thing for this organization, or not for this key: asking again soon is no use."""
        return self.status in (403, 404)


class Malformed(UpstreamError):
    """An answer that is not what the contract says: cut short, not JSON, a required field missing, a broken chain."""


class TooLarge(Malformed):
    """An answer is larger than we take: the question has to be smaller."""
