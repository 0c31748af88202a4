"""Neighbourhoods, parks, universities and landmarks that the tables lack.

Each has its state, its ZIP code (or its latitude and longitude where it has none), and its names;
the first is its label.
"""

_NEIGHBOURHOODS = """
CA 90026 Echo Park
CA 90033 Boyle Heights
CA 90005 Koreatown
CA 90024 Westwood; Westwood Village
CA 90039 Silver Lake
CA 90027 Los Feliz
CA 90049 Brentwood
CA 90067 Century City
CA 90077 Bel Air
CA 90042 Highland Park
CA 90041 Eagle Rock
CA 90002 Watts
CA 90011 South Los Angeles; South Central Los Angeles; South LA; South Central LA
CA 90014 Downtown Los Angeles; DTLA; Downtown LA
CA 90291 Venice Beach
CA 94114 Castro District; The Castro; Castro
CA 94117 Haight-Ashbury; The Haight
CA 94103 South of Market; SoMa
CA 94109 Nob Hill
CA 94102 Tenderloin
CA 94123 Marina District
CA 94124 Bayview-Hunters Point; Bayview District; Hunters Point
CA 94122 Sunset District; Outer Sunset; Inner Sunset
CA 94118 Richmond District; Inner Richmond
CA 94129 Presidio; Presidio of San Francisco; Golden Gate Bridge
CA 94133 North Beach; Fisherman's Wharf
CA 94115 Pacific Heights
CA 94131 Noe Valley
CA 92101 Gaslamp Quarter
CA 92103 Hillcrest
CO 80202 LoDo; Lower Downtown
CO 80203 Capitol Hill
CO 80216 Globeville
DC 20036 Dupont Circle
DC 20009 Adams Morgan
DC 20037 Foggy Bottom
DC 20020 Anacostia
DC 20010 Columbia Heights
DC 20003 Navy Yard
FL 33139 South Beach
FL 33127 Wynwood
FL 33135 Little Havana
FL 33137 Little Haiti
FL 33131 Brickell
FL 33133 Coconut Grove
FL 33136 Overtown
GA 30305 Buckhead
GA 30308 Midtown
IL 60622 Wicker Park
IL 60647 Logan Square; Bucktown
IL 60608 Pilsen
IL 60602 The Loop; Chicago Loop; Loop
IL 60654 River North
IL 60610 Gold Coast; Old Town
IL 60657 Lakeview; Lake View
IL 60613 Wrigleyville; Wrigley Field
IL 60640 Uptown; Andersonville
IL 60616 Chinatown
IL 60653 Bronzeville
IL 60607 West Loop
IL 60605 South Loop
IL 60611 Streeterville; Navy Pier
IL 60621 Englewood
IL 60623 Little Village
IL 60651 Humboldt Park
LA 70116 French Quarter; Vieux Carre; Treme
LA 70115 Garden District
LA 70117 Lower Ninth Ward; Lower 9th Ward; Bywater
MA 02118 South End
MA 02113 North End
MA 02215 Fenway; Fenway Park; Fenway-Kenmore
MA 02210 Seaport District; Seaport
MD 21231 Fells Point
MD 21202 Inner Harbor
MI 48216 Corktown
MN 55408 Uptown
NV 89109 Las Vegas Strip; The Strip
NY 10012 SoHo
NY 10013 Tribeca; Little Italy
NY 10011 Greenwich Village; Chelsea
NY 10014 West Village
NY 10009 East Village; Alphabet City
NY 10002 Lower East Side
NY 10028 Upper East Side
NY 10036 Hell's Kitchen; Clinton
NY 10019 Midtown; Midtown Manhattan
NY 10005 Financial District; Wall Street; Lower Manhattan
NY 10032 Washington Heights
NY 10034 Inwood
NY 10010 Gramercy; Gramercy Park; Flatiron District
NY 10016 Murray Hill
NY 10044 Roosevelt Island
NY 10024 Central Park
NY 10451 South Bronx; Yankee Stadium
NY 11215 Park Slope
NY 11201 Brooklyn Heights; DUMBO; Downtown Brooklyn
NY 11237 Bushwick
NY 11221 Bedford-Stuyvesant; Bed-Stuy; Bedstuy
NY 11222 Greenpoint
NY 11224 Coney Island
NY 11225 Crown Heights
NY 11226 Flatbush
NY 11209 Bay Ridge
NY 11231 Carroll Gardens; Red Hook
OH 45202 Over-the-Rhine
OR 97209 Pearl District
PA 19125 Fishtown
PA 19107 Center City; Center City Philadelphia
PA 19147 South Philadelphia; South Philly
PA 19104 University City; West Philadelphia; West Philly
PA 19127 Manayunk
PA 15217 Squirrel Hill
PA 15222 Strip District
TN 37206 East Nashville
TX 77006 Montrose
TX 77008 Houston Heights; The Heights
TX 75226 Deep Ellum
TX 78704 South Congress
WA 98107 Ballard
WA 98103 Fremont
WA 98109 Queen Anne; South Lake Union; Space Needle
WA 98105 University District; U District
WA 98116 West Seattle
WA 98101 Pike Place Market; Pike Place
"""
_PARKS = """
AK 63.7284,-148.8866 Denali; McKinley Park; Mount McKinley; Mt Denali
AZ 86023 Grand Canyon National Park; Grand Canyon South Rim
CA 92277 Joshua Tree National Park
CA 96150 Lake Tahoe
CA 96063 Lassen Volcanic National Park; Lassen
CA 95531 Redwood National Park; Redwood National and State Parks
CO 80517 Rocky Mountain National Park
HI 19.4194,-155.2885 Hawaii Volcanoes National Park; Volcanoes National Park; Kilauea Volcano
HI 96790 Haleakala National Park; Haleakala
IN 46304 Indiana Dunes National Park; Indiana Dunes
KY 42259 Mammoth Cave National Park
ME 04609 Acadia National Park; Acadia
MI 48.0,-88.83 Isle Royale; Isle Royale National Park
MN 56649 Voyageurs National Park
MT 59936 Glacier National Park
NM 88220 Carlsbad Caverns National Park; Carlsbad Caverns
OH 44264 Cuyahoga Valley National Park
OR 97028 Mount Hood
SD 57751 Mount Rushmore; Mount Rushmore National Memorial
SD 57750 Badlands National Park; Badlands
TN 37738 Great Smoky Mountains National Park; Smoky Mountains; Great Smoky Mountains
TX 79834 Big Bend National Park; Big Bend
UT 84532 Arches National Park; Canyonlands National Park
UT 84764 Bryce Canyon National Park; Bryce Canyon
UT 84775 Capitol Reef National Park
VA 22835 Shenandoah National Park
WA 98304 Mount Rainier National Park; Mount Rainier
WA 98362 Olympic National Park
WY 83012 Grand Teton National Park; Grand Teton
WY 82714 Devils Tower
"""
_UNIVERSITIES = """
AZ 85281 Arizona State University; ASU
CA 94305 Stanford University
CA 94704 University of California Berkeley; UC Berkeley
CA 90024 University of California Los Angeles; UCLA
CA 90007 University of Southern California; USC
CA 91106 California Institute of Technology; Caltech
CA 95616 University of California Davis; UC Davis
CA 92093 University of California San Diego; UC San Diego; UCSD
CA 92612 University of California Irvine; UC Irvine; UCI
CA 95064 University of California Santa Cruz; UC Santa Cruz
CT 06511 Yale University; Yale
DC 20007 Georgetown University
GA 30313 Georgia Institute of Technology; Georgia Tech
IL 60201 Northwestern University
IL 60637 University of Chicago
IN 46556 University of Notre Dame
IN 47906 Purdue University; Purdue
LA 70803 Louisiana State University; LSU
MA 02138 Harvard University
MA 02139 Massachusetts Institute of Technology; MIT
MD 21218 Johns Hopkins University
MI 48104 University of Michigan
NC 27708 Duke University
NJ 08540 Princeton University
NY 10027 Columbia University
NY 10003 New York University; NYU
NY 14850 Cornell University
OH 43210 Ohio State University; Ohio State
PA 16801 Pennsylvania State University; Penn State; Penn State University
TX 78705 University of Texas at Austin; UT Austin
TX 77840 Texas A&M University; Texas A&M; Texas A and M
TX 77005 Rice University
VA 24060 Virginia Tech
VA 22903 University of Virginia; UVA
WA 98105 University of Washington
WI 53706 University of Wisconsin Madison; UW Madison
"""
_LANDMARKS = """
AK 70.2053,-148.4592 Deadhorse
AK 65.7583,-168.9331 Little Diomede; Diomede; Little Diomede Island
AK 52.8247,173.1744 Attu; Attu Station; Attu Island
CA 92802 Disneyland; Disneyland Park
CA 37.8267,-122.4230 Alcatraz; Alcatraz Island
DC 38.8977,-77.0365 White House
DC 38.8899,-77.0091 US Capitol; United States Capitol; Capitol Building
FL 32830 Walt Disney World; Disney World
FL 28.5729,-80.6490 Kennedy Space Center; Cape Kennedy
GA 31905 Fort Moore
GA 30905 Fort Eisenhower
HI 21.9000,-160.1500 Niihau
LA 71459 Fort Johnson
MO 63102 Gateway Arch
NC 28310 Fort Liberty
NV 89005 Hoover Dam
NY 10001 Empire State Building
NY 10004 Statue of Liberty; Liberty Island; Ellis Island
TX 76544 Fort Cavazos
VA 22202 Pentagon
WA 98433 Joint Base Lewis-McChord; JBLM
"""


def rows() -> list[tuple[str, str, list[str]]]:
    """Return state, ZIP code or "latitude,longitude", and names of each place."""
    lines = (_NEIGHBOURHOODS + _PARKS + _UNIVERSITIES + _LANDMARKS).split("\n")
    fields = (line.split(" ", 2) for line in lines if line)
    return [(state, where, names.split("; ")) for state, where, names in fields]
