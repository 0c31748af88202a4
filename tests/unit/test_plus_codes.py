"""Plus codes, by the Open Location Code's own test data (google/open-location-code, Apache 2.0)."""

import pytest

from airaware.gazetteer import plus_codes


@pytest.mark.parametrize(
    ("code", "latitude", "longitude"),
    [
        ("7FG49Q00+", 20.375, 2.775),
        ("7FG49QCJ+2V", 20.3700625, 2.7821875),
        ("7FG49QCJ+2VX", 20.3701125, 2.782234375),
        ("7FG49QCJ+2VXGJ", 20.3701135, 2.78223535156),
        ("8FVC2222+22", 47.0000625, 8.0000625),
        ("4VCPPQGP+Q9", -41.2730625, 174.7859375),
        ("62G20000+", 0.5, -179.5),
        ("22220000+", -89.5, -179.5),
    ],
)
def test_whole_codes(code: str, latitude: float, longitude: float) -> None:
    found = plus_codes.find(f"at {code.lower()}, somewhere")
    assert found is not None
    assert found.text == code
    area = found.area()
    assert (area.latitude, area.longitude) == pytest.approx((latitude, longitude), abs=1e-9)


@pytest.mark.parametrize(
    ("short", "latitude", "longitude", "code"),
    [
        ("9QCJ+2VX", 51.3701125, -1.217765625, "9C3W9QCJ+2VX"),
        ("CJ+2VX", 51.3701125, -1.217765625, "9C3W9QCJ+2VX"),
        ("22+", 42.899, 9.012, "8FJFW222+"),
        ("22+", 14.95125, -23.5001, "796RXG22+"),
    ],
)
def test_short_codes_mean_the_nearest_area(
    short: str, latitude: float, longitude: float, code: str
) -> None:
    found = plus_codes.PlusCode(short, "")
    assert found.short
    assert found.near(latitude, longitude).text == code


@pytest.mark.parametrize("text", ["V9F7", "5th + Main", "60614+1234", "3+4", "86HJV9F7+2", "C++"])
def test_other_texts_are_none(text: str) -> None:
    assert plus_codes.find(text) is None
