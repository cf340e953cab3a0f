"""``wattstar leaderboard serve``: look at a site that was built."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click

from wattstar.cli.leaderboard.build import DEFAULT
from wattstar.errors import UnfitEnvironment, UsageError


class _Handler(SimpleHTTPRequestHandler):
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript", ".svg": "image/svg+xml"}  # noqa: RUF012

    def log_message(self, format: str, *args: object) -> None:
        """Silent: a page is dozens of requests."""

    def handle(self) -> None:
        """A reader who turns to another page before this one is here is no fault."""
        with suppress(BrokenPipeError, ConnectionResetError):
            super().handle()


@click.command("serve")
@click.argument("folder", type=click.Path(path_type=Path), default=DEFAULT)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: any that is free.")
def command(folder: Path, port: int) -> None:
    """Show the site in FOLDER on this machine, and to this machine only, until Ctrl-C."""
    if not (folder / "index.html").exists():
        raise UsageError(f"There is no leaderboard in {folder}.", ["wattstar leaderboard build STORE"])
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, directory=str(folder)))
    except OSError as error:
        raise UnfitEnvironment(f"Port {port} cannot be used: {error.strerror}.", ["another one: --port 0"]) from error
    with server:
        click.echo(f"http://127.0.0.1:{server.server_port}/  (Ctrl-C ends it)")
        server.serve_forever()
