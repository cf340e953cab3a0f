"""A Hugging Face Hub on 127.0.0.1: as much of its protocol as the real client needs to pin and fetch models."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class Repository:
    """One model, with one commit that its branch ``main`` stands for."""

    files: Mapping[str, bytes]
    gated: bool = False

    @property
    def commit(self) -> str:
        """As the Hub's: forty hexadecimal digits, others when the files are others."""
        text = b"".join(name.encode() + content for name, content in sorted(self.files.items()))
        return hashlib.sha1(text, usedforsecurity=False).hexdigest()


@dataclass
class Hub:
    """The running server."""

    repositories: dict[str, Repository]
    failing: bool = False
    """Answer everything with 503, as in an outage."""
    endpoint: str = ""
    fetched: list[str] = field(default_factory=list)
    """Names of the files whose contents were asked for."""


@contextmanager
def serving(repositories: Mapping[str, Repository]) -> Iterator[Hub]:
    """Serve them while the context lasts."""
    hub = Hub(dict(repositories))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(_answer(hub, self.path, self.command), with_body=True)

        def do_HEAD(self) -> None:
            self._send(_answer(hub, self.path, self.command), with_body=False)

        def _send(self, answer: Answer, with_body: bool) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if with_body:
                self.wfile.write(answer.body)

        def log_message(self, format: str, *args: Any) -> None:
            """Tests are quiet."""

    return Handler


def _answer(hub: Hub, target: str, method: str) -> Answer:
    if hub.failing:
        return Answer(503, b"", {})
    parts = unquote(urlsplit(target).path).strip("/").split("/")
    if parts[:2] == ["api", "models"]:
        return _api(hub, parts[2:])
    id, rest = "/".join(parts[:2]), parts[2:]
    repository = hub.repositories.get(id)
    if repository is None or rest[:1] != ["resolve"]:
        return _missing()
    return _file(hub, repository, rest[1], "/".join(rest[2:]), method)


def _api(hub: Hub, parts: list[str]) -> Answer:
    id, rest = "/".join(parts[:2]), parts[2:]
    repository = hub.repositories.get(id)
    if repository is None:
        return _missing()
    if rest and rest[1] not in ("main", repository.commit):
        return Answer(404, b"", {"X-Error-Code": "RevisionNotFound"})
    if rest[:1] == ["tree"]:
        return _json([_entry(name, content) for name, content in repository.files.items()])
    siblings = [{"rfilename": name} for name in repository.files]
    gated = "manual" if repository.gated else False
    return _json(
        {
            "_id": "0",
            "id": id,
            "modelId": id,
            "sha": repository.commit,
            "siblings": siblings,
            "gated": gated,
            "tags": [],
        }
    )


def _file(hub: Hub, repository: Repository, revision: str, name: str, method: str) -> Answer:
    commit = {"X-Repo-Commit": repository.commit}
    if repository.gated:
        return Answer(403, b"", {**commit, "X-Error-Code": "GatedRepo"})
    if revision not in ("main", repository.commit):
        return Answer(404, b"", {"X-Error-Code": "RevisionNotFound"})
    content = repository.files.get(name)
    if content is None:
        return Answer(404, b"", {**commit, "X-Error-Code": "EntryNotFound"})
    if method == "GET":
        hub.fetched.append(name)
    return Answer(200, content, {**commit, "ETag": f'"{hashlib.sha256(content).hexdigest()}"'})


def _entry(name: str, content: bytes) -> dict[str, Any]:
    return {
        "type": "file",
        "oid": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
        "size": len(content),
        "path": name,
    }


def _missing() -> Answer:
    return Answer(404, b"", {"X-Error-Code": "RepoNotFound"})


def _json(value: Any) -> Answer:
    return Answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})
