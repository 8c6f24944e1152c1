"""Messages as each release put them into Redis, and a way to put them there again (TSK-16)."""

import base64
import copy
import json
from pathlib import Path
from typing import Any

from tests.servers import Redis

FOLDER = Path(__file__).parent
RELEASES = sorted(path.stem for path in FOLDER.glob("*.json"))
Message = dict[str, Any]


def stored(release: str) -> list[Message]:
    """The messages of a release. Shape: each with its `queue` and the `message` as it lay there."""
    kept: list[Message] = json.loads((FOLDER / f"{release}.json").read_text())
    return kept


def name_of(one: Message) -> str:
    """The task a message asks for."""
    return str(one["message"]["headers"]["task"]).rpartition(".")[2]


def message(name: str, *, number: int = 0) -> Message:
    """A message of the newest release; `number` tells several of a kind apart."""
    one = copy.deepcopy(next(one for one in stored(RELEASES[-1]) if name_of(one) == name))
    one["message"]["headers"]["id"] = f"{one['message']['headers']['id'][:-6]}a{number:05}"
    one["message"]["properties"]["delivery_tag"] = f"{one['message']['properties']['delivery_tag'][:-6]}a{number:05}"
    return one


def body(one: Message) -> list[Any]:
    """What a message says. Shape: arguments, named arguments, embedding."""
    decoded: list[Any] = json.loads(base64.b64decode(one["message"]["body"]))
    return decoded


def with_named(one: Message, **later: object) -> Message:
    """The message as a later release may send it, with arguments nobody knows yet."""
    arguments, named, embedding = body(one)
    made = copy.deepcopy(one)
    said = json.dumps([arguments, {**named, **later}, embedding]).encode()
    made["message"]["body"] = base64.b64encode(said).decode()
    return made


def send(broker: Redis, one: Message) -> None:
    """Put a message into its queue."""
    broker.ask("LPUSH", one["queue"], json.dumps(one["message"]))
