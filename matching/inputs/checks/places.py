"""Schools that are far from the others of their postcode or local authority: their location may be wrong."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from matching.inputs.official.postcodes import district_of
from matching.tables.table_reader import Table

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
    it, so that a wrong location moves neither. Areas are postcode districts, postcode areas and local authorities of at
    least four schools. Where coordinates may have been changed over, all schools of the table are compared too.
    """
    frame = schools.frame[["row", "urn", "name", "local_authority", "postcode", "easting", "northing"]]
    km = frame[["easting", "northing"]].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float) / 1000
    at = pd.DataFrame(km, columns=["east", "north"], index=frame.index)
    district = district_of(frame["postcode"].fillna(""))
    authority = frame["local_authority"].fillna("")
    many = authority.map(authority.value_counts()) >= _MANY
    areas = (
        ("postcode district", district, _DISTRICT_KM),
        ("postcode area", district.str.extract("^([A-Z]*)", expand=False), _ANYWHERE_KM),
        ("local authority", authority, np.where(many, _AUTHORITY_KM, _ANYWHERE_KM)),
        ("table", pd.Series("all", index=frame.index), _ANYWHERE_KM),
    )
    sentences: dict[int, str] = {}
    for what, area, least_km in areas:
        middle, typical = _middle_and_typical(at, area)
        apart = np.hypot(*(at - middle).to_numpy().T)
        turned = np.hypot(*(at[["north", "east"]].set_axis(at.columns, axis=1) - middle).to_numpy().T)
        far = (apart > least_km) & (apart > _TIMES_TYPICAL * typical)
        is_turned = far & (turned < apart / 4)
        for place in np.flatnonzero(is_turned if what == "table" else far).tolist():
            row, urn, name = frame[["row", "urn", "name"]].iloc[place]
            others = f"its {what} {area.iloc[place]}" if what != "table" else "the table"
            hint = " (its easting and northing may have been changed over)" if is_turned[place] else ""
            sentence = (
                f"{urn} {name} (row {row}) is {apart[place]:.0f} km from the middle of the schools of {others}{hint}"
            )
            sentences.setdefault(place, sentence)
    if sentences:
        listed = [sentences[place] for place in sorted(sentences)]
        more = f"; and {len(listed) - _MOST_LISTED:,} more" if len(listed) > _MOST_LISTED else ""
        yield f"{schools.name}: check these locations: {'; '.join(listed[:_MOST_LISTED])}{more}."


def _middle_and_typical(at: pd.DataFrame, area: pd.Series) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the middle of each school's area and the typical distance from it; nan where there are too few schools."""
    known = at[(area != "") & at.notna().all(axis=1)]
    by_area = known.groupby(area)
    middle = by_area.transform("median").where(by_area["east"].transform("size") >= _FEWEST)
    typical = pd.Series(np.hypot(*(known - middle).to_numpy().T), index=known.index).groupby(area).transform("median")
    return middle.reindex(at.index), typical.reindex(at.index).to_numpy()
