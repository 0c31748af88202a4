"""The same number of users for long."""

from loadtest import curves
from loadtest.shapes import Shape


class Soak(Shape):
    """By its curve."""

    curve = staticmethod(curves.soak)
