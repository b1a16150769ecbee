"""What is installed is pinned by hash and from no address of its own; what is known against it can
be asked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from tests.supply.audit import LOCK, advisories, main, pinned

MAKEFILE = LOCK.with_name("Makefile").read_text("utf-8")
TEXT = LOCK.read_text("utf-8")


class Advisories(BaseHTTPRequestHandler):
    """Knows something of one package."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        names = [query["package"]["name"] for query in body["queries"]]
        results = [{"vulns": [{"id": "PYSEC-1"}]} if name == "bad" else {} for name in names]
        answer = json.dumps({"results": results}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's
        """Says nothing."""


@pytest.fixture
def source() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Advisories) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_every_package_is_pinned_with_hashes_and_no_address() -> None:
    entries = re.split(r"\n(?=[A-Za-z0-9])", TEXT)
    assert len(entries) == len(pinned(TEXT)) > 50
    assert [each for each in entries if "--hash=sha256:" not in each] == []
    assert "://" not in TEXT
    assert "--require-hashes -r requirements.lock" in MAKEFILE


def test_what_is_known_of_a_package_is_told(source: str) -> None:
    packages = [("good", "1.0"), ("bad", "2.0")]
    assert advisories(packages, source) == {("bad", "2.0"): ["PYSEC-1"]}


def test_the_exit_code_tells_nothing_known_from_not_asked(
    source: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["audit", source])
    assert main() == 0
    monkeypatch.setattr("sys.argv", ["audit", "http://127.0.0.1:1"])
    assert main() == 2
    assert "not asked" in capsys.readouterr().out
