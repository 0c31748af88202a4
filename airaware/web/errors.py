"""What the site cannot answer: each with its HTTP status, a title and a help for the visitor."""

from airaware.errors import AirAwareError


class VisitorError(AirAwareError):
    """A request that a visitor can mend.

    `kind` names it in the API's problem documents; `meaning` says on the kind's own page, in plain
    words, when it happens and what to do.
    """

    status = 400
    kind = "bad-request"
    title = "That does not work"
    meaning = "The request cannot be answered as it stands."

    def extra(self) -> dict[str, object]:
        """Return further members of the problem document."""
        return {}


class BadYearError(VisitorError):
    """A year that is none, or that EPA has no hourly data for."""

    kind = "bad-year"
    title = "Not a year we can look up"
    meaning = (
        "A year is written with four digits. It must not lie before EPA's first hourly data or in"
        " the future."
    )


class BadDateError(VisitorError):
    """A day that is none, or a span of days that cannot be answered."""

    kind = "bad-date"
    title = "Not a span of days we can look up"
    meaning = (
        "A day is written as 2017-07-04. The first day must not come after the last one, and a JSON"
        " answer holds at most a year of hours: ask for a file instead."
    )


class BadParameterError(VisitorError):
    """A pollutant that the site does not know."""

    kind = "bad-parameter"
    title = "Not a pollutant we know"
    meaning = "A pollutant is named by EPA's parameter code, such as 44201 for ozone."


class BadChoiceError(VisitorError):
    """A word that is not among those that an argument of the API takes."""

    kind = "bad-choice"
    title = "Not among the choices"
    meaning = "An argument takes one of a few words only; the detail lists them."


class UnknownArgumentError(VisitorError):
    """An argument that a path of the API does not take."""

    kind = "unknown-argument"
    title = "Not an argument of this path"
    meaning = (
        "The API refuses arguments that it does not know, so that a misspelled one is not silently"
        " ignored. The detail lists those that the path takes."
    )


class RepeatedArgumentError(VisitorError):
    """An argument that a path of the API takes once, sent several times."""

    kind = "repeated-argument"
    title = "An argument came several times"
    meaning = (
        "The API does not choose between several values of one argument: send it once. Only"
        " `address` of a comparison may be repeated."
    )


class EmptyArgumentError(VisitorError):
    """An argument of the API without a value."""

    kind = "empty-argument"
    title = "An argument has no value"
    meaning = (
        "An argument that is sent has to have a value, so that one left empty by mistake is not"
        " silently replaced by the default. Leave the argument out to get the default."
    )


class BadNumberOfPlacesError(VisitorError):
    """Fewer or more addresses than can be compared."""

    kind = "bad-number-of-addresses"
    title = "Name two to four places"
    meaning = "A comparison takes two to four addresses, each as an `address` argument of its own."


class YearNotLoadedError(VisitorError):
    """A year that the store does not have."""

    status = 404
    kind = "year-not-loaded"
    title = "No data for that year"
    meaning = "The year is not loaded here. `years` lists the years that are."

    def __init__(self, message: str, years: list[int]) -> None:
        """Name the years that there are."""
        super().__init__(message)
        self.years = years

    def extra(self) -> dict[str, object]:
        """Return the years that there are."""
        return {"years": self.years}
