"""The version of the code that decides what a load holds."""

import hashlib
from functools import lru_cache
from pathlib import Path

# A change in any of these files makes every earlier load out of date.
FIGURES = (
    "data/us_cells.npz", "data/utc_offsets.npz", "job/driver.py", "job/model.py", "job/stages.py",
    "job/stations.py", "raw/edges.py", "raw/epa.py", "raw/gmt.py", "raw/station_months.py",
    "raw/verdicts.py", "science/accuracy.py", "science/grid.py", "science/instants.py",
    "science/interpolate.py", "science/leave_one_out.py", "science/metrics.py",
    "science/pollutant.py", "science/pollutants.py", "science/sphere.py", "science/summary.py",
    "science/utc_offsets.py", "store/migrations",
)  # fmt: skip


@lru_cache(maxsize=1)
def code_version() -> str:
    """Return a digest of FIGURES, 16 hex digits."""
    digest = hashlib.sha256()
    package = Path(__file__).parents[1]
    for name in FIGURES:
        path = package / name
        for file in sorted(path.glob("*.sql")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
