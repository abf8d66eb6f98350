"""Make the fictional demo area: `python data/make_demo.py` writes data/demo, byte for byte the same each time.

Its places, schools, trusts and people do not exist. The body of the round is drawn by `matching.simulate`; on top of it
stand cases written by hand, so that every reason for an unmet need, every kind of decision and every state of the
evidence can be seen.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from matching.simulate import simulate

DATA = Path(__file__).resolve().parent
SEED = 7
REGION = "Fictional Midlands"
FIRST_URN = 900_001  # far above every number given to a real school so far

Chance = np.random.Generator


@dataclass(frozen=True)
class Place:
    """A town or village, where its centre lies on the British National Grid, and its schools.

    Attributes
    ----------
    fsm_percent : float
        Share of pupils with free school meals that is usual in its schools.
    schools : mapping of str to int
        How many of each phase.
    """

    name: str
    local_authority: str
    easting_km: float
    northing_km: float
    radius_km: float
    fsm_percent: float
    schools: Mapping[str, int]

    @property
    def is_village(self) -> bool:
        """Whether it has one school only."""
        return sum(self.schools.values()) == 1


def village(name: str, local_authority: str, easting_km: float, northing_km: float) -> Place:
    """A place with one primary school."""
    return Place(name, local_authority, easting_km, northing_km, 0.4, 9, {"Primary": 1})


CITY_SCHOOLS = {
    "Nursery": 2,
    "Primary": 17,
    "Secondary": 5,
    "All-through": 1,
    "16 plus": 1,
    "Special": 2,
    "Alternative provision": 1,
}
MIDDLE_SCHOOLS = {"Primary": 5, "Middle deemed primary": 2, "Middle deemed secondary": 2, "Secondary": 1}
PLACES = (
    Place("Wexborough", "Wexborough", 438, 291, 4.2, 33, CITY_SCHOOLS),
    Place(
        *("Quenbridge", "Merrowshire", 458, 306, 2.6, 21),
        {"Nursery": 1, "Primary": 9, "Secondary": 3, "16 plus": 1, "Special": 1},
    ),
    Place(
        *("Marlchester", "Kelverdale", 421, 308, 2.6, 27),
        {"Nursery": 1, "Primary": 9, "Secondary": 3, "Special": 1, "Alternative provision": 1},
    ),
    Place(
        *("Haddlestoke", "Merrowshire", 462, 290, 2.0, 18),
        {"Primary": 6, "Secondary": 2, "16 plus": 1, "Special": 1},
    ),
    Place(
        *("Thessingham", "Tarnvale", 415, 274, 2.0, 24),
        {"Nursery": 1, "Primary": 6, "Secondary": 2, "All-through": 1, "Alternative provision": 1},
    ),
    Place("Orlebury", "Tarnvale", 437, 265, 1.9, 16, {"Primary": 5, "Secondary": 2, "Special": 1}),
    Place("Stannerley", "Kelverdale", 441, 320, 1.8, 22, MIDDLE_SCHOOLS),
    village("Fennick", "Kelverdale", 409.6, 316.2),
    village("Market Orsley", "Kelverdale", 430.3, 313.8),
    village("Withernshaw", "Kelverdale", 426.1, 325.4),
    village("Upper Sallow", "Kelverdale", 411.8, 300.5),
    village("Cranesby", "Kelverdale", 449.2, 326.7),
    village("Hobley Cross", "Merrowshire", 448.7, 313.1),
    village("Thrushleigh", "Merrowshire", 467.4, 312.9),
    village("Long Hassock", "Merrowshire", 472.8, 301.6),
    village("Saxleigh", "Merrowshire", 452.5, 296.4),
    village("Selderby", "Merrowshire", 471.9, 285.3),
    village("Ivelbrook", "Merrowshire", 455.6, 279.8),
    village("Wychcombe", "Merrowshire", 464.9, 320.8),
    village("Bellowick", "Wexborough", 430.9, 297.7),
    village("Eddlesham", "Wexborough", 446.3, 284.9),
    village("Great Tarrow", "Tarnvale", 425.4, 281.3),
    village("Kings Tarrow", "Tarnvale", 427.9, 277.0),
    village("Oxenfold", "Tarnvale", 405.2, 283.8),
    village("Pellingstone", "Tarnvale", 408.3, 266.1),
    village("Hathersby", "Tarnvale", 424.6, 262.5),
    village("Rookhanger", "Tarnvale", 445.8, 256.4),
    village("Marrowby", "Tarnvale", 447.1, 270.9),
    village("Nether Whin", "Merrowshire", 479.2, 251.3),
)

# A town's schools of a phase take these names in turn, each town beginning with another.
SCHOOL_NAMES = {
    "Nursery": ("{} Nursery School", "{} Eastside Nursery School"),
    "Primary": (
        "{} Church Street Primary School",
        "St Oswin's Church of England Primary School, {}",
        "{} Mill Lane Primary School",
        "{} Oak Bank Primary Academy",
        "Our Lady of the Fields Catholic Primary School, {}",
        "{} Station Road Primary School",
        "{} Northgate Primary School",
        "{} Castle Hill Primary School",
        "St Ebba's Church of England Primary School, {}",
        "{} Canalside Primary School",
        "{} Meadow Way Primary Academy",
        "{} Southfields Primary School",
        "St Cuthman's Catholic Primary School, {}",
        "{} Priory Primary School",
        "{} Westover Primary School",
        "{} Ropewalk Primary Academy",
        "{} Hollins Primary School",
    ),
    "Middle deemed primary": ("{} Weir Middle School", "{} Abbey Middle School"),
    "Middle deemed secondary": ("{} Heights Middle School", "{} Valley Middle School"),
    "Secondary": (
        "{} High School",
        "{} Academy",
        "St Werstan's Catholic School, {}",
        "{} Park School",
        "{} Girls' School",
    ),
    "16 plus": ("{} Sixth Form College",),
    "All-through": ("{} Gateway Academy",),
    "Special": ("Larch House School, {}", "Rowan Lodge School, {}"),
    "Alternative provision": ("{} Bridge Centre",),
}
VILLAGE_SCHOOL_NAMES = ("{} Village School", "{} Church of England Primary School", "{} Primary School")

# Fewest and most pupils.
PUPILS = {
    "Nursery": (60, 125),
    "Primary": (170, 440),
    "Middle deemed primary": (280, 420),
    "Middle deemed secondary": (380, 560),
    "Secondary": (680, 1480),
    "16 plus": (900, 1900),
    "All-through": (1050, 1550),
    "Special": (70, 190),
    "Alternative provision": (25, 75),
}
VILLAGE_PUPILS = (42, 150)
MORE_FSM_PERCENT = {"Special": 12.0, "Alternative provision": 22.0}

OFSTED_SHARE = {
    "Outstanding": 0.18,
    "Good": 0.54,
    "Requires improvement": 0.18,
    "Special Measures": 0.03,
    "Serious Weaknesses": 0.02,
    "": 0.05,
}
TRUST_SHARE = 0.5
TRUSTS = {
    "Wexborough": ("Sallowfield Learning Trust", "Goldcrest Academies"),
    "Merrowshire": ("Quern Partnership Trust", "Goldcrest Academies"),
    "Kelverdale": ("Fieldfare Schools Trust", "Fieldfare Schools Trust"),
    "Tarnvale": ("Ploughshare Trust", "Goldcrest Academies"),
}


def invented_schools(chance: Chance) -> pd.DataFrame:
    """The schools of the area, as `read_table` gives a schools table."""
    sites = pd.DataFrame(_sites())
    angle, away = 2 * np.pi * chance.random(len(sites)), np.sqrt(-2 * np.log1p(-chance.random(len(sites))))
    few, many = sites["pupils"].str[0], sites["pupils"].str[1]
    more_fsm_percent = 16 * (chance.random(len(sites)) - 0.5) + sites["phase"].map(MORE_FSM_PERCENT).fillna(0)
    which_trust = (2 * chance.random(len(sites))).astype(int)
    trust = [TRUSTS[authority][one] for authority, one in zip(sites["local_authority"], which_trust, strict=True)]
    grade = np.searchsorted(np.cumsum(list(OFSTED_SHARE.values()))[:-1], chance.random(len(sites)), side="right")
    return sites.assign(
        urn=[str(FIRST_URN + position) for position in range(len(sites))],
        easting=(1000 * (sites["easting_km"] + sites["radius_km"] * away * np.cos(angle) / 2)).round(),
        northing=(1000 * (sites["northing_km"] + sites["radius_km"] * away * np.sin(angle) / 2)).round(),
        region=REGION,
        trust=np.where(chance.random(len(sites)) < TRUST_SHARE, trust, ""),
        postcode=_postcodes(sites),
        ofsted=np.array(list(OFSTED_SHARE))[grade],
        pupils=np.floor(few + chance.random(len(sites)) * (many - few)),
        fsm_percent=(sites["fsm_percent"] + more_fsm_percent).clip(2, 65).round(1).where(sites["phase"] != "16 plus"),
    )


def _sites() -> Iterator[dict[str, object]]:
    """What is certain of each school: its name and phase, and what is usual at its place."""
    for position, place in enumerate(PLACES):
        for phase, how_many in place.schools.items():
            names = VILLAGE_SCHOOL_NAMES if place.is_village else SCHOOL_NAMES[phase]
            for number in range(how_many):
                yield {
                    "name": names[(7 * position + number) % len(names)].format(place.name),
                    "phase": phase,
                    "local_authority": place.local_authority,
                    "easting_km": place.easting_km,
                    "northing_km": place.northing_km,
                    "radius_km": place.radius_km,
                    "fsm_percent": place.fsm_percent,
                    "pupils": VILLAGE_PUPILS if place.is_village else PUPILS[phase],
                }


def _postcodes(sites: pd.DataFrame) -> list[str]:
    """A postcode for each school, in the area QX, which does not exist; one district an authority."""
    district = 1 + pd.factorize(sites["local_authority"])[0]
    letters = "ABDEFGHJLNPQRSTUWXYZ"
    return [
        f"QX{number} {1 + position % 9}{letters[position % 20]}{letters[position // 20]}"
        for position, number in enumerate(district)
    ]
