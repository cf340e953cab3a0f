"""What decides which rows are taken, whatever the task: a fixed order, and words that no row may hold."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from .edition import Row

SEED = "wattstar-mini-1"
# Old texts speak of people in ways, and of cruelty in a detail, that a test set need not
# repeat; sentences with these word stems are left out.
UNWANTED = re.compile(
    r"\b(?:(?:indian|negro|nigg|savage|slave|cannibal|heathen|pagan|whor|harlot|concubin|fornicat|"
    r"adulter|naked|raping|ravish|slay|slain|slew|slaughter|blood|kill|murder|massacr|piss|bastard|"
    r"womb|circumcis|gentile|racial|idiot|lunatic|insan|suicid|corpse|sodom|smit|curse|devil|damn|"
    r"demon|barbar|uncivili|mulatto|scalp|tortur|hang(?:ed|ing)|coolie|immigra|mormon|polygam|"
    r"queequeg|tashtego|daggoo|fedallah|parsee|malay|africa|ethiop|aborigin|eunuch|leper|unclean|"
    r"begat|handmaid|maidservant|bondm|bondw|wicked|destroy|vengeance|spaniard|filipino|philippin|"
    r"feegee|crucif|captiv|harem|bomb|weapon|methamph|porn|sexual|abus|molest|assault)\w*|"
    r"(?:race|races|jews?|jewish|breasts?|dung|flesh|virgins?|lusts?|bosom|thighs?|loins|smote|"
    r"hell|tribes?|chinese|china|colou?red|blacks?|pip|swords?|meth|drugs?|rape|dagos?|stoned|"
    r"dead body|dead bodies|put to death|lain with|lay with|stealeth a man)\b)",
    re.IGNORECASE,
)


def rank(name: str, salt: str) -> str:
    """A sort key that looks random and is always the same."""
    return hashlib.sha256(f"{SEED}:{salt}:{name}".encode()).hexdigest()


def shuffled(rows: Iterable[Row]) -> list[Row]:
    """The rows with their sources mixed, so that the first n are a fair sample too."""
    return sorted(rows, key=lambda row: rank(row["id"], "order"))


def words(text: str) -> list[str]:
    """A list of words that is easier to read as running text."""
    return text.split()
