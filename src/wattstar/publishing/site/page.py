"""One page of the site, before it is drawn; and what the whole site is built with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Options:
    """What the one who builds a site may choose."""

    title: str = "Green AI Leaderboard"
    page_rows: int = 100
    """Rows of a table that are in the page itself; scripts bring the rest, in steps as large."""
    single_file: bool = False
    """Everything in one file that opens from disk."""
    address: str | None = None
    """Where the site will stand, such as ``https://org-space.static.hf.space/``; None: not known, so that nothing
    needs it."""


@dataclass(frozen=True)
class Page:
    """A file of HTML: which template draws what."""

    path: str
    """A folder, with a slash at its end, ``tasks/text-generation/``, or a file, ``models/x.html``; home is empty."""
    kind: str
    """Its template is ``templates/KIND.html``; its script, where there is one, ``static/js/pages/KIND.js``."""
    title: str
    description: str
    """One sentence, for search engines and previews of links."""
    context: Mapping[str, Any] = field(default_factory=dict)
    """What the template needs beside what every template has: ``board``, ``options``, ``page``, ``url``, ``asset``."""
    data: Any = None
    """What the script needs, as JSON in the page; None: nothing."""
    section: str = ""
    """Which entry of the navigation is current: the path of its page."""
