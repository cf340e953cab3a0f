"""The whole site in one file that opens from disk: pages lie in it as templates, scripts and styles inside.

Scripts are our own modules joined in the order of their imports, so that none needs a second file; the names at their
top level must differ, which a test says. The policy names the digests of what may run.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from wattstar.publishing.site.page import Page
from wattstar.publishing.site.render import inside, rendered, static, statics, styles

if TYPE_CHECKING:
    from jinja2 import Environment

IMPORT = re.compile(r'^import (?:\{[^}]*\} from )?"([^"]+)"\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|let|class)\b)", re.MULTILINE)


def joined(environment: Environment, pages: Sequence[Page]) -> str:
    """The file's HTML."""
    from markupsafe import Markup

    home = next(page for page in pages if not page.path)
    style = styles()
    script = scripts(["js/router.js", *statics("js/pages", ".js"), "js/shell.js"])
    policy = (
        f"default-src 'none'; img-src data:; script-src '{_allowed(script)}'; style-src '{_allowed(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    mains = [(page, Markup(rendered(environment, page, inside, "main.html"))) for page in pages]
    environment.globals.update(mains=mains, inline_style=Markup(style), inline_script=Markup(script), policy=policy)
    return rendered(environment, home, inside, "single.html")


def scripts(entries: Sequence[str]) -> str:
    """The modules, each after those that it imports, without the words that join them."""
    order: dict[str, str] = {}

    def add(name: str) -> None:
        if name in order:
            return
        order[name] = ""  # ours only, and they form no circle that could not be cut anywhere
        text = static(name)
        for target in IMPORT.findall(text):
            add(_beside(name, target))
        del order[name]
        order[name] = EXPORT.sub("", IMPORT.sub("", text))

    for entry in entries:
        add(entry)
    return "".join(order.values())


def _beside(name: str, target: str) -> str:
    """The module that ``name`` means by ``./x.js`` or ``../x.js``."""
    folders = name.split("/")[:-1]
    for part in target.split("/"):
        folders = folders[:-1] if part == ".." else folders if part == "." else [*folders, part]
    return "/".join(folders)


def _allowed(text: str) -> str:
    """As a policy names what may run: the digest of its bytes."""
    return "sha256-" + base64.b64encode(sha256(text.encode()).digest()).decode()
