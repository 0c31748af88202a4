"""How many users there are with time: `seconds` after the start, of `most`, in `total_seconds`.

Apart from Locust, which changes the process that imports it.
"""

SOAK_RISE_SECONDS = 60


def spike(_seconds: float, most: int, _total_seconds: float) -> int:
    """All from the first moment on."""
    return most


def ramp(seconds: float, most: int, total_seconds: float) -> int:
    """Up for four parts in ten of the time, level for two, down for four."""
    nearest_end_seconds = min(seconds, total_seconds - seconds)
    return max(1, round(most * min(nearest_end_seconds / (0.4 * total_seconds), 1)))


def soak(seconds: float, most: int, _total_seconds: float) -> int:
    """All within a minute, and then level."""
    return max(1, round(most * min(seconds / SOAK_RISE_SECONDS, 1)))
