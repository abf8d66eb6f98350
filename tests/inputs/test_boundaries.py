"""Outlines of areas: what can be read, what is said of the rest, and that the lines are where the outlines are."""

import gzip
import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from matching.errors import DataError
from matching.inputs.official.boundaries import (
    LINE_COLUMNS,
    Boundaries,
    Box,
    area_labels,
    boundary_lines,
    read_boundaries,
)
from matching.tables.files import Source

EVERYWHERE = Box(0, 0, 700_000, 700_000)


def square(west: float, south: float, side: float) -> list[list[float]]:
    east, north = west + side, south + side
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def feature(*rings: list, kind: str = "Polygon", **properties: object) -> dict:
    return {"type": "Feature", "properties": properties, "geometry": {"type": kind, "coordinates": list(rings)}}


def geojson(*features: object) -> Source:
    return Source("areas.geojson", json.dumps({"type": "FeatureCollection", "features": features}).encode())


def read(*features: object) -> Boundaries:
    return read_boundaries(geojson(*features))


def lines(found: Boundaries, box: Box = EVERYWHERE) -> set[tuple[int, ...]]:
    return set(boundary_lines(found, box).itertuples(index=False, name=None))


WEST = feature(square(400_000, 300_000, 10_000), LAD23NM="West", LAD23NMW="Gorllewin", LAD23CD="E1")
EAST = feature(square(410_000, 300_000, 10_000), LAD23NM="East", LAD23NMW="Dwyrain", LAD23CD="E2")


# ---- reading -------------------------------------------------------------------------------------------------------


def test_metres_are_read_as_they_are_and_names_are_found():
    found = read(WEST, EAST)
    assert found.points[0].tolist() == [400_000, 300_000]
    assert found.names == ("West", "East")
    assert found.name_property == "LAD23NM"


def test_degrees_become_grid_metres():
    corners = [[-1.9, 52.4], [-1.5, 52.4], [-1.5, 52.7], [-1.9, 52.7], [-1.9, 52.4]]
    found = read(feature(corners, name="Here"))
    expected = np.column_stack(
        Transformer.from_crs("EPSG:4326", "EPSG:27700", always_xy=True).transform(*np.array(corners).T)
    )
    assert np.abs(found.points - expected).max() < 10


def test_several_polygons_with_holes_and_heights_are_read():
    island = [[*position, 12.5] for position in square(430_000, 300_000, 1_000)]
    several = feature(
        [square(400_000, 300_000, 10_000), square(404_000, 304_000, 1_000)], [island], kind="MultiPolygon"
    )
    found = read(WEST, several)
    assert found.area.tolist() == [0, 1, 1, 1]
    assert np.bincount(found.ring).tolist() == [5, 5, 5, 5]


def test_one_feature_alone_and_a_packed_file_will_do():
    alone = Source("one.json", json.dumps(WEST).encode())
    assert read_boundaries(alone).names == ("West",)
    assert read_boundaries(Source("one.json.gz", gzip.compress(alone.content))).names == ("West",)
    assert read_boundaries(Source("one.json", b"\xef\xbb\xbf" + alone.content)).names == ("West",)


@pytest.mark.parametrize(
    ("properties", "found"),
    [
        ([{"code": "E1", "Name": "A"}, {"code": "E2", "Name": "B"}], "Name"),
        ([{"long_name": "A", "name": "B"}], "name"),
        ([{"RGN22NM": "A"}, {"RGN22NM": None}], ""),
        ([{"RGN22NM": "A"}, {}], ""),
        ([{"code": "E1"}], ""),
        ([{"name": 3}], ""),
    ],
)
def test_the_name_is_a_text_that_every_feature_has(properties, found):
    read_ones = read(*(feature(square(400_000, 300_000, 1_000), **one) for one in properties))
    assert read_ones.name_property == found
    assert read_ones.names == tuple(one[found] if found else "" for one in properties)


def test_a_feature_without_properties_is_read():
    assert read({**WEST, "properties": None}).names == ("",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"urn,name\n1,2\n", "This is not JSON that can be read"),
        (b"\xff\xfe\x00", "This is not JSON that can be read"),
        (b"[" * 100_000, "This is not JSON that can be read"),
        (b"[]", "not GeoJSON: it is no FeatureCollection"),
        (b'{"type": "Topology"}', "not GeoJSON: it is no FeatureCollection"),
        (b'{"type": "FeatureCollection"}', "There is no feature in this file"),
        (b'{"type": "FeatureCollection", "features": []}', "There is no feature in this file"),
        (b'{"type": "FeatureCollection", "features": {"a": 1}}', "There is no feature in this file"),
        (b'{"type": "FeatureCollection", "features": [1]}', "1 entry is no GeoJSON feature, first number 1"),
        (b'{"type": "Feature", "properties": 3}', "1 entry is no GeoJSON feature"),
    ],
)
def test_what_is_no_geojson_is_told(content, message):
    with pytest.raises(DataError, match=message):
        read_boundaries(Source("areas.geojson", content))


@pytest.mark.parametrize(
    ("geometry", "message"),
    [
        (None, "Feature 2: it has no outline; expected is a Polygon or MultiPolygon"),
        ({"type": "Point", "coordinates": [1, 2]}, "Feature 2: 'Point' is no outline"),
        ({"type": "GeometryCollection", "geometries": []}, "Feature 2: 'GeometryCollection' is no outline"),
        ({"type": "Polygon"}, "Feature 2: its coordinates are not those of a polygon"),
        ({"type": "Polygon", "coordinates": []}, "Feature 2: its coordinates are not those of a polygon"),
        ({"type": "MultiPolygon", "coordinates": [[]]}, "Feature 2: its coordinates are not those of a polygon"),
        ({"type": "Polygon", "coordinates": [3]}, "at least four positions of two numbers"),
        ({"type": "Polygon", "coordinates": [[1, 2, 3, 4]]}, "at least four positions of two numbers"),
        ({"type": "Polygon", "coordinates": [[[1], [2], [3], [1]]]}, "at least four positions of two numbers"),
        ({"type": "Polygon", "coordinates": [[[1, 2], [2], [3, 3], [1, 2]]]}, "at least four positions of two numbers"),
        ({"type": "Polygon", "coordinates": [[["1", "2"]] * 4]}, "at least four positions of two numbers"),
        ({"type": "Polygon", "coordinates": [[[True, False]] * 4]}, "at least four positions of two numbers"),
        ({"type": "Polygon", "coordinates": [[[10**40, 1]] * 4]}, "at least four positions of two numbers"),
        ({"type": "Polygon", "coordinates": [[[1, 2]] * 3]}, "at least four positions of two numbers"),
        ({"type": "Polygon", "coordinates": [[[float("nan"), 2.0]] * 4]}, "no finite number"),
        ({"type": "Polygon", "coordinates": [square(400_000, 300_000, 10)[:4]]}, "does not end where it begins"),
    ],
)
def test_a_feature_that_is_no_outline_is_told(geometry, message):
    with pytest.raises(DataError, match=message):
        read(WEST, {"type": "Feature", "properties": {}, "geometry": geometry})


def test_every_faulty_feature_is_told_at_once():
    point = {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [1, 2]}}
    with pytest.raises(DataError) as caught:
        read(point, WEST, point)
    assert [one.message.split(":")[0] for one in caught.value.problems] == ["Feature 1", "Feature 3"]


@pytest.mark.parametrize(
    ("ring", "message"),
    [
        (square(2.3, 48.8, 0.1), "outside Great Britain, first 2.3, 48.8.*with longitude and latitude"),
        (square(52.4, -1.9, 0.1), "Latitude and longitude are the other way round"),
        (square(-211_000, 6_870_000, 1_000), "These look like Web Mercator metres"),
        (square(5_000_000, 300_000, 1_000), "5 positions are outside Great Britain"),
        ([[-1.9, 52.4], [400_000, 300_000], [400_000, 310_000], [-1.9, 52.4]], "Some coordinates are degrees"),
    ],
)
def test_places_outside_great_britain_are_told(ring, message):
    with pytest.raises(DataError, match=message):
        read(feature(ring))


def test_a_file_that_is_too_large_is_a_problem():
    large = Source("areas.geojson", geojson(WEST).content + b" " * 3_000)
    for source in (large, Source("areas.geojson.gz", gzip.compress(large.content))):
        with pytest.raises(DataError, match="MB can be drawn"):
            read_boundaries(source, most_bytes=2_000)


# ---- drawing -------------------------------------------------------------------------------------------------------


def test_a_shared_border_is_drawn_once():
    box = Box(390_000, 290_000, 430_000, 320_000)
    assert len(lines(read(WEST, EAST), box)) == 7


def test_lines_end_at_the_edge_of_the_box():
    box = Box(405_000, 295_000, 415_000, 305_000)
    assert lines(read(WEST), box) == {(405_000, 300_000, 410_000, 300_000), (410_000, 300_000, 410_000, 305_000)}


def test_a_line_through_the_box_is_seen_although_no_point_of_it_is_inside():
    slope = feature([[400_000, 300_000], [420_000, 320_000], [440_000, 300_000], [400_000, 300_000]])
    assert lines(read(slope), Box(405_000, 305_000, 406_000, 306_000)) == {(405_000, 305_000, 406_000, 306_000)}


def test_a_line_along_the_edge_of_the_box_is_seen():
    assert (400_000, 300_000, 410_000, 300_000) in lines(read(WEST), Box(400_000, 300_000, 420_000, 320_000))


def test_nothing_is_drawn_where_nothing_is():
    far = boundary_lines(read(WEST), Box(0, 0, 10_000, 10_000))
    assert far.empty
    assert tuple(far.columns) == LINE_COLUMNS


def test_what_is_too_small_to_be_seen_is_left_out():
    turns = np.linspace(0, 2 * np.pi, 20_001)
    circle = np.column_stack([450_000 + 50_000 * np.cos(turns), 350_000 + 50_000 * np.sin(turns)])
    circle[-1] = circle[0]
    found = read(feature(circle.tolist()), feature(square(450_000, 350_000, 20)))
    drawn = boundary_lines(found, Box(400_000, 300_000, 500_000, 400_000)).to_numpy(dtype=float)
    assert 500 < len(drawn) < 5_000
    for ends in (drawn[:, :2], drawn[:, 2:]):
        assert np.abs(np.hypot(*(ends - [450_000, 350_000]).T) - 50_000).max() < 120


boxes = st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(1, 20), st.integers(1, 20))
corner = st.tuples(st.integers(0, 40), st.integers(0, 40))


@given(st.lists(corner, min_size=3, max_size=8), boxes)
def test_every_line_is_inside_the_box_and_on_the_outline(corners, box):
    """Against many points along the outline: each inside the box is on a line, and each line's middle is on it."""
    ring = [[400_000 + 1_000 * x, 300_000 + 1_000 * y] for x, y in [*corners, corners[0]]]
    west, south, wide, high = (1_000 * one for one in box)
    seen = Box(400_000 + west, 300_000 + south, 400_000 + west + wide, 300_000 + south + high)
    drawn = boundary_lines(read(feature(ring)), seen).to_numpy(dtype=float)
    for a, b in pairwise(ring):
        for part in np.linspace(0.013, 0.987, 17):
            x, y = np.array(a) + part * (np.array(b) - a)
            if a != b and seen.west + 40 < x < seen.east - 40 and seen.south + 40 < y < seen.north - 40:
                assert distances((x, y), drawn).min() < 30
    for line in drawn:
        middle = (line[:2] + line[2:]) / 2
        assert seen.west - 1 <= middle[0] <= seen.east + 1
        assert seen.south - 1 <= middle[1] <= seen.north + 1
        assert distances(middle, np.array([[*a, *b] for a, b in pairwise(ring)])).min() < 30


def distances(point, segments) -> np.ndarray:
    start, step = segments[:, :2], segments[:, 2:] - segments[:, :2]
    length = np.maximum((step**2).sum(axis=1), 1e-9)
    along = (((point - start) * step).sum(axis=1) / length).clip(0, 1)
    return np.hypot(*(start + along[:, None] * step - point).T)


def test_labels_stand_in_the_middle_of_the_largest_part():
    several = feature(
        [square(420_000, 300_000, 1_000)], [square(400_000, 300_000, 10_000)], kind="MultiPolygon", name="Two"
    )
    labels = area_labels(
        read(several, feature(square(600_000, 300_000, 10), name="Far")), Box(390_000, 290_000, 430_000, 320_000)
    )
    assert labels.to_numpy().tolist() == [["Two", 405_000, 305_000]]


def test_labels_of_nameless_and_flat_areas():
    flat = [[400_000, 300_000], [401_000, 300_000], [402_000, 300_000], [400_000, 300_000]]
    assert area_labels(read(feature(square(400_000, 300_000, 10))), EVERYWHERE).empty
    assert area_labels(read(feature(flat, name="Flat")), EVERYWHERE)["easting"].tolist() == [400_000]


def test_lines_do_not_depend_on_the_order_of_the_features():
    box = Box(395_000, 295_000, 425_000, 315_000)
    assert boundary_lines(read(WEST, EAST), box).equals(boundary_lines(read(EAST, WEST), box))
    assert area_labels(read(WEST, EAST), box).equals(area_labels(read(EAST, WEST), box))
