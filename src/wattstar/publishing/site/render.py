"""Pages → HTML. Every string is escaped, and nothing but our own files may run: see ``POLICY``."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from wattstar.publishing.site import paths as where
from wattstar.publishing.site import text
from wattstar.publishing.site.board import Board
from wattstar.publishing.site.page import Options, Page

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; object-src 'none'"
NAVIGATION = (
    ("", "Tasks"),
    ("compare/", "Compare"),
    ("study/", "Studies"),
    ("method/", "Method"),
    ("editions/", "Editions"),
    ("data/", "Data"),
    ("submit/", "Submit"),
    ("faq/", "FAQ"),
)
"""Path → word; an entry whose page the site does not have is left out."""

Link = Callable[[str], str]


@cache
def static(name: str) -> str:
    """The text of one of our own files below ``static``."""
    return files("wattstar.publishing.site").joinpath("static", name).read_text(encoding="utf-8")


@cache
def statics(folder: str, ending: str) -> list[str]:
    """Names below ``static`` of the files of one folder, in alphabetical order."""
    found = files("wattstar.publishing.site").joinpath("static", folder).iterdir()
    return sorted(f"{folder}/{file.name}".lstrip("/") for file in found if file.name.endswith(ending))


@cache
def styles() -> str:
    """All style sheets as one, by their names: a page asks for one file."""
    return "".join(static(name) for name in statics("css", ".css"))


def environment(board: Board, options: Options, pages: Sequence[Page]) -> Environment:
    """What all templates have. An unknown name in a template raises instead of leaving a hole."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("wattstar.publishing.site", "templates"),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(text.FILTERS)
    known = {page.path for page in pages}
    made.globals.update(
        board=board,
        options=options,
        known=known,
        navigation=[(path, word) for path, word in NAVIGATION if path in known],
        style=where.STYLE,
        policy=POLICY,
        json=embedded,
        model_path=where.model,
        record_path=where.record,
        alike=_alike(made),
    )
    return made


def _alike(environment: Environment) -> Callable[..., Markup]:
    """Draws a part that is the same on many pages, once for each that it links from and each thing that it is given."""
    from markupsafe import Markup

    @cache
    def drawn(name: str, url: Link, **given: str | None) -> Markup:
        return Markup(environment.get_template(name).render(url=url, **given))

    return drawn


def rendered(environment: Environment, page: Page, link: Link, layout: str = "base.html") -> str:
    """The HTML of a page; ``link`` makes an address that works from it out of a path of the site.

    ``layout`` is what the page's template extends: ``base.html`` for all of it, ``main.html`` for its content alone.
    """
    script = f"js/pages/{page.kind}.js"
    made = environment.get_template(f"{page.kind}.html").render(
        layout=layout,
        page=page,
        url=link,
        script=script if script in statics("js/pages", ".js") else None,
        **page.context,
    )
    return str(made)


def relative(page: Page) -> Link:
    """Addresses from one page to others: relative, and of real files, so that they work below any path."""
    return _from("../" * page.path.count("/"))


@cache
def _from(up: str) -> Link:
    def link(target: str) -> str:
        path, mark, fragment = target.partition("#")
        return up + where.file(path) + mark + fragment

    return link


def inside(target: str) -> str:
    """The address of a page in the single file: ``#/tasks/text-generation/?sort=model``."""
    path, mark, fragment = target.partition("#")
    return f"#/{path}{'?' if mark else ''}{fragment}"


def embedded(value: Any) -> Markup:
    """JSON that may stand inside a ``<script>``: no string in it can end the element. Not-a-number is refused."""
    from markupsafe import Markup

    made = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)
    return Markup(made.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
