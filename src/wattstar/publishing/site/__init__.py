"""The Green AI Leaderboard: a static site, made of records and editions. ``build`` is a pure function of both."""

from wattstar.publishing.site.build import build
from wattstar.publishing.site.gather import gather
from wattstar.publishing.site.page import Options

__all__ = ["Options", "build", "gather"]
