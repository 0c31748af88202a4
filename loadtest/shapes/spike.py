"""All users at once, to the end."""

from loadtest import curves
from loadtest.shapes import Shape


class Spike(Shape):
    """By its curve."""

    curve = staticmethod(curves.spike)
