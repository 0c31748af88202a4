"""The checkout that the tools run from."""

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
