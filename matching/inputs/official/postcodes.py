"""Schools whose grid reference is far from the other schools of their postcode: an error in the official list."""

import numpy as np
import pandas as pd
import scipy  # loads `scipy.spatial` when it is first asked for: only extracts need it
from numpy.typing import NDArray

from matching.tables.grid import ENGLAND_EASTING_M, ENGLAND_NORTHING_M

# Distance from the middle of the postcode sector's schools that is doubtful, and that is wrong in any case.
_DOUBTFUL_KM, _WRONG_KM = 5.0, 30.0
_FEWEST_NEIGHBOURS = 3
# A doubtful school is in another town if this many schools are nearer than a third of the way to its own postcode.
_OTHERS_AROUND, _CROWDED = 20, 3.0


def far_from_postcode(found: pd.DataFrame, sound: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return which schools are far from the others of their postcode, and the reason in words.

    Parameters
    ----------
    found : DataFrame
        postcode, easting_m and northing_m of every establishment.
    sound : Series of bool
        The establishments to judge; the others only count as neighbours.

    Notes
    -----
    In thinly populated country a school may be 15 km from the others of its postcode sector. So beyond 5 km from
    their middle it is reported only if the schools around it are another town's: the nearest of its own postcode
    district is over 5 km away, and 20 others are within a third of that. Beyond 30 km it is reported in any case.
    """
    locations_km = found[["easting_m", "northing_m"]].to_numpy() / 1000
    postcode = found["postcode"].str.upper().str.replace(" ", "", regex=False)
    in_england = found["easting_m"].between(*ENGLAND_EASTING_M) & found["northing_m"].between(*ENGLAND_NORTHING_M)
    known = postcode.str.fullmatch("[A-Z]{1,2}[0-9][0-9A-Z]?[0-9][A-Z]{2}") & in_england
    sector_km = _from_the_middle(locations_km, postcode.str[:-2].where(known, ""))
    district = postcode.str[:-3].where(known, "")
    apart_km = sector_km.where(sector_km.notna(), _from_the_middle(locations_km, district))
    far = (apart_km > _WRONG_KM) & sound
    doubtful = np.flatnonzero((apart_km > _DOUBTFUL_KM) & sound & ~far)
    if len(doubtful):
        far.iloc[doubtful] = _in_another_town(locations_km, district, np.flatnonzero(known), doubtful)
    reason = "is " + apart_km.map("{:.0f}".format) + " km from the other schools of its postcode " + found["postcode"]
    return far, reason


def _from_the_middle(locations_km: NDArray[np.float64], area: pd.Series) -> pd.Series:
    """Return the distance of each location from the median of its area, in km; nan where there are too few others."""
    cells = pd.DataFrame(locations_km, index=area.index, columns=["east", "north"])[area != ""]
    by_area = cells.groupby(area[area != ""])
    # The location itself is among them, which hardly moves a median of four.
    enough = by_area["east"].transform("size") > _FEWEST_NEIGHBOURS
    apart = cells - by_area[["east", "north"]].transform("median")
    return pd.Series(np.hypot(*apart.to_numpy().T), index=cells.index).where(enough).reindex(area.index)


def _in_another_town(
    locations_km: NDArray[np.float64], district: pd.Series, known: NDArray[np.intp], doubtful: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Return whether each doubtful location is nearer to many schools of other districts than to any of its own."""
    crowd = min(_OTHERS_AROUND + 1, len(known))
    around_km = np.asarray(scipy.spatial.cKDTree(locations_km[known]).query(locations_km[doubtful], k=[crowd])[0])[:, 0]
    members = {
        code: known[position] for code, position in district.iloc[known].groupby(district.iloc[known]).indices.items()
    }
    own_km = np.empty(len(doubtful))
    for place, one in enumerate(doubtful):
        others = members[district.iloc[one]]
        others = others[others != one]
        own_km[place] = np.hypot(*(locations_km[others] - locations_km[one]).T).min() if len(others) else np.inf
    return (own_km > _DOUBTFUL_KM) & (own_km > _CROWDED * around_km) & (crowd > _OTHERS_AROUND)
