"""A Hugging Face Hub on 127.0.0.1: as much of its protocol as the real clients need to pin, fetch and push.

Models, data sets and Spaces, branches and commits, gated ones, a token, Range requests, transfers that are cut or
stand still, and commits of small files.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

Files = Mapping[str, bytes]

TOKEN = "hf_LoopbackTokenOfATestAndOfNobody"
"""Opens what is gated, and may push."""


def commit_of(files: Files) -> str:
    """As the Hub's: forty hexadecimal digits, others when the files are others."""
    text = b"".join(name.encode() + content for name, content in sorted(files.items()))
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Repository:
    """A model or data set: the commit of its branch ``main``, other branches, and commits that were ``main`` once."""

    files: Files
    gated: bool = False
    branches: Mapping[str, Files] = field(default_factory=dict)
    earlier: tuple[Files, ...] = ()
    private: bool = False
    sizes: Mapping[str, int] = field(default_factory=dict)
    """File → bytes that it is said to have, where that is not so."""
    parameters: int | None = None
    """As the Hub counts them in safetensors, once it has; all float32."""
    sdk: str | None = None
    """Of a Space."""

    @property
    def commit(self) -> str:
        """Of ``main``."""
        return commit_of(self.files)

    def at(self, revision: str) -> Files | None:
        """The files of a branch or a commit; None where there is no such revision."""
        named = {"main": self.files, **self.branches}
        commits = {commit_of(files): files for files in (*named.values(), *self.earlier)}
        return {**commits, **named}.get(revision)

    def moved(self, files: Files) -> Repository:
        """After another commit to ``main``; the earlier one stays to be had."""
        return replace(self, files=files, earlier=(*self.earlier, self.files), sizes={}, parameters=None)


@dataclass
class Hub:
    """The running server."""

    repositories: dict[str, Repository]
    """Models."""
    datasets: dict[str, Repository] = field(default_factory=dict)
    spaces: dict[str, Repository] = field(default_factory=dict)
    failing: bool = False
    """Answer everything with 503, as in an outage."""
    endpoint: str = ""
    fetched: list[str] = field(default_factory=list)
    """Names of the files whose contents were asked for."""
    asked: list[str] = field(default_factory=list)
    """Method and path of every request, with the range asked for."""
    cut: dict[str, int] = field(default_factory=dict)
    """File → how many of its next transfers break off in the middle."""
    stuck: dict[str, int] = field(default_factory=dict)
    """File → how many of its next transfers stand still in the middle, until the asker gives up."""
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def kinds(self) -> dict[str, dict[str, Repository]]:
        """By the word for them in addresses."""
        return {"models": self.repositories, "datasets": self.datasets, "spaces": self.spaces}


@contextmanager
def serving(repositories: Mapping[str, Repository], datasets: Mapping[str, Repository] | None = None) -> Iterator[Hub]:
    """Serve models and data sets while the context lasts."""
    hub = Hub(dict(repositories), dict(datasets or {}))
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True)
class Request:
    method: str
    parts: tuple[str, ...]
    """Of the path, each decoded: a branch may contain a slash."""
    range: str
    token: str
    body: bytes

    @property
    def value(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]
    file: str = ""
    """The body is this file, or a part of it."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    hub: ClassVar[Hub]

    def do_GET(self) -> None:
        parts = tuple(unquote(part) for part in urlsplit(self.path).path.strip("/").split("/"))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        request = Request(self.command, parts, self.headers.get("Range") or "", token, body)
        self.hub.asked.append(f"{self.command} {self.path} {request.range}".strip())
        try:
            self._send(_answer(self.hub, request))
        except (BrokenPipeError, ConnectionResetError):  # who asked has given up
            self.close_connection = True

    do_HEAD = do_POST = do_GET

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            sent = answer.body[: len(answer.body) // 2] if self._breaks(answer) else answer.body
            self.wfile.write(sent)
            self.wfile.flush()
            if len(sent) < len(answer.body):
                self._break_off(answer)

    def _breaks(self, answer: Answer) -> bool:
        return bool(answer.file) and self.hub.cut.get(answer.file, 0) + self.hub.stuck.get(answer.file, 0) > 0

    def _break_off(self, answer: Answer) -> None:
        waits = self.hub.stuck.get(answer.file, 0) > 0
        (self.hub.stuck if waits else self.hub.cut)[answer.file] -= 1
        if waits:
            self.hub.closing.wait()
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Tests are quiet."""


def _answer(hub: Hub, request: Request) -> Answer:
    if hub.failing:
        return Answer(503, b"", {})
    parts = request.parts
    if parts == ("api", "repos", "create"):
        return _create(hub, request)
    if parts == ("api", "validate-yaml"):
        return _json({"errors": [], "warnings": []})
    if parts[:1] == ("api",) and parts[1] in hub.kinds:
        return _api(hub.kinds[parts[1]], request, parts[2:])
    kind, parts = (hub.kinds[parts[0]], parts[1:]) if parts[0] in hub.kinds else (hub.repositories, parts)
    repository = kind.get("/".join(parts[:2]))
    if repository is None or parts[2:3] != ("resolve",):
        return _missing("RepoNotFound")
    return _file(hub, repository, request, (parts[3], "/".join(parts[4:])))


def _api(kind: dict[str, Repository], request: Request, parts: tuple[str, ...]) -> Answer:
    id, (verb, *rest) = "/".join(parts[:2]), parts[2:] or ("",)
    repository = kind.get(id)
    if repository is None:
        return _missing("RepoNotFound")
    if verb == "auth-check":
        return _closed(repository, request) or _json({})
    files = repository.at(rest[0] if rest else "main")
    if files is None:
        return _missing("RevisionNotFound")
    more: Mapping[str, Callable[[], Answer]] = {
        "tree": lambda: _tree(repository, files, request, "/".join(rest[1:])),
        "paths-info": lambda: _json([_entry(name, files[name]) for name in _paths(request) if name in files]),
        "preupload": lambda: _json({"files": [_regular(file["path"]) for file in request.value["files"]]}),
        "commit": lambda: _commit(kind, id, request),
    }
    return more[verb]() if verb in more else _info(id, repository, files)


def _info(id: str, repository: Repository, files: Files) -> Answer:
    count = repository.parameters
    return _json(
        {
            "_id": "0",
            "id": id,
            "modelId": id,
            "sha": commit_of(files),
            "siblings": [
                {"rfilename": name, "size": repository.sizes.get(name, len(content))} for name, content in files.items()
            ],
            **({"safetensors": {"parameters": {"F32": count}, "total": count}} if count is not None else {}),
            "gated": "manual" if repository.gated else False,
            "private": repository.private,
            "tags": [],
        }
    )


def _tree(repository: Repository, files: Files, request: Request, folder: str) -> Answer:
    """The whole tree below a folder, folders included, as ``recursive`` asks for."""
    if closed := _closed(repository, request):
        return closed
    prefix = f"{folder}/" if folder else ""
    below = [name for name in files if name.startswith(prefix)]
    folders = {
        name[: match.start()] for name in below for match in re.finditer("/", name) if match.start() > len(prefix)
    }
    if folder and not below:
        return _missing("EntryNotFound")
    made = [{"type": "directory", "oid": commit_of({name: b""}), "size": 0, "path": name} for name in sorted(folders)]
    return _json([*made, *(_entry(name, files[name]) for name in below)])


def _file(hub: Hub, repository: Repository, request: Request, wanted: tuple[str, str]) -> Answer:
    revision, name = wanted
    files = repository.at(revision)
    if closed := _closed(repository, request):
        return closed
    if files is None:
        return _missing("RevisionNotFound")
    commit = {"X-Repo-Commit": commit_of(files)}
    content = files.get(name)
    if content is None:
        return Answer(404, b"", {**commit, "X-Error-Code": "EntryNotFound"})
    if request.method == "GET":
        hub.fetched.append(name)
    headers = {**commit, "ETag": f'"{hashlib.sha256(content).hexdigest()}"', "Accept-Ranges": "bytes"}
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", request.range)
    if match is None:
        return Answer(200, content, headers, name)
    begin, end = int(match[1]), min(int(match[2] or len(content)), len(content) - 1)
    if begin >= len(content):
        return Answer(416, b"", {**headers, "Content-Range": f"bytes */{len(content)}"})
    headers |= {"Content-Range": f"bytes {begin}-{end}/{len(content)}"}
    return Answer(206, content[begin : end + 1], headers, name)


def _closed(repository: Repository, request: Request) -> Answer | None:
    """What one who may not see it gets: 401 without a token, 403 with one whose owner was not let in."""
    if not repository.gated or request.token == TOKEN:
        return None
    return Answer(403 if request.token else 401, b"", {"X-Error-Code": "GatedRepo"})


def _create(hub: Hub, request: Request) -> Answer:
    if request.token != TOKEN:
        return Answer(401, b"", {})
    asked = request.value
    id = f"{asked['organization']}/{asked['name']}"
    word = f"{asked.get('type', 'model')}s"
    prefix = "" if word == "models" else f"{word}/"
    made = _json({"url": f"{hub.endpoint}/{prefix}{id}", "name": id, "id": "0"})
    if id in hub.kinds[word]:
        return replace(made, status=409)
    private = asked.get("visibility") == "private"
    hub.kinds[word][id] = Repository({".gitattributes": b""}, private=private, sdk=asked.get("sdk"))
    return made


def _commit(kind: dict[str, Repository], id: str, request: Request) -> Answer:
    if request.token != TOKEN:
        return Answer(403, b"", {})
    files = dict(kind[id].files)
    for line in map(json.loads, request.body.splitlines()):
        if line["key"] == "file":
            files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
        elif line["key"] == "deletedFile":
            del files[line["value"]["path"]]
    kind[id] = kind[id].moved(files)
    return _json({"commitUrl": f"/{id}/commit/{kind[id].commit}", "commitOid": kind[id].commit, "success": True})


def _regular(path: str) -> dict[str, Any]:
    return {"path": path, "uploadMode": "regular", "shouldIgnore": False}


def _paths(request: Request) -> list[str]:
    """Of a form."""
    return parse_qs(request.body.decode()).get("paths", [])


def _entry(name: str, content: bytes) -> dict[str, Any]:
    return {
        "type": "file",
        "oid": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
        "size": len(content),
        "path": name,
    }


def _missing(code: str) -> Answer:
    return Answer(404, b"", {"X-Error-Code": code})


def _json(value: Any) -> Answer:
    return Answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})
