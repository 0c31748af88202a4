"""Airports for the gazetteer's builder: points, names and letters (IATA) by PyPI's `airportsdata`.

That has the FAA's airports. All with "International" in their names are places; `_CALLED` adds
what people call the busiest, the first name being the label.
"""

from airaware.gazetteer import names

MOST_WORDS = 6  # of a name that is read
_CALLED = """
AK ANC Anchorage International Airport; Anchorage Airport
AZ PHX Phoenix Sky Harbor Airport; Phoenix Airport; Sky Harbor
CA LAX Los Angeles International Airport; Los Angeles Airport; LAX Airport
CA SFO San Francisco International Airport; San Francisco Airport; SFO Airport
CA OAK Oakland International Airport; Oakland Airport
CA SJC San Jose Airport; San Jose International Airport
CA SMF Sacramento International Airport; Sacramento Airport
CA BUR Burbank Airport; Hollywood Burbank Airport
CA SNA John Wayne Airport
CO DEN Denver International Airport; Denver Airport; DIA
DC DCA Reagan National Airport; Ronald Reagan Washington National Airport
FL MIA Miami International Airport; Miami Airport
FL MCO Orlando International Airport; Orlando Airport
FL TPA Tampa International Airport; Tampa Airport
FL FLL Fort Lauderdale Airport; Fort Lauderdale-Hollywood Airport
GA ATL Hartsfield-Jackson Atlanta International Airport; Hartsfield-Jackson Airport; Atlanta Airport
HI HNL Honolulu International Airport; Honolulu Airport
IL ORD O'Hare International Airport; O'Hare Airport; O'Hare; Chicago O'Hare
IL MDW Midway Airport; Chicago Midway; Midway International Airport
LA MSY New Orleans Airport; Louis Armstrong New Orleans International Airport
MA BOS Logan Airport; Logan International Airport; Boston Logan; Boston Airport
MD BWI BWI Airport; Baltimore Washington International Airport
MI DTW Detroit Metro Airport; Detroit Airport
MN MSP Minneapolis-Saint Paul International Airport; Minneapolis Airport
NC CLT Charlotte Douglas International Airport; Charlotte Airport
NJ EWR Newark Airport; Newark Liberty International Airport; Newark International Airport
NV LAS Las Vegas Airport; Harry Reid International Airport; McCarran Airport
NY JFK John F. Kennedy International Airport; Kennedy Airport
NY LGA LaGuardia Airport; La Guardia Airport; LaGuardia
OR PDX Portland International Airport; Portland Airport
PA PHL Philadelphia International Airport; Philadelphia Airport
PA PIT Pittsburgh International Airport; Pittsburgh Airport
PR SJU Luis Munoz Marin International Airport; San Juan Airport
TX DFW Dallas-Fort Worth International Airport; DFW Airport; Dallas Airport
TX IAH George Bush Intercontinental Airport; Houston Airport
TX AUS Austin-Bergstrom International Airport; Austin Airport
UT SLC Salt Lake City International Airport; Salt Lake City Airport
VA IAD Dulles International Airport; Dulles Airport; Washington Dulles
WA SEA Seattle-Tacoma International Airport; Sea-Tac Airport; Seattle Airport
"""


def rows(states: dict[str, str], words: set[str]) -> list[tuple[str, str, list[str]]]:
    """Return state, "latitude,longitude", and names of each airport.

    `states` are the codes by name (see `places.key`). Letters that are one of the `words` (SAN, of
    San Diego) are no name.
    """
    import airportsdata

    known = airportsdata.load("IATA")
    called = {
        letters: (state, spellings.split("; "))
        for state, letters, spellings in (
            line.split(" ", 2) for line in _CALLED.strip().split("\n")
        )
    }
    for letters, airport in known.items():
        state = states.get(airport["subd"].casefold()) if airport["country"] in ("US", "PR") else ""
        few = len(airport["name"].split()) <= MOST_WORDS
        if state and few and letters not in called and "International" in airport["name"]:
            called[letters] = state, [airport["name"]]
    # Toronto, Ont. is not Ontario's airport in California.
    words |= {name.casefold() for spelled in names.TERRITORIES.values() for name in spelled}
    return [
        (
            state,
            f"{known[letters]['lat']},{known[letters]['lon']}",
            spellings if letters.casefold() in words else [*spellings, letters],
        )
        for letters, (state, spellings) in called.items()
    ]
