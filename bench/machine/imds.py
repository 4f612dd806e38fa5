"""EC2's instance metadata service, version 2: a token first, then one small text a question.

It is asked only of a machine whose DMI strings say Amazon EC2, and only adds to what files say.
Nothing that names the account, the instance or its addresses is asked for.  The few lines of
HTTP are our own: http.client takes 20 ms to import, knows no end for a whole answer, and no
proxy may come between.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from armbench.bench.model import Metadata

if TYPE_CHECKING:
    import socket

Address = tuple[str, int]
ADDRESS: Address = ("169.254.169.254", 80)
SECONDS = 0.25  # for everything: the service answers within a few ms, or not at all
_TOKEN = "/latest/api/token"
_TOKEN_SECONDS = "60"
_DATA = "/latest/meta-data/"
_ANSWER_BYTES = 4096
_OK, _NOT_FOUND = 200, 404


def read(address: Address = ADDRESS, seconds: float = SECONDS) -> Metadata | None:
    """None when the service is off, silent for `seconds` in all, or does not talk as it should."""
    try:
        return _ask(address, time.monotonic() + seconds)
    except (OSError, ValueError):
        return None


def _ask(address: Address, end: float) -> Metadata | None:
    lifetime = {"X-aws-ec2-metadata-token-ttl-seconds": _TOKEN_SECONDS}
    token = _answer(address, end, "PUT", _TOKEN, lifetime)
    if not token:
        return None

    def get(name: str) -> str | None:
        return _answer(address, end, "GET", _DATA + name, {"X-aws-ec2-metadata-token": token})

    return Metadata(
        instance=_word(get("instance-type")),
        region=_word(get("placement/region")),
        zone=_word(get("placement/availability-zone")),
        life_cycle=_word(get("instance-life-cycle")),
        dedicated_host=bool(get("placement/host-id")),
    )


def _word(text: str | None) -> str | None:
    """What can be an instance type, a region or the like."""
    return text if text and re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,63}", text, re.ASCII) else None


# --- a little HTTP -------------------------------------------------------------------------


def _answer(address: Address, end: float, method: str, path: str, headers: Mapping[str, str]) -> str | None:
    """The text of an answer, None for what the service does not have.

    Raises OSError, TimeoutError at `end` among them, and ValueError for any other answer.
    """
    import socket  # 5 ms, and needed on EC2 alone

    fields = {"Host": address[0], "Connection": "close", "Content-Length": "0", **headers}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    with socket.create_connection(address, _left(end)) as connection:
        connection.sendall("\r\n".join(lines).encode("ascii"))
        status, text = _parse(_receive(connection, end))
    if status not in (_OK, _NOT_FOUND):
        raise ValueError(f"status {status}")
    return text if status == _OK else None


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _receive(connection: socket.socket, end: float) -> bytes:
    """All that is sent until the other side closes."""
    data = b""
    while len(data) <= _ANSWER_BYTES:
        connection.settimeout(_left(end))
        piece = connection.recv(_ANSWER_BYTES)
        if not piece:
            return data
        data += piece
    raise ValueError("too long")


def _parse(data: bytes) -> tuple[int, str]:
    """(status, text); a token may hold whatever a header line may."""
    head, found, body = data.partition(b"\r\n\r\n")
    status = re.match(rb"HTTP/1\.[01] ([0-9]{3})\b", head)
    if not (found and status) or b"chunked" in head.lower():
        raise ValueError("no HTTP answer")
    text = body.decode("ascii").strip()
    if not text.isprintable():
        raise ValueError("no line of text")
    return int(status[1]), text
