"""Read plus codes (Open Location Code): 86HJW9FF+2X, or W9FF+2X beside a city's name.

The code's digits are pairs of latitude and longitude to the base 20, beginning at 20 degrees; from
the eleventh on, each divides its area in five rows and four columns. A short code lacks the first
digits: it means the nearest such area to a place. Source: "Open Location Code Specification".
"""

import re
from typing import NamedTuple

DIGITS = "23456789CFGHJMPQRVWX"
PAIRS = 5
ROWS, COLUMNS = 5, 4
_BEFORE = 8  # digits before the +
_CODE = re.compile(
    rf"(?<![\w+])((?:[{DIGITS}]{{2}}){{1,4}})(0{{0,6}})\+([{DIGITS}]{{2,7}})?(?![\w+])",
    re.IGNORECASE,
)


class PlusCode(NamedTuple):
    """A code as it is written in capitals, and the text around it."""

    text: str
    around: str

    @property
    def short(self) -> bool:
        """Whether it needs a place near it."""
        return self.text.index("+") < _BEFORE

    def near(self, latitude: float, longitude: float) -> "PlusCode":
        """Return the whole code of a short one, the nearest to a point (degrees)."""
        lacking = _BEFORE - self.text.index("+")
        step = 20.0 ** (2 - lacking // 2)  # degrees between areas with the same digits
        first = _encoded(latitude, longitude)[:lacking]
        middle = PlusCode(first + self.text, "").area()
        moved = (
            middle.latitude + step * round((latitude - middle.latitude) / step),
            middle.longitude + step * round((longitude - middle.longitude) / step),
        )
        return PlusCode(_encoded(*moved)[:lacking] + self.text, self.around)

    def area(self) -> "Area":
        """Return the middle and the size of a whole code's area."""
        digits = [DIGITS.index(digit) for digit in self.text.replace("+", "").rstrip("0")]
        south, west, height, width = -90.0, -180.0, 400.0, 400.0
        for row, column in zip(digits[: 2 * PAIRS : 2], digits[1 : 2 * PAIRS : 2], strict=True):
            height, width = height / 20, width / 20
            south, west = south + row * height, west + column * width
        for digit in digits[2 * PAIRS :]:
            height, width = height / ROWS, width / COLUMNS
            south, west = south + digit // COLUMNS * height, west + digit % COLUMNS * width
        return Area(south + height / 2, west + width / 2, max(height, width))


class Area(NamedTuple):
    """The middle of a code's area, and the length of its longer side, in degrees."""

    latitude: float
    longitude: float
    degrees: float


def find(text: str) -> PlusCode | None:
    """Return the first plus code of a text."""
    match = _CODE.search(text)
    if not match:
        return None
    digits, zeros, behind = match.groups()
    padded = len(digits) + len(zeros)
    if (zeros and (padded != _BEFORE or behind)) or (padded < _BEFORE and not behind):
        return None
    if len(behind or "") == 1 or (padded == _BEFORE and DIGITS.index(digits[0].upper()) > 8):
        return None
    around = f"{text[: match.start()]} {text[match.end() :]}".strip(" ,")
    return PlusCode(match[0].upper(), around)


def _encoded(latitude: float, longitude: float) -> str:
    """Return the digits of a point before the +."""
    south = min(max(latitude, -90.0), 90.0 - 1e-9) + 90
    west = (longitude + 180) % 360
    size, digits = 20.0, ""
    for _ in range(_BEFORE // 2):
        digits += DIGITS[int(south / size)] + DIGITS[int(west / size)]
        south, west, size = south % size, west % size, size / 20
    return digits
