"""Places on the Earth, how far they are apart, and how far a station reaches. Pure NumPy."""

import numpy as np

EARTH_RADIUS_KM = 6371.0088
KM_PER_MILE = 1.609344
# A point's value comes from the stations in reach, or else from the nearest few within FAR_KM.
REACH_KM = 30 * KM_PER_MILE
FAR_KM = 100 * KM_PER_MILE
FAR_STATIONS = 5
# A point on top of a station takes its value: nearer than this counts as this near.
MIN_DISTANCE_KM = 0.01


def unit_vectors(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Places on the unit sphere: degrees (…) each -> (…, 3)."""
    lat, lon = np.radians(latitude), np.radians(longitude)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def great_circle_km(xyz: np.ndarray, other_xyz: np.ndarray) -> np.ndarray:
    """Distances between `unit_vectors`, at least MIN_DISTANCE_KM: (…, 3) -> (…)."""
    chord = np.linalg.norm(xyz - other_xyz, axis=-1)
    distance_km = 2 * EARTH_RADIUS_KM * np.arcsin(np.minimum(chord / 2, 1))
    at_least: np.ndarray = np.maximum(distance_km, MIN_DISTANCE_KM)
    return at_least
