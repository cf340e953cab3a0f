"""A web server on this machine's loopback that answers what a test tells it to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass(frozen=True)
class Answer:
    """What a request gets."""

    text: str = ""
    code: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Server:
    """Answers every path with what ``answer`` returns, and remembers the paths that were asked."""

    answer: Callable[[str], Answer]
    port: int = 0
    asked: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Of its root, without a slash."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving(answer: Callable[[str], Answer]) -> Iterator[Server]:
    """Serve in threads until it is left."""
    served = Server(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            found = served.answer(self.path)
            body = found.text.encode()
            try:
                self.send_response(found.code)
                for name, value in found.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except BrokenPipeError:  # who asked has given up
                pass

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served.port = server.server_port
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()
