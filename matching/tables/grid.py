"""Locations on the British National Grid: from latitude and longitude, and the distances between them.

Distances are straight lines on the grid; over England the grid's own scale error stays below 0.04%.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

# The box that holds England, in metres; a location outside it is a typing error.
ENGLAND_EASTING_M = (80_000, 660_000)
ENGLAND_NORTHING_M = (5_000, 660_000)

Metres = NDArray[np.float64]
Kilometres = NDArray[np.float64]


def national_grid(latitude: ArrayLike, longitude: ArrayLike) -> tuple[Metres, Metres]:
    """Convert WGS84 degrees to British National Grid metres.

    Parameters
    ----------
    latitude, longitude : array_like
        Degrees, as satellite navigation gives them.

    Returns
    -------
    easting, northing : ndarray
        Metres, within 5 m of the Ordnance Survey's own transformation.

    Notes
    -----
    Ordnance Survey, *A guide to coordinate systems in Great Britain* (2020): the Helmert transformation of
    section 6.6 between the ellipsoids, then the projection of annex C.1.
    """
    phi, lam = _wgs84_to_airy(np.radians(np.asarray(latitude, float)), np.radians(np.asarray(longitude, float)))
    return _project(phi, lam)


def distance_km(easting_a: Metres, northing_a: Metres, easting_b: Metres, northing_b: Metres) -> Metres:
    """Return straight-line distances on the grid, in km, element by element."""
    return np.hypot(easting_a - easting_b, northing_a - northing_b) / 1000


_AIRY_A, _AIRY_B = 6_377_563.396, 6_356_256.909
_WGS84_A, _WGS84_B = 6_378_137.000, 6_356_752.3141


def _wgs84_to_airy(phi: Metres, lam: Metres) -> tuple[Metres, Metres]:
    squared = 1 - (_WGS84_B / _WGS84_A) ** 2
    nu = _WGS84_A / np.sqrt(1 - squared * np.sin(phi) ** 2)
    x, y, z = nu * np.cos(phi) * np.cos(lam), nu * np.cos(phi) * np.sin(lam), (1 - squared) * nu * np.sin(phi)
    scale = 1 + 20.4894e-6
    turn_x, turn_y, turn_z = np.radians(np.array([-0.1502, -0.2470, -0.8421]) / 3600)
    x, y, z = (
        -446.448 + scale * x - turn_z * y + turn_y * z,
        125.157 + turn_z * x + scale * y - turn_x * z,
        -542.060 - turn_y * x + turn_x * y + scale * z,
    )
    squared = 1 - (_AIRY_B / _AIRY_A) ** 2
    across = np.hypot(x, y)
    phi = np.arctan2(z, across * (1 - squared))
    for _ in range(6):  # converges by a factor of about 300 a step
        nu = _AIRY_A / np.sqrt(1 - squared * np.sin(phi) ** 2)
        phi = np.arctan2(z + squared * nu * np.sin(phi), across)
    return phi, np.arctan2(y, x)


def _project(phi: Metres, lam: Metres) -> tuple[Metres, Metres]:
    scale, phi0, lam0, easting0, northing0 = 0.9996012717, np.radians(49), np.radians(-2), 400_000, -100_000
    squared, n = 1 - (_AIRY_B / _AIRY_A) ** 2, (_AIRY_A - _AIRY_B) / (_AIRY_A + _AIRY_B)
    sin, cos, tan = np.sin(phi), np.cos(phi), np.tan(phi)
    nu = _AIRY_A * scale / np.sqrt(1 - squared * sin**2)
    rho = _AIRY_A * scale * (1 - squared) / (1 - squared * sin**2) ** 1.5
    eta2 = nu / rho - 1
    arc = (
        _AIRY_B
        * scale
        * (
            (1 + n + 5 / 4 * (n**2 + n**3)) * (phi - phi0)
            - (3 * (n + n**2) + 21 / 8 * n**3) * np.sin(phi - phi0) * np.cos(phi + phi0)
            + 15 / 8 * (n**2 + n**3) * np.sin(2 * (phi - phi0)) * np.cos(2 * (phi + phi0))
            - 35 / 24 * n**3 * np.sin(3 * (phi - phi0)) * np.cos(3 * (phi + phi0))
        )
    )
    step = lam - lam0
    northing = (
        arc
        + northing0
        + nu / 2 * sin * cos * step**2
        + nu / 24 * sin * cos**3 * (5 - tan**2 + 9 * eta2) * step**4
        + nu / 720 * sin * cos**5 * (61 - 58 * tan**2 + tan**4) * step**6
    )
    easting = (
        easting0
        + nu * cos * step
        + nu / 6 * cos**3 * (nu / rho - tan**2) * step**3
        + nu / 120 * cos**5 * (5 - 18 * tan**2 + tan**4 + 14 * eta2 - 58 * tan**2 * eta2) * step**5
    )
    return easting, northing


def rounded_km(distance_km: Kilometres) -> Kilometres:
    """Return distances in km rounded half up to a hundredth, as sentences and cells give them."""
    # Half of the last decimal is mostly no exact float: 1.005 is a little less. The ninth decimal of it is noise.
    rounded: Kilometres = np.floor(np.round(distance_km * 100, 9) + 0.5) / 100
    return rounded


def kilometres(distance_km: float) -> str:
    """Return a distance in words, with the number that a cell has for it."""
    return f"{rounded_km(np.array([distance_km]))[0]:.2f} km"
