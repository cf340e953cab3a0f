"""A reader's browser: pages opened from this machine, and everything noticed that no page may do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

LISTEN = """
window.forbidden = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.forbidden.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
window.alert = window.confirm = window.prompt = (words) => window.forbidden.push(`it ran: ${words}`);
"""
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}


@dataclass
class Reader:
    """A browser with nothing in its memory."""

    context: Any
    home: str
    """The address of the site, with a slash at its end."""
    asked: list[str] = field(default_factory=list)
    """Every address that a page asked for."""
    errors: list[str] = field(default_factory=list)

    def open(self, path: str) -> Any:
        """A page of the site in a new tab; ``tasks/x/index.html#sort=model``."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        page.goto(self.home + path)
        return page

    def noticed(self) -> Sequence[str]:
        """What should not have been: requests to anyone else, violations of the policy, errors of scripts."""
        elsewhere = [url for url in self.asked if not url.startswith((self.home, "data:", "blob:"))]
        forbidden = [words for page in self.context.pages for words in page.evaluate("window.forbidden ?? []")]
        return [*elsewhere, *forbidden, *self.errors]


@contextmanager
def reader(browser: Any, home: str, **settings: Any) -> Iterator[Reader]:
    """Someone who reads; when done, nothing must have been noticed."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **settings})
    context.set_default_timeout(20_000)
    context.add_init_script(LISTEN)
    made = Reader(context, home)
    context.on("request", lambda request: made.asked.append(request.url))
    try:
        yield made
        assert made.noticed() == []
    finally:
        context.close()
