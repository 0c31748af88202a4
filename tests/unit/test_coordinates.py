"""Coordinates as people and machines write them, and what lies inside of the outline."""

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airaware.gazetteer import coordinates, outline
from airaware.web.geocode import AddressError, AmbiguousAddressError, Geocoder, OutsideUSError

CASES = Path(__file__).parents[3] / "shared" / "data" / "cases" / "addresses.tsv"

WRITTEN = r"""(41.8781, -87.6298)
[41.8781, -87.6298]
"41.8781","-87.6298"
41.8781;-87.6298
41.8781/-87.6298
41.8781 , - 87.6298
41.8781 -87.6298 180
41.8781, -87.6298, 180m
41.8781, -87.6298 alt 180
41.8781,-87.6298 ±5m
41.8781, –87.6298
N 41.8781 W 87.6298
41.8781N87.6298W
W87.6298 N41.8781
N: 41.8781, W: 87.6298
41.8781 degrees north, 87.6298 degrees west
41.8781 Norte, 87.6298 Oeste
41,8781; -87,6298
41,8781 -87,6298
41,8781, -87,6298
4.18781E+01, -8.76298E+01
41°52'41,16"N 87°37'47,28"W
41°52′41.16″N 87°37′47.28″W
41º52’41.16”N, 87º37’47.28”W
41°52'41.16''N 87°37'47.28''W
N 41° 52' 41.16", W 87° 37' 47.28"
Lat 41° 52' 41.16" N Long 87° 37' 47.28" W
41° 52' 41.16" -87° 37' 47.28"
41 52 41.16 N 87 37 47.28 W
41 52 41.16, -87 37 47.28
41:52:41.16N 87:37:47.28W
41-52-41.16N 087-37-47.28W
41d52m41.16sN 87d37m47.28sW
41 deg 52 min 41.16 sec N, 87 deg 37 min 47.28 sec W
41° 52.686' N, 87° 37.788' W
N41°52.686' W087°37.788'
4152.686,N,08737.788,W
+4152.686-08737.788/
+41.8781-087.6298+180/
lat: 41.8781, lon: -87.6298
lon: -87.6298, lat: 41.8781
41.8781 lat, -87.6298 lon
{"lat": 41.8781, "lng": -87.6298}
x: -87.6298 y: 41.8781
LatLng(41.8781, -87.6298)
Coordinates: 41.8781, -87.6298
lat=41.8781&lng=-87.6298
POINT(-87.6298 41.8781)
SRID=4326;POINT Z (-87.6298 41.8781 180)
{"type":"Point","coordinates":[-87.6298,41.8781]}
{"type":"Feature","geometry":{"type":"Point","coordinates":[-87.6298, 41.8781, 5]}}
geo:41.8781,-87.6298
geo:41.8781,-87.6298,180;u=35
geo:0,0?q=41.8781,-87.6298(Home)
Chicago (41.8781, -87.6298)
41.8781 -87.6298 Chicago
41.8781,-87.6298,14z
41°52'41.16"N 87°37'47.28"W (Chicago)
41.8781--87.6298
41*52'41.16"N 87*37'47.28"W
41d52'41.16"N 87d37'47.28"W
41deg52min41.16secN 87deg37min47.28secW
٤١٫٨٧٨١، -٨٧٫٦٢٩٨
４１．８７８１，－８７．６２９８
https://www.google.com/maps/@41.8781,-87.6298,15z
https://www.google.com/maps/place/Chicago/@41.83,-88.01,11z/data=!8m2!3d41.8781!4d-87.6298!16z
https://www.google.com/maps/search/?api=1&query=41.8781%2C-87.6298
https://maps.google.com/?q=loc:41.8781+-87.6298
maps.google.com/?q=41.8781,-87.6298
https://maps.apple.com/?ll=41.8781,-87.6298&q=Dropped%20Pin
https://www.openstreetmap.org/#map=15/41.8781/-87.6298
https://www.openstreetmap.org/?mlat=41.8781&mlon=-87.6298#map=15/41.9/-87.7
https://www.bing.com/maps?cp=41.8781~-87.6298&lvl=12
https://waze.com/ul?ll=41.8781%2C-87.6298&navigate=yes""".splitlines()


@pytest.mark.parametrize("text", WRITTEN)
def test_every_spelling_is_read(text: str) -> None:
    found = coordinates.read(text)
    assert found is not None
    assert (found.latitude, found.longitude) == pytest.approx((41.8781, -87.6298), abs=1e-6)


@pytest.mark.parametrize(
    "text",
    ["60614 - 1234", "60614 1234", "60614.0", "606144", "2903", "123 N Main", "41.8 N", "°", "N",
     "41 75 10 N 87 0 0 W", "1 2 3 4 5 6 7 8", "nan, nan", "N 41, N 42", "https://example.org/"],
)  # fmt: skip
def test_other_texts_are_none(text: str) -> None:
    assert coordinates.read(text) is None


def test_a_label_keeps_every_digit() -> None:
    place = Geocoder().locate("41.87811234567890, -87.62981234567890")
    assert place.label == "41.87811234567890, -87.62981234567890"
    assert Geocoder().locate("41 52 41 N 87 37 47 W").label == "41°52′41″N 87°37′47″W"


@pytest.mark.parametrize(
    "text",
    [
        "-87.6298, 41.8781",
        "41.8781, 272.3702",
        "41.8781, 87.6298",
        "87.6298, 41.8781",
        "41°52'41\" 87°37'47\"",
    ],
)
def test_the_place_that_was_meant_is_offered(text: str) -> None:
    with pytest.raises(AmbiguousAddressError) as ambiguous:
        Geocoder().locate(text)
    places = [Geocoder().locate(choice) for choice in ambiguous.value.choices]
    assert any(
        (each.latitude, each.longitude) == pytest.approx((41.8781, -87.6298), abs=1e-3)
        for each in places
    )


@given(st.floats(-90, 90), st.floats(-180, 180), st.sampled_from(["{}, {}", "{} {}", "geo:{},{}"]))
def test_any_point_is_read_as_itself(latitude: float, longitude: float, how: str) -> None:
    found = coordinates.read(how.format(f"{latitude:.9f}", f"{longitude:.9f}"))
    assert found is not None
    assert (found.latitude, found.longitude) == pytest.approx((latitude, longitude), abs=1e-8)
    again = coordinates.read(found.label)
    assert again is not None
    assert (again.latitude, again.longitude) == (found.latitude, found.longitude)


@given(st.text(alphabet="0123456789 .,-+NSEW°'\"()/:;latondeg", max_size=60))
def test_any_text_like_coordinates_is_located_or_refused(text: str) -> None:
    try:
        place = Geocoder().locate(text)
    except AddressError:
        return
    assert abs(place.latitude) <= 90


@pytest.mark.parametrize(
    ("_name", "latitude", "longitude"),
    [
        ("Detroit", 42.3293, -83.0448),
        ("El Paso", 31.7587, -106.4869),
        ("Point Roberts", 48.985, -123.07),
        ("Northwest Angle", 49.345, -95.07),
        ("Buffalo", 42.8864, -78.8784),
        ("Niagara Falls, NY", 43.0945, -79.0567),
        ("Brownsville", 25.9017, -97.4975),
        ("San Ysidro", 32.552, -117.043),
        ("Nogales, AZ", 31.3404, -110.9343),
        ("Mackinac Island", 45.849, -84.618),
        ("Isle Royale", 48.0, -88.9),
        ("Key West", 24.5551, -81.78),
        ("Attu", 52.9, 172.91),
        ("Adak", 51.88, -176.64),
        ("Little Diomede", 65.754, -168.92),
        ("Honolulu", 21.3069, -157.8583),
        ("Culebra", 18.303, -65.301),
        ("8 km off Chicago", 41.88, -87.52),
        ("Santa Monica pier", 34.008, -118.499),
        ("Hyder, AK", 55.9169, -130.0247),
        ("Lubec, ME", 44.8606, -66.9843),
        ("Kure Atoll, HI", 28.39, -178.30),
        ("Douglas, AZ", 31.336, -109.55),
        ("Derby Line, VT", 45.004, -72.1),
    ],
)
def test_inside(_name: str, latitude: float, longitude: float) -> None:
    assert outline.covers(latitude, longitude)


@pytest.mark.parametrize(
    ("_name", "latitude", "longitude"),
    [
        ("Windsor, ON", 42.3149, -83.0364),
        ("Ciudad Juárez", 31.6904, -106.4245),
        ("Tijuana", 32.5149, -117.0382),
        ("Nogales, Sonora", 31.3012, -110.9381),
        ("Matamoros", 25.8690, -97.5027),
        ("Niagara Falls, ON", 43.0896, -79.0849),
        ("Fort Erie, ON", 42.9018, -78.9722),
        ("Sault Ste. Marie, ON", 46.5219, -84.3461),
        ("Tsawwassen, BC", 49.02, -123.07),
        ("Victoria, BC", 48.4284, -123.3656),
        ("Toronto", 43.6532, -79.3832),
        ("Stewart, BC", 55.936, -129.99),
        ("Stanstead, QC", 45.012, -72.1),
        ("Campobello Island, NB", 44.88, -66.93),
        ("Deer Island, NB", 44.98, -66.96),
        ("Pelee Island, ON", 41.77, -82.66),
        ("Middle Island, ON", 41.68, -82.68),
        ("Saturna Island, BC", 48.79, -123.1),
        ("Agua Prieta", 31.326, -109.55),
        ("Coronado Islands", 32.41, -117.24),
        ("Big Diomede", 65.78, -169.06),
        ("Big Diomede's southern end", 65.75, -169.08),
        ("Bimini", 25.73, -79.3),
        ("Cay Sal", 23.7, -80.4),
        ("Tortola", 18.42, -64.62),
        ("Savana Island, VI", 18.34, -65.08),
        ("Midway", 28.21, -177.38),
        ("Samoa", -13.8, -171.8),
        ("Kiritimati", 1.9, -157.4),
        ("Grand Turk", 21.47, -71.14),
        ("Saona", 18.15, -68.7),
        ("St Thomas, VI", 18.34, -64.93),
        ("Guam", 13.44, 144.79),
        ("middle of Lake Michigan", 43.5, -87.2),
        ("Havana", 23.11, -82.37),
        ("Nassau", 25.05, -77.35),
        ("null island", 0, 0),
        ("the pole", 90, 0),
    ],
)
def test_outside(_name: str, latitude: float, longitude: float) -> None:
    assert not outline.covers(latitude, longitude)


@pytest.mark.skipif(not CASES.exists(), reason=f"the addresses are not there: {CASES}")
def test_the_cases_that_are_coordinates() -> None:
    rows = csv.DictReader(io.StringIO(CASES.read_text(encoding="utf-8")), delimiter="\t")
    points = [row for row in rows if coordinates.read(row["input"])]
    assert len(points) >= 12
    for row in points:
        try:
            found = [Geocoder().locate(row["input"])]
        except OutsideUSError:
            assert row["expect"] == "outside", row
            continue
        except AmbiguousAddressError as error:
            assert row["expect"] == "offers", row
            found = [Geocoder().locate(choice) for choice in error.choices]
        near = float(row["within_km"]) / 111
        expected = float(row["latitude"]), float(row["longitude"])
        assert any(
            (each.latitude, each.longitude) == pytest.approx(expected, abs=near) for each in found
        ), row


@given(
    st.decimals(-999, 999, places=4, allow_nan=False),
    st.decimals(-999, 999, places=5),
    st.sampled_from((",", ", ")),
)
def test_the_plainest_pair_reads_as_one_in_brackets(
    latitude: Decimal, longitude: Decimal, between: str
) -> None:
    text = f"{latitude:f}{between}{longitude:+f}"
    assert coordinates.read(text) == coordinates.read(f"({text})")
