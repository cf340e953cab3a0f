"""Makes publishing/label/font/ from Arimo: the characters that labels need, and how wide each is.

    python scripts/label_font.py FOLDER      # with Arimo-Regular.ttf and Arimo-Bold.ttf, of Debian's fonts-croscore

Needs fonttools. Arimo has the advance widths of Arial, Helvetica and Liberation Sans: what fits in one fits in all.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

FONT = Path(__file__).parent.parent / "src" / "wattstar" / "publishing" / "label" / "font"
RANGES = ((0x20, 0x7E), (0xA0, 0x17F), (0x384, 0x3CE), (0x400, 0x45F))
"""Latin, Greek and Cyrillic."""
SIGNS = "–—‘’“”…≤≥≈−×"


def main(folder: Path) -> None:
    """Write the subset of each weight, and one table of advance widths in thousandths of the size."""
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    wanted = {code for first, last in RANGES for code in range(first, last + 1)} | set(map(ord, SIGNS))
    advances = {}
    for weight in ("Regular", "Bold"):
        font = TTFont(folder / f"Arimo-{weight}.ttf", recalcTimestamp=False)
        subsetter = Subsetter(Options(hinting=False, layout_features=[], notdef_outline=True))
        subsetter.populate(unicodes=sorted(wanted))
        subsetter.subset(font)
        names, widths, units = font.getBestCmap(), font["hmtx"], font["head"].unitsPerEm
        advances[weight.lower()] = {
            chr(code): round(1000 * widths[name][0] / units) for code, name in sorted(names.items())
        }
        font.save(FONT / f"Arimo-{weight}.ttf")
    text = json.dumps(advances, ensure_ascii=False, separators=(",", ":"))
    (FONT / "advances.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
