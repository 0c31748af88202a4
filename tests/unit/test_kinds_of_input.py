"""Kinds of input that people type, beyond plain cities and ZIP codes: what each must give.

Written from public bug reports about geocoders and air-quality apps. `=`: this place; `?`: this
place or an offer of it; `out`: outside of what is covered; `none`: not known, and no place either.
"""

import pytest

from airaware.web.errors import VisitorError
from airaware.web.geocode import Geocoder

KINDS = {
    "ZIP codes": """
"60614" = Chicago, IL 60614
'60614 = Chicago, IL 60614
#60614 = Chicago, IL 60614
ZIP 60614 = Chicago, IL 60614
zip code: 60614 = Chicago, IL 60614
US-60614 = Chicago, IL 60614
IL60614 = Chicago, IL 60614
IL-60614 = Chicago, IL 60614
60614IL = Chicago, IL 60614
Chicago IL60614 = Chicago, IL 60614
60614 IL Chicago = Chicago, IL 60614
60614- = Chicago, IL 60614
chicago il usa 60614 = Chicago, IL 60614
٦٠٦١٤ = Chicago, IL 60614
６０６１４ = Chicago, IL 60614
60,614 ? Chicago, IL 60614
60 614 ? Chicago, IL 60614
60614 or 10001 ? New York, NY 10001
60614-10001 ? Chicago, IL 60614
7030, NJ = Hoboken, NJ 07030
Hoboken 7030 = Hoboken, NJ 07030
2134-1000 ? Allston, MA 02134
21341000 ? Allston, MA 02134
20500 Washington = Washington, DC 20500
60614 New York ? New York, NY
75001 Paris ? Addison, TX 75001
6O614 = Chicago, IL 60614
Chicago IL 6O614 = Chicago, IL 60614
l0001 = New York, NY 10001
60614_1234 = Chicago, IL 60614
60614/1234 = Chicago, IL 60614
60614.1234 = Chicago, IL 60614
postcode 60614 = Chicago, IL 60614
3125551234 none
(312) 555-1234 none
99999 none
""",
    "spelling of names": """
Honolulu, Hawaiʻi = Honolulu, HI
Kāneʻohe = Kaneohe, HI
Līhuʻe, HI = Lihue, HI
Oʻahu = Oahu, HI
Kauaʻi = Kauai, HI
Cœur d'Alene, ID = Coeur d'Alene, ID
Winston–Salem, NC = Winston-Salem, NC
San José, CA = San Jose, CA
Espanola, N.M. = Española, NM
Mayaguez, P.R. = Mayagüez, PR
Barrow ? Utqiaġvik, AK
Barrow, AK = Utqiaġvik, AK
Utqiagvik, AK 99723 = Utqiaġvik, AK 99723
Ste. Genevieve, MO = Sainte Genevieve, MO
Sault Sainte Marie, MI = Sault Ste. Marie, MI
Sault Saint Marie MI ? Sault Ste. Marie, MI
Pt. Pleasant, NJ = Point Pleasant, NJ
Lk Havasu City, AZ = Lake Havasu City, AZ
W Palm Bch FL = West Palm Beach, FL
Colorado Spgs CO = Colorado Springs, CO
No. Las Vegas NV = North Las Vegas, NV
So. San Francisco, CA = South San Francisco, CA
Rocky Mount, NC = Rocky Mount, NC
Chi\u200bcago, IL = Chicago, IL
Chicago-IL = Chicago, IL
IL Chicago = Chicago, IL
IL, Chicago = Chicago, IL
Chicago%2C+IL = Chicago, IL
Chicago%20IL = Chicago, IL
“Chicago, IL” = Chicago, IL
📍 Chicago, IL = Chicago, IL
USA, Chicago = Chicago, IL
Chicago, Illinios ? Chicago, IL
Clevland Ohio ? Cleveland, OH
Chicago_IL = Chicago, IL
W. Va. Charleston = Charleston, WV
Virginia Beach = Virginia Beach, VA
Boise, Ida. = Boise, ID
Wash DC = Washington, DC
East LA = East Los Angeles, CA
Pittsburg PA ? Pittsburgh, PA
Yellowstone ? Yellowstone National Park, WY
Lake Havasu, AZ = Lake Havasu City, AZ
""",
    "words around a name": """
City of Chicago = Chicago, IL
Chicago city, Illinois = Chicago, IL
Town of Hempstead, NY = Hempstead, NY
Township of Edison, NJ = Edison, NJ
Edison Twp, NJ = Edison, NJ
Toms River Township NJ = Toms River, NJ
Upper Darby Township, PA = Upper Darby, PA
Fairfax City, VA = Fairfax, VA
Fairfax, VA = Fairfax, VA
Richmond County, VA = Richmond County, VA
Anchorage Borough, AK = Anchorage, AK
near Chicago, IL = Chicago, IL
in Chicago, IL = Chicago, IL
downtown Chicago = Chicago, IL
Boston area = Boston, MA
Nantucket Island, MA = Nantucket, MA
Chicago air quality ? Chicago, IL
""",
    "counties": """
Cook Co., IL = Cook County, IL
LA County = Los Angeles County, CA
Los Angeles Co. = Los Angeles County, CA
Boulder, Co. = Boulder, CO
Dade County, FL = Miami-Dade County, FL
Mat-Su, AK = Matanuska-Susitna Borough, AK
St. Tammany Parish, LA = St. Tammany Parish, LA
E. Baton Rouge Parish LA = East Baton Rouge Parish, LA
St. Louis County, MO = St. Louis County, MO
Orange County ? Orange County, CA
""",
    "regions and reservations": """
Navajo Nation = Navajo Nation, AZ
Pine Ridge Indian Reservation = Pine Ridge Indian Reservation, SD
Cherokee Nation, OK = Cherokee Nation, OK
San Fernando Valley = San Fernando Valley, CA
Quad Cities = Quad Cities, IA
""",
    "several places": """
NYC/LA ? New York, NY
NYC/LA ? Los Angeles, CA
Minneapolis/St. Paul, MN ? Saint Paul, MN
Dallas-Fort Worth, TX ? Fort Worth, TX
Chicago or Boston ? Boston, MA
Truth or Consequences, NM = Truth or Consequences, NM
Winston-Salem = Winston-Salem, NC
5th Ave & Main St, Columbus, OH = Columbus, OH
""",
    "plus codes": """
86HJV9F7+2X = 86HJV9F7+2X
86hjv9f7+2x Chicago = 86HJV9F7+2X
V9F7+2X Chicago, IL = 86HJV9F7+2X
Chicago V9F7+2X = 86HJV9F7+2X
V9F7+2X Springfield ? V9F7+2X Springfield, IL
V9F7+2X none
9C3XGV4C+XV out
""",
    "one place that everybody means": """
Boston = Boston, MA
Baltimore = Baltimore, MD
St. Louis = St. Louis, MO
Fenway Park, Boston = Fenway, MA
Springfield ? Springfield, IL
Portland ? Portland, ME
Kansas City ? Kansas City, KS
Capitol Hill ? Capitol Hill, WA
Big Island ? Big Island, HI
""",
    "neighbourhoods and landmarks": """
Wicker Park, Chicago = Wicker Park, IL
SoHo, NYC = SoHo, NY
Lower East Side, New York, NY = Lower East Side, NY
French Quarter, New Orleans = French Quarter, LA
South Beach, Miami = South Beach, Miami-Dade County, FL
DTLA = Downtown Los Angeles, CA
Bay Area = Bay Area, CA
LAX = Los Angeles International Airport, CA
BNA = Nashville International Airport, TN
O'Hare Airport = O'Hare International Airport, IL
O'Hare International Airport, Chicago, IL = O'Hare International Airport, IL
Denver International Airport = Denver International Airport, CO
Denali, AK = Denali, AK
Deadhorse, AK = Deadhorse, AK
Little Diomede, AK = Little Diomede, AK
Joshua Tree National Park = Joshua Tree National Park, CA
Harvard University, Cambridge, MA = Harvard University, MA
MIT = Massachusetts Institute of Technology, MA
White House ? White House, DC
Fort Liberty, NC = Fort Liberty, NC
""",
    "a part of a name is no place": """
Great Wall of China out
Random Valley Beach none
Wonder Field none
1 Main Street none
Prince of Wales, AK ? Wales, AK
Napa Vally ? Napa, CA
Calle Loiza, San Juan PR = San Juan, PR
60614; DROP TABLE load none
'; DROP TABLE cell; -- none
<script>alert(1)</script> none
../../etc/passwd none
near me none
United States of America none
San none
my location none
here none
""",
    "states alone": """
Illinois ? Chicago, IL
Georgia ? Atlanta, GA
Puerto Rico ? San Juan, PR
Washington ? Washington, DC
New York, New York = New York, NY
42nd St, New York = New York, NY
Washington, WA none
""",
    "outside": """
Saipan out
Tamuning out
Christiansted out
St. Croix out
St. Thomas, VI out
Tinian out
APO AP out
DPO AE 09498 out
Unit 2050 Box 4190, APO AP 96278 out
Montreal out
Montréal out
Toronto out
London out
London, UK out
London, Ontario out
Cambridge, UK out
Kingston, ON out
Kingston, Jamaica out
Winnipeg, Man. out
Calgary, Alta. out
Halifax, N.S. out
K1A-0B1 out
Ottawa ON K1A 0B1 Canada out
Vancouver BC V6B out
Toronto Canada out
Tokyo out
Lima Peru out
Juarez out
Tijuana, B.C. out
Monterrey, NL out
Cancún, Q.R. out
06600 Mexico City out
06600 Ciudad de México out
Guantanamo Bay out
SW1A 1AA out
""",
    "names that are abroad as well": """
Paris, TX = Paris, TX
London ? London, KY
Montreal ? Montreal, WI
Naples ? Naples, FL
Lebanon ? Lebanon, PA
100 Main St, Lebanon ? 100 Main St, Lebanon, PA
Nogales = Nogales, AZ
Vancouver = Vancouver, WA
Ontario ? Ontario, CA
Melbourne, FL = Melbourne, FL
""",
}


def rows() -> list[tuple[str, str, str]]:
    """Return input, what is expected, and the place's label."""
    found = []
    for line in "".join(KINDS.values()).split("\n"):
        for mark in (" ? ", " = ", " out", " none"):
            text, sign, label = line.partition(mark)
            if sign:
                text = text.replace("\\u200b", "\u200b")
                found.append((text, sign.strip(), label))
                break
    return found


@pytest.mark.parametrize(("text", "expected", "label"), rows())
def test_input(text: str, expected: str, label: str) -> None:
    status, answered, offered = 200, "", []
    try:
        answered = Geocoder().locate(text).label
    except VisitorError as error:
        status, offered = error.status, list(error.extra().get("choices", ()))  # type: ignore[call-overload]
    if expected == "=":
        assert answered == label, offered
    elif expected == "?":
        assert label in (answered, *offered)
    else:
        assert status == {"out": 422, "none": 404}[expected], answered or offered
    for choice in offered:
        assert Geocoder().locate(choice)
