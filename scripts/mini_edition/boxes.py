"""Object detection's annotations: what of COCO's classes is in each photograph, and where, drawn by eye on a grid.

A box is left, top, right, bottom, in pixels of the embedded file. Own work, CC0-1.0.
"""

from __future__ import annotations

from typing import Any

Box = tuple[float, float, float, float]
Thing = dict[str, Any]

# By photograph, as in images.py; a mirrored one is worked out from its original.
PHOTOGRAPHED: dict[str, list[tuple[str, Box]]] = {
    "chelsea": [("cat", (0, 0, 426, 320))],
    "chelsea-face": [("cat", (0, 0, 375, 320))],
    "coffee": [
        ("cup", (173, 18, 410, 309)),
        ("spoon", (326, 66, 425, 326)),
        ("dining table", (0, 0, 600, 400)),
    ],
    "camera": [("person", (0, 49, 260, 400))],
    "camera-tripod": [("person", (0, 0, 165, 250))],
    "horse": [("horse", (18, 9, 390, 314))],
    "brick": [],
    "grass": [],
    "gravel": [],
    "astronaut": [("person", (17, 12, 284, 400))],
    "rocket": [],
    "hubble": [],
    "airplane": [("airplane", (104, 62, 528, 400))],
    "canyon": [("boat", (75, 239, 216, 339)), ("person", (131, 307, 150, 338))],
    "alps": [],
    "boats": [
        ("boat", (218, 61, 367, 284)),
        ("boat", (0, 304, 370, 380)),
        ("boat", (341, 314, 500, 400)),
        ("boat", (167, 258, 225, 278)),
        ("person", (186, 317, 226, 347)),
        ("person", (367, 327, 398, 385)),
    ],
    "cat-motion": [
        ("cat", box)
        for box in (
            (29, 18, 124, 82), (163, 19, 259, 82), (290, 19, 387, 82),
            (425, 20, 523, 85), (556, 22, 654, 86), (691, 21, 788, 86),
            (30, 116, 123, 182), (157, 118, 248, 183), (289, 118, 380, 188),
            (435, 118, 523, 186), (556, 121, 641, 183), (690, 121, 784, 186),
            (17, 210, 125, 281), (146, 206, 257, 280), (288, 206, 386, 281),
            (428, 208, 522, 281), (555, 213, 651, 281), (688, 219, 787, 282),
            (22, 321, 122, 378), (149, 326, 256, 378), (274, 331, 389, 380),
            (401, 334, 525, 380), (539, 334, 659, 378), (675, 333, 788, 380),
        )
    ],
    "dahlia": [],
}  # fmt: skip
MIRRORED = {"chelsea-mirrored": "chelsea", "coffee-mirrored": "coffee", "camera-mirrored": "camera",
            "airplane-mirrored": "airplane"}  # fmt: skip
# By drawing: known from the numbers it is drawn with. Poles do not belong to signs and lights, as in COCO.
DRAWN: dict[str, list[tuple[str, Box]]] = {
    "clock": [("clock", (35, 35, 365, 365))],
    "digital-clock": [("clock", (30, 110, 370, 300))],
    "traffic-light": [("traffic light", (135, 30, 265, 320))],
    "stop-sign": [("stop sign", (61.4, 26.4, 338.6, 303.6))],
    "umbrella": [("umbrella", (40, 40, 360, 345))],
    "bow-tie": [("tie", (45, 115, 355, 285))],
    "abacus": [],
    "envelope": [],
    "candle": [],
    "dumbbell": [],
}


def mirrored(things: list[tuple[str, Box]], width: int) -> list[tuple[str, Box]]:
    """The same things in a mirror."""
    return [(label, (width - right, top, width - left, bottom)) for label, (left, top, right, bottom) in things]


def target(things: list[tuple[str, Box]]) -> list[Thing]:
    """As the rows hold it; an empty list says that there is nothing of COCO's classes."""
    return [{"label": label, "box": [round(side, 1) for side in box]} for label, box in things]
