"""What the tests of EPA's files share."""

import zipfile
from pathlib import Path

import pytest
from epafiles import OZONE, text_of

from airaware.raw import epa


@pytest.fixture
def write(tmp_path):
    """Write a CSV's text, or rows, as EPA's zip of a parameter and year; its path."""

    def write(content, parameter=OZONE, year=2013, comment=b"") -> Path:
        path = tmp_path / epa.file_name(parameter, year)
        text = content if isinstance(content, str | bytes) else text_of(content)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.comment = comment
            archive.writestr(path.name.replace(".zip", ".csv"), text)
        return path

    return write
