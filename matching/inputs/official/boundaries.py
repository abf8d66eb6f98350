"""Boundaries: outlines of areas from a user's GeoJSON, as thin lines for the map. They decide nothing."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matching.errors import DataError, Problem, at_most, counted, file_problem, shown
from matching.tables.files import Source, unpacked
from matching.tables.grid import national_grid

_MOST_BYTES = 50_000_000
LINE_COLUMNS = ("easting", "northing", "easting2", "northing2")

# The boxes hold the sea and Northern Ireland too, whose outlines are in the same official files.
_DEGREES = ((-9.5, 49.0), (3.0, 61.5))
_METRES = ((-150_000, -50_000), (720_000, 1_280_000))
_WEB_MERCATOR = ((-1_100_000, 6_200_000), (350_000, 8_900_000))
_FORMS = "Give GeoJSON with longitude and latitude (WGS84), or with British National Grid metres."
# Steps across the map, finer than a screen can show.
_STEPS = 600

Points = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Box:
    """A part of the map, in grid metres."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True)
class Boundaries:
    """Outlines on the British National Grid.

    Attributes
    ----------
    points : ndarray, shape (n, 2)
        Easting and northing in metres, ring after ring; each ring ends where it begins.
    ring : ndarray of int
        By point: the ring that it is on.
    area : ndarray of int
        By ring: the area that it bounds, or a hole of it.
    names : tuple of str
        By area; empty where the file has no names.
    name_property : str
        The property that the names were taken from; empty where there is none.
    """

    points: Points
    ring: Counts
    area: Counts
    names: tuple[str, ...]
    name_property: str


def read_boundaries(source: Source, *, most_bytes: int = _MOST_BYTES) -> Boundaries:
    """Read a GeoJSON of polygons, in degrees (WGS84) or British National Grid metres.

    Parameters
    ----------
    source : Source
        May be gzipped.
    most_bytes : int
        The largest file that is read, as stored and unpacked.

    Raises
    ------
    DataError
        The file is too large, is not GeoJSON, has no feature or one that is no outline, or is outside Great Britain.
    """
    features = _features(source, most_bytes)
    rings: list[Points] = []
    area: list[int] = []
    problems: list[Problem] = []
    for number, feature in enumerate(features):
        try:
            found = list(_rings(feature))
        except _OutlineError as error:
            problems.append(file_problem(source.name, f"Feature {number + 1}: {error}", _FORMS))
            continue
        rings += found
        area += [number] * len(found)
    if problems:
        raise DataError(at_most(problems))
    points = np.concatenate(rings)
    properties = [feature.get("properties") or {} for feature in features]
    name_property = _name_property(properties)
    return Boundaries(
        points=_on_the_grid(points, source.name),
        ring=np.repeat(np.arange(len(rings)), [len(ring) for ring in rings]),
        area=np.array(area, dtype=np.int64),
        names=tuple(str(one[name_property]) if name_property else "" for one in properties),
        name_property=name_property,
    )


def boundary_lines(boundaries: Boundaries, box: Box) -> pd.DataFrame:
    """Return straight lines that draw the boundaries inside a box.

    Returns
    -------
    DataFrame
        `LINE_COLUMNS` in whole grid metres, one row for each line; a border that two areas share is drawn once.

    Notes
    -----
    Points move to the nearest node of a square mesh, a six-hundredth of the box wide, and repeats are dropped: the
    loss is too small to see. Both sides of a shared border move alike, so that no gap opens between them.
    """
    mesh_m = max(box.east - box.west, box.north - box.south, _STEPS) / _STEPS
    near = _rings_near(boundaries, box)[boundaries.ring]
    points, ring = np.rint(boundaries.points[near] / mesh_m), boundaries.ring[near]
    joined = (ring[1:] == ring[:-1]) & (points[1:] != points[:-1]).any(axis=1)
    ends = np.hstack([points[:-1], points[1:]])[joined]
    backwards = (ends[:, 0] > ends[:, 2]) | ((ends[:, 0] == ends[:, 2]) & (ends[:, 1] > ends[:, 3]))
    ends[backwards] = ends[backwards][:, [2, 3, 0, 1]]
    lines = _clipped(np.unique(ends, axis=0) * mesh_m, box)
    return pd.DataFrame(np.rint(lines).astype(np.int64), columns=list(LINE_COLUMNS))


def area_labels(boundaries: Boundaries, box: Box) -> pd.DataFrame:
    """Return where to write the names of the areas whose centre is inside a box.

    Returns
    -------
    DataFrame
        name, easting and northing (the centre of gravity of the area's largest ring), by name, without areas that
        have no name.
    """
    size, centre = _gravity(boundaries)
    largest = pd.DataFrame({"area": boundaries.area, "size": size}).sort_values("size").groupby("area").tail(1)
    labels = pd.DataFrame(centre[largest.index], columns=["easting", "northing"])
    labels.insert(0, "name", [boundaries.names[one] for one in largest["area"]])
    inside = labels["easting"].between(box.west, box.east) & labels["northing"].between(box.south, box.north)
    return labels[inside & (labels["name"] != "")].sort_values(["name", "easting", "northing"], ignore_index=True)


# ---- reading -------------------------------------------------------------------------------------------------------


class _OutlineError(Exception):
    """What is wrong with a feature, as the end of a sentence."""


def _features(source: Source, most_bytes: int) -> Sequence[Mapping[str, Any]]:
    content = unpacked(source) if len(source.content) <= most_bytes else source.content
    if len(content) > most_bytes:
        message = f"The file has {len(content) / 1e6:,.0f} MB, and at most {most_bytes / 1e6:,.0f} MB can be drawn."
        fix = "Choose a generalised version: the official outlines come with 20 m, 200 m and 500 m of detail."
        raise _unusable(source.name, message, fix)
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        message = f"This is not JSON that can be read ({error})."
        raise _unusable(source.name, message, "Choose the GeoJSON version of the file.") from error
    if not isinstance(document, dict) or document.get("type") not in ("FeatureCollection", "Feature"):
        message = "This is JSON, but not GeoJSON: it is no FeatureCollection."
        raise _unusable(source.name, message, "Choose the GeoJSON version of the file.")
    features = [document] if document["type"] == "Feature" else document.get("features")
    if not isinstance(features, list) or not features:
        raise _unusable(source.name, "There is no feature in this file.", _FORMS)
    faulty = [number for number, one in enumerate(features, start=1) if not _is_feature(one)]
    if faulty:
        message = f"{counted(len(faulty), 'entry is', 'entries are')} no GeoJSON feature, first number {faulty[0]}."
        raise _unusable(source.name, message, "Save the file as GeoJSON again.")
    return features


def _is_feature(one: object) -> bool:
    return isinstance(one, dict) and isinstance(one.get("properties") or {}, dict)


def _rings(feature: Mapping[str, Any]) -> Iterator[Points]:
    geometry = feature.get("geometry")
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if not isinstance(geometry, dict) or kind not in ("Polygon", "MultiPolygon"):
        found = f"{shown(str(kind))} is no outline" if kind else "it has no outline"
        raise _OutlineError(f"{found}; expected is a Polygon or MultiPolygon.")
    held = geometry.get("coordinates")
    polygons = [held] if kind == "Polygon" else held
    if not isinstance(polygons, list) or not all(isinstance(one, list) and one for one in polygons) or not polygons:
        raise _OutlineError("its coordinates are not those of a polygon.")
    for polygon in polygons:
        yield from map(_ring, polygon)


def _ring(positions: object) -> Points:
    message = "its coordinates are not those of a polygon: a ring has at least four positions of two numbers."
    if not isinstance(positions, list) or not all(isinstance(one, list) for one in positions):
        raise _OutlineError(message)
    try:
        # A position may have a height as its third number.
        points = np.asarray([one[:2] for one in positions])
    except ValueError as error:
        raise _OutlineError(message) from error
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 4 or points.dtype.kind not in "if":
        raise _OutlineError(message)
    if not np.isfinite(points).all():
        raise _OutlineError("a coordinate is no finite number.")
    if (points[0] != points[-1]).any():
        raise _OutlineError("a ring does not end where it begins.")
    return points.astype(np.float64)


def _on_the_grid(points: Points, name: str) -> Points:
    in_degrees = (np.abs(points) <= (180, 90)).all(axis=1)
    if in_degrees.all():
        _check_inside(points, _DEGREES, name)
        return np.column_stack(national_grid(points[:, 1], points[:, 0]))
    if in_degrees.any():
        raise _unusable(name, "Some coordinates are degrees and others are metres.", _FORMS)
    _check_inside(points, _METRES, name)
    return points


def _check_inside(points: Points, box: tuple[tuple[float, float], tuple[float, float]], name: str) -> None:
    outside = ~_inside(points, box)
    if not outside.any():
        return
    first = "{:g}, {:g}".format(*points[outside][0])
    message = f"{counted(int(outside.sum()), 'position is', 'positions are')} outside Great Britain, first {first}."
    if _inside(points[:, ::-1], _DEGREES).all():
        raise _unusable(name, message, "Latitude and longitude are the other way round: GeoJSON has longitude first.")
    if _inside(points, _WEB_MERCATOR).all():
        raise _unusable(name, message, f"These look like Web Mercator metres. {_FORMS}")
    raise _unusable(name, message, _FORMS)


def _inside(points: Points, box: tuple[tuple[float, float], tuple[float, float]]) -> NDArray[np.bool_]:
    return np.asarray(((points >= box[0]) & (points <= box[1])).all(axis=1), dtype=np.bool_)


def _name_property(properties: Sequence[Mapping[str, Any]]) -> str:
    """Return the property that holds names: text in every feature, and called a name; official ones end in NM."""
    texts = [key for key in properties[0] if all(isinstance(one.get(key), str) and one[key] for one in properties)]
    called = [key for key in texts if key.casefold() == "name"]
    called += [key for key in texts if re.search(r"(name|nm)$", key.casefold())]
    return called[0] if called else ""


def _unusable(name: str, message: str, fix: str) -> DataError:
    return DataError([file_problem(name, message, fix)])


# ---- drawing -------------------------------------------------------------------------------------------------------


def _begins(ring: Counts) -> Counts:
    """Return the position of the first point of each ring."""
    return np.flatnonzero(np.diff(ring, prepend=-1))


def _rings_near(boundaries: Boundaries, box: Box) -> NDArray[np.bool_]:
    begins = _begins(boundaries.ring)
    least = np.minimum.reduceat(boundaries.points, begins)
    most = np.maximum.reduceat(boundaries.points, begins)
    near = (most >= (box.west, box.south)) & (least <= (box.east, box.north))
    return np.asarray(near.all(axis=1), dtype=np.bool_)


def _clipped(lines: Points, box: Box) -> Points:
    """Return the pieces of the lines inside the box, by Liang and Barsky's rule."""
    start, step = lines[:, :2], lines[:, 2:] - lines[:, :2]
    low, high = np.array([box.west, box.south]) - start, np.array([box.east, box.north]) - start
    with np.errstate(divide="ignore", invalid="ignore"):
        one, other = low / step, high / step
    level = step == 0
    within = level & (low <= 0) & (high >= 0)
    enter = np.where(level, np.where(within, 0, 1), np.minimum(one, other)).max(axis=1).clip(min=0)
    leave = np.where(level, np.where(within, 1, 0), np.maximum(one, other)).min(axis=1).clip(max=1)
    seen = enter < leave
    pieces: Points = np.hstack([start + enter[:, None] * step, start + leave[:, None] * step])[seen]
    return pieces


def _gravity(boundaries: Boundaries) -> tuple[Points, Points]:
    """Return the area and the centre of gravity of each ring, by the shoelace formula."""
    begins = _begins(boundaries.ring)
    # Relative to the ring's first point, so that large coordinates cause no rounding error.
    origin = boundaries.points[begins]
    points = boundaries.points - origin[boundaries.ring]
    here, there = points, np.roll(points, -1, axis=0)
    # A ring ends at its first point, which is 0, 0 here, so that a step into the next ring adds nothing.
    cross = here[:, 0] * there[:, 1] - there[:, 0] * here[:, 1]
    doubled = np.add.reduceat(cross, begins)
    moment = np.add.reduceat((here + there) * cross[:, None], begins)
    flat = doubled == 0
    centre = origin + moment / np.where(flat, 1, 3 * doubled)[:, None]
    return np.abs(doubled) / 2, centre
