"""Read coordinates as people, GPS units, spreadsheets and map links write them. Pure text."""

import re
import unicodedata
from dataclasses import dataclass, field
from decimal import Decimal
from urllib.parse import unquote_plus

MAX_LENGTH = 2000  # A map link is longer than any address.

_NUMBER = r"[+-]?\d+(?:\.\d*)?"
_PAIR = rf"({_NUMBER})\s*(?:,|~|_|/|\s)\s*({_NUMBER})"
# 41.8781, -87.6298: what programs send, and nothing else to read into it.
_PLAIN = re.compile(r"([+-]?[0-9]{1,3}\.[0-9]{1,15}), ?([+-]?[0-9]{1,3}\.[0-9]{1,15})")
_THOUSANDS = re.compile(r"[0-9]{1,3}[ ,]([0-9]{3})")  # 60,614: a ZIP code from a spreadsheet
_LOOKALIKE = re.compile(r"[0-9Oo]{5}")  # 6O614: a ZIP code with a letter
# The most telling place of a link first: its pin, then what was searched, then the map's middle.
_LINK = re.compile(r"^(?:[a-z][a-z.+-]*://|www\.|maps\.|(?:[\w-]+\.)+[a-z]{2,}/)", re.IGNORECASE)
_LINK_PLACES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"!3d({_NUMBER})!4d({_NUMBER})",
        rf"[?&#]mlat=({_NUMBER})&mlon=({_NUMBER})",
        rf"#(?:map=)?[\d.]+/{_PAIR}",
        rf"[?&#/](?:q|query|daddr|destination|coordinate|address|ll|sll|center|map|cp)="
        rf"(?:loc:|geo:)?\s*\(?{_PAIR}",
        rf"[?&]sp=point\.{_PAIR}",
        rf"[?&#](?:lat|latitude)=({_NUMBER})&(?:lng|lon|long|longitude)=({_NUMBER})",
        rf"/(?:search|place|l|dir/)/?\s*{_PAIR}",
        rf"@\s*{_PAIR}",
    )
)
_GEO = re.compile(rf"^geo:\s*{_PAIR}", re.IGNORECASE)
_GEO_QUERY = re.compile(rf"^geo:[^?]*\?(?:.*&)?q=\s*{_PAIR}", re.IGNORECASE)
# RFC 7946 and the OGC's well-known text put the longitude first.
_LONGITUDE_FIRST = (
    re.compile(
        rf"^(?:SRID=\d+;)?\s*POINT\s*(?:ZM|Z|M)?\s*\(\s*({_NUMBER})\s+({_NUMBER})[\s\d.+-]*\)$",
        re.IGNORECASE,
    ),
    re.compile(rf'^\{{.*"coordinates"\s*:\s*\[\s*({_NUMBER})\s*,\s*({_NUMBER})'),
)
# ISO 6709: +41.8781-087.6298+180/
_ISO_6709 = re.compile(
    r"^([+-]\d{2,6}(?:\.\d*)?)([+-]\d{3,7}(?:\.\d*)?)(?:[+-]\d+(?:\.\d*)?)?(?:CRS\w*)?/?$"
)
_SPELLINGS = (
    (r"[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]", "-"),
    (r"(?<=\d)\s*(?:degrees?|deg(?![a-z])\.?|[°º˚∘ᵒ*])", "°"),
    (r"(?<=\d)d(?=\s*\d+(?:\.\d*)?\s*[′’'])", "°"),
    (r"''|′′|’’|[″”“ʺ˝〃]", '"'),
    (r"(?<=\d)\s*(?:seconds?|secs?\.?(?=[NSEWO]?(?![a-z])))", '"'),
    (r"(?<=\d)\s*(?:minutes?|min(?![a-z])\.?)|[′’‘´`ʹʼ]", "'"),
    (r"[\u00a0\u2000-\u200f\u2028-\u202f\u2060\ufeff]", " "),
    (r"^\W*(?:(?:gps|coordinates?|coords?|position|location|lat ?lo?ng)\b\W*?)+(?=[\s:=(\[-])", ""),
    (r"(\d)\s*d\s*(\d+)\s*m(?:\s*([\d.]+)\s*s)?(?=\s*[NSEWO,;]|\s*$)", r"\1°\2' \3 "),
    (r"(\d)-(\d\d?)-(\d\d?(?:\.\d+)?\s*[NSEWO])", r"\1 \2 \3"),
    (r"(?<=[,;\s])-\s+(?=\d)", "-"),
    (r"(?<=\d)\s*-\s*(?=-\d)", ", "),
    (r"\s*\([a-z][a-z ,.'-]{2,}\)$", ""),  # 41° 52′ 41″ N, 87° 37′ 47″ W (Chicago)
    # A decimal comma: in a part with a mark, or in a pair that something else separates.
    (r"(?<=\d),(?=\d+\s*[°'\"])", "."),
    (r"^([^.,]*\d),(\d+[^.,]*?(?:,\s+|[;/|\s]\s*)[^.,]*\d),(\d+[^.,]*)$", r"\1.\2.\3"),
)
# A pair of many digits within a text: "Chicago (41.8781, -87.6298)", "41.8781,-87.6298,14z".
_WITHIN = re.compile(
    r"(?<![\w.+-])([+-]?\d{1,3}\.\d{3,})\s*[,;\s]\s*([+-]?\d{1,3}\.\d{3,})(?![\w.])"
)
_MARKS_ABROAD = str.maketrans({"٫": ".", "،": ",", "．": ".", "，": ",", "－": "-", "＋": "+"})
_TOKEN = re.compile(
    r"""(?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:E[+-]\d{1,2}(?!\d))?)
      | (?P<mark>[°'"])
      | (?P<axis>(?:LATITUDE?|LAT|LONGITUDE?|LONG|LON|LNG|X|Y
                   |ALTITUDE|ALT|ELEVATION|ELEV|ELE)(?![A-Z]))
      | (?P<side>(?:NORTHS?|NORTE|SOUTH|SUR|EAST|ESTE|WEST|OESTE|[NSEWO])(?![A-Z]))
      | (?P<unit>±|(?:METERS|METRES|FEET|KM|FT|M)(?![A-Z]))
      | (?P<cut>[,;|/&~]|AND(?![A-Z]))
      | (?P<blank>[\s:=()\[\]{}<>.])
    """,
    re.VERBOSE | re.IGNORECASE,
)
_AXES = {"N": "lat", "S": "lat", "E": "lon", "W": "lon", "O": "lon"}
_NAMES = {"LNG": "LON", "X": "LON", "Y": "LAT"}
_HEIGHTS = ("ALT", "ELE")
_UNITS = (Decimal(1), Decimal(60), Decimal(3600))
_MARKS = "°'\""


@dataclass(frozen=True)
class Coordinates:
    """A point as it was written (degrees), whether or not it is one of the Earth.

    `label` has every digit that was typed. `unit` is one unit of the last digit, in degrees.
    """

    latitude: float
    longitude: float
    label: str
    unit: float

    @property
    def on_earth(self) -> bool:
        """Whether latitude and longitude are within their ranges."""
        return abs(self.latitude) <= 90 and abs(self.longitude) <= 180

    def alternatives(self) -> list["Coordinates"]:
        """Return what else may have been meant: longitude first, or a wrong sign."""
        south, west = self.label.split(", ") if ", " in self.label else self._decimals()
        found = []
        for first, second in ((south, west), (west, south)):
            for signs in (("", "-"), ("", ""), ("-", "-"), ("-", "")):
                texts = [
                    sign + text.lstrip("-")
                    for sign, text in zip(signs, (first, second), strict=True)
                ]
                other = Coordinates(float(texts[0]), float(texts[1]), ", ".join(texts), self.unit)
                if other.on_earth:
                    found.append(other)
        if 180 < self.longitude <= 360:  # as grids count, eastwards
            longitude = Decimal(west) - 360
            found.append(
                Coordinates(float(south), float(longitude), f"{south}, {longitude}", self.unit)
            )
        return found

    def _decimals(self) -> tuple[str, str]:
        return f"{self.latitude:.7f}", f"{self.longitude:.7f}"


@dataclass
class _Angle:
    """One number of the pair: its parts (degrees, minutes, seconds) as typed."""

    parts: list[str] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    side: str = ""
    axis: str = ""

    def takes(self, number: str) -> bool:
        """Whether a further number can be the minutes or seconds of this angle."""
        whole = not self.parts or "." not in self.parts[-1]
        return whole and len(self.parts) < 3 and (not self.parts or number[0] not in "+-")

    def packed(self) -> None:
        """Split degrees and minutes that stand in one number, as in NMEA's 4152.687,N."""
        digits = 2 if self.axis == "lat" else 3
        number = self.parts[0].lstrip("+-")
        sign = "-" if self.parts[0].startswith("-") else ""
        whole = number.partition(".")[0]
        if len(self.parts) > 1 or len(whole) not in (digits + 2, digits + 4):
            return
        parts = [sign + number[:digits], number[digits : digits + 2], number[digits + 2 :]]
        if len(whole) == digits + 2:
            parts = [parts[0], number[digits:]]
        self.parts = parts

    def valid(self) -> bool:
        """Whether the parts make an angle: at most 999 degrees, less than 60 of the others."""
        if not self.parts or len(self.parts[0].lstrip("+-").partition(".")[0].lstrip("0")) > 3:
            return False
        whole_but_last = all("." not in part and "E" not in part for part in self.parts[:-1])
        named = [mark for mark in self.marks if mark]
        return (
            whole_but_last
            and all(Decimal(part) < 60 for part in self.parts[1:])
            and named == sorted(named, key=_MARKS.index)
            and (len(self.parts) == 1 or not self.marks[0] or self.marks[0] == "°")
        )

    @property
    def negative(self) -> bool:
        """Whether it lies south or west."""
        return self.side in ("S", "W", "O") or self.parts[0].startswith("-")

    def degrees(self) -> float:
        """Return the angle in degrees."""
        size = sum(
            abs(Decimal(part)) / unit for part, unit in zip(self.parts, _UNITS, strict=False)
        )
        return float(-size if self.negative else size)

    def unit(self) -> float:
        """Return one unit of the last digit, in degrees."""
        exponent = int(Decimal(self.parts[-1]).as_tuple().exponent)
        return float(Decimal(10) ** min(exponent, 0) / _UNITS[len(self.parts) - 1])

    def text(self, sides: str) -> str:
        """Return it in one spelling: a decimal number, or 41°52′41″N."""
        parts = [format(abs(Decimal(part)), "f") for part in self.parts]
        if len(parts) == 1:
            return ("-" if self.negative else "") + parts[0]
        marked = "".join(part + mark for part, mark in zip(parts, "°′″", strict=False))
        return marked + sides[self.negative]


def read(text: str) -> Coordinates | None:
    """Return the coordinates that a text consists of; None where it is something else."""
    text = text.strip()
    if not text.isascii():
        text = "".join(map(_usual_digit, text.translate(_MARKS_ABROAD)))
    thousands = _THOUSANDS.fullmatch(text)
    if len(text) > MAX_LENGTH or _LOOKALIKE.fullmatch(text):
        return None
    if thousands and int(thousands[1]) > 180:
        return None
    if match := _PLAIN.fullmatch(text):
        return _plain(*match.groups())
    link = _LINK.match(text)
    if link or text[:4].lower() == "geo:":
        return _of_link(unquote_plus(text) if link else text)
    for pattern in _LONGITUDE_FIRST:
        if match := pattern.match(text):
            return _pair(match[2], match[1])
    plain = text
    for spelling, usual in _SPELLINGS:
        plain = re.sub(spelling, usual, plain, flags=re.IGNORECASE)
    if match := _ISO_6709.match(plain):
        return _pair(match[1], match[2])
    return _of_angles(_angles(plain)) or _within(plain)


def _usual_digit(character: str) -> str:
    decimal = unicodedata.decimal(character, None)
    return character if decimal is None else str(decimal)


def _within(text: str) -> Coordinates | None:
    """Return the only pair of numbers with many digits in a text."""
    pairs = _WITHIN.findall(text)
    return _pair(*pairs[0]) if len(pairs) == 1 else None


def _of_link(link: str) -> Coordinates | None:
    patterns = (_GEO_QUERY, _GEO) if link[:4].lower() == "geo:" else _LINK_PLACES
    for pattern in patterns:
        if match := pattern.search(link):
            return _pair(*match.groups())
    return None


def _plain(*numbers: str) -> Coordinates:
    """As `_pair`, of two numbers of _PLAIN: they are angles as they stand."""
    latitude, longitude = numbers
    decimals = min(len(number) - number.index(".") - 1 for number in numbers)
    label = ", ".join(map(_decimal, numbers))
    return Coordinates(float(latitude), float(longitude), label, float(f"1e-{decimals}"))


def _decimal(number: str) -> str:
    """Write a number of _PLAIN without a plus and without needless zeros before it."""
    whole, _, decimals = number.lstrip("+-").partition(".")
    return f"{'-' * number.startswith('-')}{whole.lstrip('0') or '0'}.{decimals}"


def _pair(latitude: str, longitude: str) -> Coordinates | None:
    return _both(_Angle([latitude], [""]), _Angle([longitude], [""]))


def _angles(text: str) -> list[_Angle]:
    """Return the numbers of a text, each with its minutes, seconds and side.

    The list is empty if the text is not made of such alone.
    """
    tokens = []
    end = 0
    while end < len(text):
        match = _TOKEN.match(text, end)
        if not match:
            return []
        tokens.append((str(match.lastgroup), match[0].upper()))
        end = match.end()
    kinds = [kind for kind, _ in tokens]
    if "number" not in kinds:
        return []
    before = {"side", "axis"} & set(kinds[: kinds.index("number")])
    angles = [_Angle()]
    previous = ""
    for kind, token in tokens:
        last = angles[-1]
        if kind == "number":
            ended = any(getattr(last, each) for each in ("side", "axis") if each not in before)
            closed = previous == "cut" or ended
            if last.parts and (closed or not last.takes(token)):
                angles.append(last := _Angle())
            last.parts.append(token)
            last.marks.append("")
        elif kind == "mark" and previous == "number":
            last.marks[-1] = token
            if token == "°" and len(last.parts) > 1:  # Degrees begin an angle.
                number = last.parts.pop()
                last.marks.pop()
                angles.append(_Angle([number], ["°"]))
            elif token == '"' and len(last.parts) == 1:  # A quotation mark.
                last.marks[-1] = ""
        elif kind in ("side", "axis"):
            name = token[0] if kind == "side" else _NAMES.get(token, token[:3])
            if last.parts and (kind in before or name in _HEIGHTS):
                angles.append(last := _Angle())
            setattr(last, kind, name)
        if kind != "blank":
            previous = kind
    return angles


def _of_angles(angles: list[_Angle]) -> Coordinates | None:
    if len(angles) == 1 and not angles[0].side:
        angles = _halves(angles[0])
    angles = [angle for angle in angles if angle.axis not in _HEIGHTS]
    if not 2 <= len(angles) <= 4 or not all(angle.parts for angle in angles):
        return None
    first, second, *others = angles
    if any(len(angle.parts) > 1 or angle.side or angle.axis for angle in others):
        return None
    axes = [_AXES.get(angle.side) or angle.axis.lower() for angle in (first, second)]
    if axes[0] == axes[1] != "":
        return None
    if axes[0] == "lon" or axes[1] == "lat":
        first, second = second, first
    return _both(first, second, packed=any(axes))


def _halves(angle: _Angle) -> list[_Angle]:
    """Return two angles of one that has all the numbers: 41 52 87 37."""
    if len(angle.parts) == 2 and not any(angle.marks):
        return [_Angle([part], [""]) for part in angle.parts]
    return []


def _both(latitude: _Angle, longitude: _Angle, packed: bool = True) -> Coordinates | None:
    latitude.axis, longitude.axis = "lat", "lon"
    if packed:
        latitude.packed()
        longitude.packed()
    if not (latitude.valid() and longitude.valid()):
        return None
    texts = latitude.text("NS"), longitude.text("EW")
    return Coordinates(
        latitude.degrees(),
        longitude.degrees(),
        (" " if max(len(latitude.parts), len(longitude.parts)) > 1 else ", ").join(texts),
        max(latitude.unit(), longitude.unit()),
    )
