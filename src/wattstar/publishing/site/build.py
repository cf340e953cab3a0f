"""Board → the files of the site. The same board and options give the same bytes."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from types import ModuleType

from wattstar.errors import WattstarError
from wattstar.publishing.site import machine, pages, paths, single
from wattstar.publishing.site.board import Board
from wattstar.publishing.site.page import Options, Page
from wattstar.publishing.site.render import environment, relative, rendered, static, statics, styles

STATIC = (("js", ".js"), ("js/pages", ".js"), ("", ".svg"))


def build(board: Board, options: Options) -> Mapping[str, bytes]:
    """Path below the site's folder → content; of a single file, ``index.html`` alone."""
    made = all_pages(board, options)
    ready = environment(board, options, made)
    ready.globals["alternates"] = [link for module in modules(machine) for link in getattr(module, "LINKS", ())]
    if options.single_file:
        return {"index.html": single.joined(ready, made).encode()}
    found = {paths.file(page.path): rendered(ready, page, relative(page)).encode() for page in made}
    for module in modules(machine):
        found.update(module.files(board, options))
    found[paths.STYLE] = styles().encode()
    for folder, ending in STATIC:
        found.update({name: static(name).encode() for name in statics(folder, ending)})
    return dict(sorted(found.items()))


def all_pages(board: Board, options: Options) -> list[Page]:
    """Of every kind, by path; two of one path are a fault."""
    made: dict[str, Page] = {}
    for module in modules(pages):
        for page in module.pages(board, options):
            if page.path in made:
                raise WattstarError(f"Two pages of the leaderboard have the path {page.path!r}.")
            made[page.path] = page
    return [made[path] for path in sorted(made)]


def modules(package: ModuleType) -> Iterator[ModuleType]:
    """The files of a folder, each a kind of page (``pages(board, options)``) or of data (``files(board, options)`` and
    ``LINKS``: path, media type and title of what is worth a link)."""
    for found in pkgutil.iter_modules(package.__path__):
        if not found.name.startswith("_"):
            yield importlib.import_module(f"{package.__name__}.{found.name}")
