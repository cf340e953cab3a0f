"""``feed.xml``: the newest records of the given stores, as an Atom feed (RFC 4287)."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import datetime
from uuid import NAMESPACE_OID, uuid5
from xml.etree import ElementTree

from wattstar.publishing.site import document, paths, text
from wattstar.publishing.site.board import Board, Group, Row
from wattstar.publishing.site.columns import measured
from wattstar.publishing.site.page import Options

LINKS = ((paths.FEED, "application/atom+xml", "New records"),)
MOST = 50
NOTHING_YET = "1970-01-01T00:00:00Z"
"""When a feed without records changed last: Atom asks for a date, and today's would differ from build to build."""
NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Signs that XML 1.0 cannot hold, not even escaped."""


def files(board: Board, options: Options) -> Iterator[tuple[str, bytes]]:
    """One; ids are the names of the records' bytes (RFC 6920), so that an entry stays itself wherever the site is."""
    rows = [(started, group, row) for group in board.groups for row in group.rows
            if row.record and (started := _moment(board.records[row.source].record.started))]  # fmt: skip
    rows.sort(key=lambda found: (found[0], found[2].id), reverse=True)
    feed = ElementTree.Element("feed", {"xmlns": "http://www.w3.org/2005/Atom", "xml:lang": "en"})
    _add(feed, "title", f"{options.title}: new records")
    _add(feed, "id", uuid5(NAMESPACE_OID, f"wattstar leaderboard: {options.address or options.title}").urn)
    _add(feed, "updated", rows[0][0].isoformat() if rows else NOTHING_YET)
    _add(_add(feed, "author"), "name", "wattstar")
    ElementTree.SubElement(feed, "link", {"rel": "self", "href": _address(paths.FEED, options)})
    ElementTree.SubElement(feed, "link", {"rel": "alternate", "href": _address("index.html", options)})
    for started, group, row in rows[:MOST]:
        _entry(feed, started, group, row, _address(paths.record(row.id), options))
    ElementTree.indent(feed, " ")
    yield paths.FEED, ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True) + b"\n"


def _moment(started: str) -> datetime | None:
    """None where a record of a stranger says something that is no moment: it is not news."""
    try:
        made = datetime.fromisoformat(started)
    except ValueError:
        return None
    return made if made.tzinfo else None


def _entry(feed: ElementTree.Element, started: datetime, group: Group, row: Row, address: str) -> None:
    conditions, rating = group.conditions, row.rating
    stars = f"{rating.stars} of 5 stars, {rating.standing}" if rating.stars is not None else "no stars"
    where = f"edition {group.edition.name}" if group.edition else "among the records of this store"
    energy = f"{text.number(row.wh_per_1000.mid)} Wh per 1,000 queries"
    entry = _add(feed, "entry")
    _add(entry, "title", f"{row.model}, {group.task}: {energy}")
    digest = base64.urlsafe_b64encode(bytes.fromhex(row.source)).decode().rstrip("=")
    _add(entry, "id", f"ni:///sha-256;{digest}")
    _add(entry, "updated", started.isoformat())
    ElementTree.SubElement(entry, "link", {"rel": "alternate", "href": address})
    ElementTree.SubElement(entry, "category", {"term": _clean(group.task)})
    _add(entry, "summary", f"{energy} {document.width(row)}, {measured(row)}; {conditions.boundary}, "
         f"{conditions.method}, on {conditions.hardware}; {conditions.work}. {stars} ({where}).")  # fmt: skip


def _address(path: str, options: Options) -> str:
    """Absolute where it is known where the site will stand, else relative to the feed."""
    return (options.address or "") + path


def _add(parent: ElementTree.Element, name: str, words: str | None = None) -> ElementTree.Element:
    made = ElementTree.SubElement(parent, name)
    made.text = _clean(words) if words is not None else None
    return made


def _clean(words: str) -> str:
    return NOT_IN_XML.sub("\ufffd", words)
