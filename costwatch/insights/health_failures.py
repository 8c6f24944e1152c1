"""What a failure said: the vendor's sentence and the id of the request it came with. Pure."""

import re

# Before the sentence stands which part of the run it was: a window, a list, the run itself.
_PART = re.compile(r"^(?:the run|workspaces|api_keys|users|\d{4}-\d\d-\d\d\S* to \S+): ")
_REQUEST = re.compile(r" \(request ([^()\s]+)\)$")


def told(error: str) -> tuple[str, str]:
    """The sentence of an error's first line, and its request id; empty where there is none."""
    line = next(iter(error.strip().splitlines()), "").strip()
    line = _PART.sub("", line)
    found = _REQUEST.search(line)
    return (_REQUEST.sub("", line), found[1]) if found else (line, "")
