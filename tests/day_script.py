"""The script that a visitor downloads to recompute a day."""

import importlib.util
from pathlib import Path
from types import ModuleType

import airaware.web

SCRIPT = Path(airaware.web.__file__).parent / "static" / "recompute_day.py"


def load() -> ModuleType:
    """Return the script as a module."""
    spec = importlib.util.spec_from_file_location("recompute_day", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
