"""From nobody to all users and back."""

from loadtest import curves
from loadtest.shapes import Shape


class Ramp(Shape):
    """By its curve."""

    curve = staticmethod(curves.ramp)
