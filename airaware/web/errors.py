"""What the site cannot answer: each with its HTTP status, a title and a help for the visitor."""

from airaware.errors import AirAwareError


class VisitorError(AirAwareError):
    """A request that a visitor can mend. `kind` names it in the API's problem documents."""

    status = 400
    kind = "bad-request"
    title = "That does not work"

    def extra(self) -> dict[str, object]:
        """Further members of the problem document."""
        return {}


class BadYear(VisitorError):
    """A year that is none, or that EPA has no hourly data for."""

    kind = "bad-year"
    title = "Not a year we can look up"


class BadDate(VisitorError):
    """A day that is none, or a span of days that cannot be answered."""

    kind = "bad-date"
    title = "Not a span of days we can look up"


class BadParameter(VisitorError):
    """A pollutant that the site does not know."""

    kind = "bad-parameter"
    title = "Not a pollutant we know"


class BadChoice(VisitorError):
    """A word that is not among those that an argument of the API takes."""

    kind = "bad-choice"
    title = "Not among the choices"


class BadNumberOfPlaces(VisitorError):
    """Fewer or more addresses than can be compared."""

    kind = "bad-number-of-addresses"
    title = "Name two to four places"


class YearNotLoaded(VisitorError):
    """A year that the store does not have."""

    status = 404
    kind = "year-not-loaded"
    title = "No data for that year"

    def __init__(self, message: str, years: list[int]):
        super().__init__(message)
        self.years = years

    def extra(self) -> dict[str, object]:
        return {"years": self.years}
