"""What the job says while it loads several files at once."""

import io

import pytest

from airaware.job import driver


class Unbuffered(io.StringIO):
    """A stream that keeps each write apart, as a terminal sees them without a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def write(self, text: str) -> int:
        self.pieces += [text] if text else []
        return len(text)


def test_no_other_thread_comes_between_a_line_and_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Unbuffered()
    monkeypatch.setattr("sys.stdout", stream)
    driver.say("hourly_44201_1991.zip", "reading")
    (line,) = stream.pieces
    assert line.endswith(" hourly_44201_1991.zip: reading\n")
