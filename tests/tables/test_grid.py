import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer, network

from matching.tables.grid import ENGLAND_EASTING_M, ENGLAND_NORTHING_M, distance_km, national_grid

network.set_network_enabled(False)
OTHERS = Transformer.from_crs("EPSG:4326", "EPSG:27700", always_xy=True)
BACK = Transformer.from_crs("EPSG:27700", "EPSG:4326", always_xy=True)

# Latitude and longitude, and what the Ordnance Survey's own transformation makes of them.
PLACES = {
    "Greenwich, on the meridian": (51.477928, -0.001545, 538_882, 177_334),
    "Caister, in the east": (52.658007833, 1.716073972, 651_409.804, 313_177.450),
}


def over_england(step_m: int) -> tuple[np.ndarray, np.ndarray]:
    """Eastings and northings of a net over the box that holds England, but for the sea to the east."""
    east = np.arange(ENGLAND_EASTING_M[0], ENGLAND_EASTING_M[1] + 1, step_m)
    north = np.arange(ENGLAND_NORTHING_M[0], ENGLAND_NORTHING_M[1] + 1, step_m)
    easting, northing = np.meshgrid(east.astype(float), north.astype(float))
    longitude, _ = BACK.transform(easting, northing)
    return easting[longitude < 1.8], northing[longitude < 1.8]


def test_the_grid_is_within_six_metres_of_another_implementation_all_over_england():
    easting, northing = over_england(5_000)
    longitude, latitude = BACK.transform(easting, northing)
    ours = national_grid(latitude, longitude)
    theirs = OTHERS.transform(longitude, latitude)
    assert len(easting) > 10_000
    assert np.hypot(ours[0] - theirs[0], ours[1] - theirs[1]).max() < 6
    # Without the shift between the ellipsoids it would be off by about 100 m.
    assert np.hypot(ours[0] - easting, ours[1] - northing).max() < 6


@pytest.mark.parametrize("place", PLACES)
def test_known_places_are_where_they_are(place):
    latitude, longitude, easting, northing = PLACES[place]
    assert np.hypot(*(np.array(national_grid(latitude, longitude)) - (easting, northing))) < 6


@given(st.floats(49.9, 55.8), st.floats(-6.4, 1.8))
def test_any_place_is_within_six_metres_of_another_implementation(latitude, longitude):
    ours = national_grid(latitude, longitude)
    theirs = OTHERS.transform(longitude, latitude)
    assert np.hypot(ours[0] - theirs[0], ours[1] - theirs[1]) < 6


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 2)])
def test_the_result_has_the_shape_of_the_input(shape):
    easting, northing = national_grid(np.full(shape, 52.0), np.full(shape, -1.0))
    assert np.shape(easting) == np.shape(northing) == shape


def test_lists_may_be_given():
    easting, northing = national_grid([52.0, 53.0], [-1.0, -2.0])
    assert (easting[0] > easting[1], northing[0] < northing[1]) == (True, True)


def test_distances_are_in_kilometres():
    east, north = np.array([400_000.0, 400_000.0]), np.array([300_000.0, 300_000.0])
    assert distance_km(east, north, np.array([403_000.0, 400_000.0]), np.array([304_000.0, 300_000.0])).tolist() == [
        5,
        0,
    ]


COORDINATES = st.integers(80_000, 660_000).map(float)


@given(COORDINATES, COORDINATES, COORDINATES, COORDINATES)
def test_a_distance_is_the_same_both_ways_and_never_negative(east_a, north_a, east_b, north_b):
    there, back = distance_km(east_a, north_a, east_b, north_b), distance_km(east_b, north_b, east_a, north_a)
    assert there == back >= 0
    assert (there == 0) == ((east_a, north_a) == (east_b, north_b))


def test_distances_on_the_grid_are_those_on_the_ground():
    # 0.04% is the grid's own error of scale.
    from pyproj import Geod

    ends = np.array([[-2.9, 54.9], [1.7, 52.6], [-5.5, 50.1], [-0.1, 51.5]])
    easting, northing = national_grid(ends[:, 1], ends[:, 0])
    first, second = np.triu_indices(len(ends), k=1)
    ours = distance_km(easting[first], northing[first], easting[second], northing[second])
    _, _, metres = Geod(ellps="WGS84").inv(*ends[first].T, *ends[second].T)
    assert np.abs(ours / (metres / 1000) - 1).max() < 0.0006
