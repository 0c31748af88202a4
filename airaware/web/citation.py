"""How to cite the loads that an answer rests on."""

from collections.abc import Iterable

from airaware.raw import epa
from airaware.store.queries import Load
from airaware.web import answers


def sources(loads: Iterable[Load]) -> list[answers.LoadedFile]:
    """Return the files that some loads were made of, with their dates and a line to cite."""
    return [
        answers.LoadedFile(
            file=epa.file_name(load.parameter, load.year),
            date=load.file_date,
            newest_change=load.newest_change,
            checksum=load.checksum,
            cite=load.cite,
        )
        for load in loads
    ]
