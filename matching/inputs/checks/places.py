"""Schools that are far from the others of their postcode or local authority: their location may be wrong."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matching.tables.table_reader import Table

Floats = NDArray[np.float64]

_FEWEST, _MANY = 4, 10
# A location is doubtful this many times as far from the middle of its area as half of the area's schools are,
_TIMES_TYPICAL = 6
# and at least this far: in thinly populated country few schools may be next to each other, and others far away.
_DISTRICT_KM, _AUTHORITY_KM, _ANYWHERE_KM = 25.0, 30.0, 100.0
_MOST_LISTED = 10


def far_schools(schools: Table) -> Iterator[str]:
    """Yield the notice of schools that are far from the others of their area.

    Notes
    -----
    The middle of an area is the median of its schools' locations, and the typical distance the median of theirs from
    it, so that a wrong location moves neither. Areas are postcode districts and local authorities of at least four
    schools. Where coordinates may have been changed over, all schools of the table are compared too.
    """
    frame = schools.frame
    # A cell that has a problem already is None.
    at = np.array([frame["easting"], frame["northing"]], dtype=float) / 1000
    # LS1 of LS1 4AP; what is no postcode makes an area of its own.
    district = [(postcode or "")[:-3].strip().upper() for postcode in frame["postcode"]]
    authority = [name or "" for name in frame["local_authority"]]
    size, least = Counter(authority), (_ANYWHERE_KM, _AUTHORITY_KM)
    areas = (
        ("postcode district", district, _DISTRICT_KM),
        ("local authority", authority, np.array([least[size[name] >= _MANY] for name in authority])),
        ("table", ["all"] * len(frame), _ANYWHERE_KM),
    )
    sentences: dict[int, str] = {}
    for what, area, least_km in areas:
        middle, typical = _middle_and_typical(at, area)
        apart = np.hypot(*(at - middle))
        turned = np.hypot(*(at[::-1] - middle))
        far = (apart > least_km) & (apart > _TIMES_TYPICAL * typical)
        is_turned = far & (turned < apart / 4)
        for place in np.flatnonzero(is_turned if what == "table" else far).tolist():
            urn, name = frame[["urn", "name"]].iloc[place]
            others = f"its {what} {area[place]}" if what != "table" else "the table"
            hint = " (its easting and northing may have been changed over)" if is_turned[place] else ""
            away = f"is {apart[place]:.0f} km from the middle of the schools of {others}{hint}"
            sentences.setdefault(place, f"{urn} {name} {away}")
    if sentences:
        listed = sorted(sentences.values())
        more = f"; and {len(listed) - _MOST_LISTED:,} more" if len(listed) > _MOST_LISTED else ""
        yield f"{schools.name}: check these locations: {'; '.join(listed[:_MOST_LISTED])}{more}."


def _middle_and_typical(at: Floats, areas: Sequence[str]) -> tuple[Floats, Floats]:
    """Return the middle of each school's area and the typical distance from it; nan where there are too few schools."""
    codes, names = pd.factorize(np.array(areas, dtype=object))
    known = np.flatnonzero((codes != list(names).index("") if "" in names else codes >= 0) & ~np.isnan(at).any(axis=0))
    middle, typical = np.full(at.shape, np.nan), np.full(at.shape[1], np.nan)
    for axis in range(len(at)):
        middle[axis, known] = _medians(at[axis, known], codes[known])
    typical[known] = _medians(np.hypot(*(at - middle)[:, known]), codes[known])
    return middle, typical


def _medians(values: Floats, codes: NDArray[np.intp]) -> Floats:
    """Return for each value the median of those with its code; nan where they are too few."""
    # Kilometres within England are far below this, so one sort will do for both.
    order = np.argsort(codes * 10_000.0 + values)
    ordered, begins = values[order], np.diff(codes[order], prepend=-1) != 0
    first = np.flatnonzero(begins)
    count = np.diff(first, append=len(values))
    median = (ordered[first + (count - 1) // 2] + ordered[first + count // 2]) / 2
    found = np.empty(len(values))
    found[order] = np.repeat(np.where(count >= _FEWEST, median, np.nan), count)
    return found
