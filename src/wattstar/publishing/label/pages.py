"""The label for pages: an HTML figure with its list in words, and a Markdown snippet."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

from wattstar.publishing.label import words
from wattstar.publishing.label.card import svg
from wattstar.publishing.label.facts import SCHEME, Facts
from wattstar.records.words import printable

FIGURE = '<figure class="wattstar-label">'
MARKUP = re.compile(r"([\\`*_{}\[\]()#|~!$])")


def html(facts: Facts) -> str:
    """``<figure>``: the SVG itself, and under it everything it says as a ``<dl>``."""
    items = "\n".join(
        f"<dt>{escape(printable(name))}</dt><dd>{escape(printable(value))}</dd>"
        for name, value in words.listing(facts).items()
    )
    return (
        f"{FIGURE}\n{svg(facts)}<figcaption><details><summary>The label in words</summary>\n"
        f'<dl lang="en">\n{items}\n</dl>\n</details></figcaption>\n</figure>\n'
    )


def markdown(facts: Facts, image: str | None = None) -> str:
    """The image, where its file is named, and a table of everything it says."""
    picture = f"![{_shown(words.sentence(facts))}]({image})"
    if not facts.address.startswith(SCHEME):
        picture = f"[{picture}](<{facts.address}>)"
    lines = [picture, ""] if image else []
    lines += ["| AI energy label | |", "|---|---|"]
    lines += [f"| {name} | {_shown(value)} |" for name, value in words.listing(facts).items()]
    return "\n".join(lines) + "\n"


def _shown(value: str) -> str:
    """One line that shows as it is written."""
    return escape(MARKUP.sub(r"\\\1", printable(value).replace("\n", " ")))
