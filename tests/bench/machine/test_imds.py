"""EC2's metadata service against servers of our own: what it adds, and how it may misbehave."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from armbench.bench import cli, machine
from armbench.bench.machine import cloud, imds
from armbench.bench.model import Metadata
from tests.bench.machine.roots import build

TOKEN = "AQAEAB=="
ANSWERS = {
    "instance-type": "m9g.48xlarge",
    "placement/region": "eu-central-1",
    "placement/availability-zone": "eu-central-1b",
    "instance-life-cycle": "on-demand",
}
FULL = Metadata("m9g.48xlarge", "eu-central-1", "eu-central-1b", "on-demand", False)


class Service(BaseHTTPRequestHandler):
    """IMDSv2 as documented: a token by PUT, which every GET must show."""

    protocol_version = "HTTP/1.1"
    answers: ClassVar[dict[str, str]] = ANSWERS
    asked: ClassVar[list[str]]

    def do_PUT(self) -> None:
        fits = self.path == "/latest/api/token" and self.headers["X-aws-ec2-metadata-token-ttl-seconds"]
        self.answer(200 if fits else 400, TOKEN)

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        name = self.path.removeprefix("/latest/meta-data/")
        if self.headers["X-aws-ec2-metadata-token"] != TOKEN:
            self.answer(401, "")
        else:
            self.answer(200 if name in self.answers else 404, self.answers.get(name, "<html>no</html>"))

    def answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(service: type[Service]) -> Iterator[imds.Address]:
    service.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), service) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield ("127.0.0.1", server.server_port)
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def talking(behave: Callable[[socket.socket], None]) -> Iterator[imds.Address]:
    """A server that does to its connections whatever `behave` does, until the other side has gone."""

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                behave(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()


def test_what_the_service_tells() -> None:
    with serving(Service) as address:
        assert imds.read(address, 5.0) == FULL
    assert not any("identity" in path or "instance-id" in path or "mac" in path for path in Service.asked)


def test_a_dedicated_host_is_known_without_its_name() -> None:
    class Dedicated(Service):
        answers: ClassVar[dict[str, str]] = {**ANSWERS, "placement/host-id": "h-0123456789abcdef0"}

    with serving(Dedicated) as address:
        assert imds.read(address, 5.0) == replace(FULL, dedicated_host=True)


def test_what_is_missing_or_no_word_is_unknown() -> None:
    class Poor(Service):
        answers: ClassVar[dict[str, str]] = {"instance-type": "Not A Type!", "placement/region": "us-east-1"}

    with serving(Poor) as address:
        assert imds.read(address, 5.0) == Metadata(None, "us-east-1", None, None, False)


def test_a_service_that_is_switched_off() -> None:
    class Off(Service):
        def do_PUT(self) -> None:
            self.answer(403, "")

    with serving(Off) as address:
        assert imds.read(address, 5.0) is None
    assert Off.asked == []


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    assert imds.read(address, 5.0) is None


def silent(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def dripping(connection: socket.socket) -> None:
    """A byte now and then, each in time, the whole never."""
    connection.settimeout(0.01)
    for byte in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000:
        connection.sendall(bytes([byte]))
        try:
            if not connection.recv(4096):
                return
        except TimeoutError:
            pass


def saying(answer: bytes) -> Callable[[socket.socket], None]:
    def say(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(answer)

    return say


@pytest.mark.parametrize("behave", [silent, dripping])
def test_the_whole_answer_has_one_end(behave: Callable[[socket.socket], None]) -> None:
    with talking(behave) as address:
        assert imds.read(address, 0.2) is None


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0\xff" * 50,
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nA\r\n0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://example.org/\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nA\r\nX-Evil: 1",
        b"HTTP/1.1 200 OK\r\n\r\n\xff\xfe",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"A" * 100_000,
        b"SSH-2.0-OpenSSH_9.6\r\n",
    ],
)
def test_what_is_no_answer_is_none(answer: bytes) -> None:
    with talking(saying(answer)) as address:
        assert imds.read(address, 5.0) is None


# --- on the machine ------------------------------------------------------------------------


def on_ec2(monkeypatch: pytest.MonkeyPatch, instance: str | None) -> None:
    monkeypatch.setattr(cloud, "find", lambda dmi: cloud.Cloud("aws", instance, "nitro"))


@pytest.mark.parametrize(("told", "instance"), [(None, "m9g.48xlarge"), ("c8g.large", "c8g.large")])
def test_it_only_adds(told: str | None, instance: str, monkeypatch: pytest.MonkeyPatch) -> None:
    on_ec2(monkeypatch, told)
    with serving(Service) as address:
        found = machine.detect(metadata=True, metadata_address=address)
    assert (found.metadata, found.instance) == (FULL, instance)
    without = machine.detect()
    assert (without.metadata, without.instance) == (None, told)
    assert found.comparability_key == without.comparability_key


def test_a_silent_service_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    on_ec2(monkeypatch, "c8g.large")
    monkeypatch.setattr(imds, "read", lambda address: None)
    assert machine.detect(metadata=True) == machine.detect()


def test_it_is_asked_only_on_ec2_and_never_for_another_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imds, "read", lambda address: pytest.fail("asked"))
    assert machine.detect(build(tmp_path, "graviton3-c7g.medium"), metadata=True).cloud == "aws"
    monkeypatch.setattr(cloud, "find", lambda dmi: cloud.Cloud("gcp", None, "kvm"))
    assert machine.detect(metadata=True).cloud == "gcp"


@pytest.mark.parametrize(
    ("words", "environment", "asked"),
    [([], {}, True), (["--no-imds"], {}, False), ([], {"ARMBENCH_NO_IMDS": "1"}, False)],
)
def test_it_can_be_switched_off(
    words: list[str], environment: dict[str, str], asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_ec2(monkeypatch, None)
    monkeypatch.delenv("ARMBENCH_NO_IMDS", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    times: list[imds.Address] = []
    monkeypatch.setattr(imds, "read", times.append)
    out = io.StringIO()
    assert cli.run(["machine", "--json", *words], out, io.StringIO()) == cli.OK
    assert times == ([imds.ADDRESS] if asked else [])
