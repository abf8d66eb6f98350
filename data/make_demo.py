"""Make the fictional demo area: `python data/make_demo.py` writes data/demo, byte for byte the same each time.

Its places, schools, trusts and people do not exist. Most of the round is drawn by `matching.inputs.simulation`. Cases
written by hand are added, so that every reason for an unmet need, every kind of decision and every verdict on evidence
occurs.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from matching.inputs.simulation.simulate import simulate
from matching.inputs.simulation.supporters import AS_AT, made_up_names
from matching.tables.vocabulary import standard_vocabulary

DATA = Path(__file__).resolve().parent
FOLDER, TEMPLATES = DATA / "demo", DATA / "templates"
SCHOOLS_SEED, ROUND_SEED = 24, 253
CONTACTS_SEED = 7
WITHOUT_ADDRESS = "Hilary Stanmore"  # what is said where an address is missing
_NOT_DRAWN = {"available_from", "available_until", "unavailable", "requested_on", "start_by", "state"}
REGION = "Fictional Midlands"
FIRST_URN = 900_001  # far above the URNs of real schools

Chance = np.random.Generator


@dataclass(frozen=True)
class Place:
    """A town or village with its schools; its centre is in kilometres on the British National Grid.

    Attributes
    ----------
    radius_km : float
        Mean distance of its schools from the centre.
    fsm_percent : float
        Typical share of pupils with free school meals.
    schools : mapping of str to int
        Number of schools by phase.
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
        """Whether it has a single school."""
        return sum(self.schools.values()) == 1


def village(name: str, local_authority: str, easting_km: float, northing_km: float) -> Place:
    """Return a place with one primary school."""
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
    Place("Wexborough", "Wexborough", 438, 291, 6.0, 33, CITY_SCHOOLS),
    Place(
        *("Quenbridge", "Merrowshire", 458, 307, 4.4, 21),
        {"Nursery": 1, "Primary": 9, "Secondary": 3, "16 plus": 1, "Special": 1},
    ),
    Place(
        *("Marlchester", "Kelverdale", 421, 308, 4.4, 27),
        {"Nursery": 1, "Primary": 9, "Secondary": 3, "Special": 1, "Alternative provision": 1},
    ),
    Place(
        *("Haddlestoke", "Merrowshire", 463, 292, 3.6, 18),
        {"Primary": 6, "Secondary": 2, "16 plus": 1, "Special": 1},
    ),
    Place(
        *("Thessingham", "Tarnvale", 415, 274, 3.8, 24),
        {"Nursery": 1, "Primary": 6, "Secondary": 2, "All-through": 1, "Alternative provision": 1},
    ),
    Place("Orlebury", "Tarnvale", 437, 264, 3.4, 16, {"Primary": 5, "Secondary": 2, "Special": 1}),
    Place("Stannerley", "Kelverdale", 441, 321, 3.4, 22, MIDDLE_SCHOOLS),
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
    village("Nether Whin", "Merrowshire", 479.6, 250.7),
)

# A town's schools of a phase take these names in turn; each town starts at a different name.
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

# Fewest and most pupils of a school.
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
    """Return the schools of the area, with the columns and types that `read_table` returns."""
    sites = pd.DataFrame(_sites())
    angle = 2 * np.pi * chance.random(len(sites))
    # Scattered normally in both directions, scaled so that the mean distance is the radius.
    away_km = sites["radius_km"] * np.sqrt(-4 / np.pi * np.log1p(-chance.random(len(sites))))
    few, many = sites["pupils"].str[0], sites["pupils"].str[1]
    more_fsm_percent = 16 * (chance.random(len(sites)) - 0.5) + sites["phase"].map(MORE_FSM_PERCENT).fillna(0)
    which_trust = (2 * chance.random(len(sites))).astype(int)
    trust = [TRUSTS[authority][one] for authority, one in zip(sites["local_authority"], which_trust, strict=True)]
    grade = np.searchsorted(np.cumsum(list(OFSTED_SHARE.values()))[:-1], chance.random(len(sites)), side="right")
    return sites.assign(
        urn=[str(FIRST_URN + position) for position in range(len(sites))],
        easting=(1000 * (sites["easting_km"] + away_km * np.cos(angle))).round(),
        northing=(1000 * (sites["northing_km"] + away_km * np.sin(angle))).round(),
        region=REGION,
        trust=np.where(chance.random(len(sites)) < TRUST_SHARE, trust, ""),
        postcode=_postcodes(sites),
        ofsted=np.array(list(OFSTED_SHARE))[grade],
        pupils=np.floor(few + chance.random(len(sites)) * (many - few)),
        fsm_percent=(sites["fsm_percent"] + more_fsm_percent).clip(2, 65).round(1).where(sites["phase"] != "16 plus"),
    )


def _sites() -> Iterator[dict[str, object]]:
    """Yield what is not left to chance: each school's name and phase, and the typical values of its place."""
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
    """Return a postcode for each school, in the unused area QX, with one district for each local authority."""
    district = 1 + pd.factorize(sites["local_authority"])[0]
    letters = "ABDEFGHJLNPQRSTUWXYZ"
    return [
        f"QX{number} {1 + position % 9}{letters[position % 20]}{letters[position // 20]}"
        for position, number in enumerate(district)
    ]


# ---- the round ----------------------------------------------------------------------------------------------------

BODY_PEOPLE = {"NLE": 4, "LLE": 7, "SLE": 26}
BODY_NEEDS = 74

# Only the people below hold these specialisms and only the needs below ask for them, so that the drawn people and needs
# cannot change any of the cases.
RESERVED = (
    "art",
    "attendance",
    "design and technology",
    "drama",
    "geography",
    "history",
    "modern foreign languages",
    "music",
    "PSHE",
    "religious education",
)

# In these tables schools and supporters are given by name, and needs as 'school: focus'.
OWN_PEOPLE = """
name                 | designation | school_urn                             | phases            | max_deployments
Maeve Quillan        | SLE         | Haddlestoke Academy                    | Secondary         | 2
Tobias Renshaw       | SLE         | Thessingham Southfields Primary School | Primary           | 2
Ngozi Ezekwe         | SLE         | Wexborough Mill Lane Primary School    | Primary           | 1
Gurdeep Bhogal       | SLE         | Marlchester High School                | Secondary         | 3
Amélie Rousseau-Hart | SLE         | Quenbridge Park School                 | Secondary;16 plus | 2
Desmond Okoro        | LLE         | Orlebury High School                   | Secondary         | 1
Hilary Stanmore      | LLE         | Marrowby Village School                | Primary           | 2
Catrin Llewellyn     | NLE         | Quenbridge Priory Primary School       | Nursery;Primary   | 2
"""
OWN_OFFERS = """
name                 | specialisms                      | days_available | max_distance_km | conflicts
Maeve Quillan        | geography;history                | 14             |                 |
Tobias Renshaw       | music;religious education        | 5              |                 |
Ngozi Ezekwe         | PSHE;art                         | 12             |                 |
Gurdeep Bhogal       | attendance;design and technology | 10             |                 | Marlchester Girls' School
Amélie Rousseau-Hart | modern foreign languages         | 15             |                 |
Desmond Okoro        |                                  | 20             |                 |
Hilary Stanmore      |                                  | 18             |                 |
Catrin Llewellyn     |                                  | 25             | 50              |
"""

# Stated evidence other than a plain yes: one criterion without evidence, one that was not met, and three that the home
# school's Ofsted grade contradicts.
OWN_ANSWERS = """
supporter_id         | criterion | met | evidence
Amélie Rousseau-Hart | SLE-2     |     |
Amélie Rousseau-Hart | SLE-7     | no  | Asked to come back with an example from another school
Desmond Okoro        | LLE-2     | yes | Inspection report of the earlier school
Desmond Okoro        | LLE-8     | yes | Inspection report of the earlier school
Hilary Stanmore      | LLE-8     | no  | Inspection report before the last one
"""
LAST_CHECKED = {"Hilary Stanmore": "2024-05-21", "Desmond Okoro": "2025-11-12"}
USUALLY_CHECKED = "2026-03-18"

OWN_NEEDS = """
school_urn                                       | focus                    | days | priority | notes
Nether Whin Church of England Primary School     | maths                    | 3    | normal   | Far from other schools
Wexborough Park School                           | drama                    | 4    | normal   | Head of drama on leave
Quenbridge Girls' School                         | modern foreign languages | 5    | normal   |
Haddlestoke Station Road Primary School          | history                  | 3    | normal   |
St Werstan's Catholic School, Quenbridge         | geography                | 5    | high     | Two vacancies
Long Hassock Primary School                      | music                    | 4    | normal   |
Great Tarrow Village School                      | music                    | 4    | normal   | Choir for three villages
Kings Tarrow Church of England Primary School    | religious education      | 8    | normal   | A day a week for a term
Wexborough Canalside Primary School              | PSHE                     | 5    | high     |
Eddlesham Primary School                         | art                      | 4    | normal   |
Marlchester Academy                              | design and technology    | 6    | high     | Began in the summer term
St Werstan's Catholic School, Stannerley         | attendance               | 6    | normal   |
Marlchester Girls' School                        | attendance               | 3    | normal   |
St Cuthman's Catholic Primary School, Quenbridge | headship                 | 8    | high     | New head from September
Kings Tarrow Church of England Primary School    | headship                 | 6    | normal   |
Thessingham Ropewalk Primary Academy             | whole-school improvement | 10   | critical | Weekly, if possible
"""
ALSO_ACCEPTED = {"Thessingham Ropewalk Primary Academy: whole-school improvement": "LLE;NLE"}

OWN_DECISIONS = """
kind     | supporter_id     | need_id                                                        | reason
pin      | Gurdeep Bhogal   | Marlchester Academy: design and technology                     | Began in the summer term
declined | Maeve Quillan    | St Werstan's Catholic School, Quenbridge: geography            | Applied for a post there
declined | Catrin Llewellyn | Thessingham Ropewalk Primary Academy: whole-school improvement | Too far to come weekly
"""
OWN_DECISIONS_ON_SCHOOLS = """
kind     | supporter_id     | school_urn                                       | reason
forbid   | Catrin Llewellyn | St Cuthman's Catholic Primary School, Quenbridge | Governor there until last year
forbid   | Hilary Stanmore  | Kings Tarrow Church of England Primary School    | Led the school until 2022
"""

RELATED_SPECIALISMS = """\
# In the demo area, what each of these can do without a specialist of its own:
"early years" = ["phonics"]
"leadership of curriculum" = ["assessment"]
phonics = ["English", "early years"]
science = ["maths"]
"support for the most able" = ["closing the gap"]
"""


def demo_files() -> dict[str, bytes]:
    """Return every file of the demo area by name."""
    files = {
        f"{name}.csv": frame.to_csv(index=False, lineterminator="\n").encode() for name, frame in demo_frames().items()
    }
    template = (TEMPLATES / "policy.toml").read_text(encoding="utf-8")
    heading = "[related_specialisms]\n"
    return files | {"policy.toml": template.replace(heading, heading + RELATED_SPECIALISMS).encode()}


def demo_frames() -> dict[str, pd.DataFrame]:
    """Return the five tables: the drawn round and the cases by hand, combined and numbered."""
    schools = invented_schools(np.random.default_rng(SCHOOLS_SEED))
    # A first look at the tables is easier without the optional columns that nothing is drawn for.
    drawn = {
        name: frame.loc[:, [column not in _NOT_DRAWN for column in frame]]
        for name, frame in simulate(schools, 120, 1200, ROUND_SEED).items()
    }
    own_people, own_needs = _own_people(schools), _own_needs(schools)
    people = pd.concat([_body_people(drawn["supporters"], own_people), own_people])
    needs = pd.concat([_body_needs(drawn["needs"], own_needs, people, schools), own_needs])
    evidence = pd.concat([drawn["accreditation"], _own_evidence(own_people)])
    return _numbered(
        {
            "schools": drawn["schools"],
            "supporters": people,
            "needs": needs,
            "accreditation": evidence[evidence["supporter_id"].isin(people["supporter_id"])],
            "decisions": _own_decisions(schools),
        }
    )


def _own_people(schools: pd.DataFrame) -> pd.DataFrame:
    people = _with_urns(_cells(OWN_PEOPLE).merge(_cells(OWN_OFFERS), on="name"), schools)
    authority = people["school_urn"].map(schools.set_index("urn")["local_authority"])
    alliance = (authority + " alliance").where(people["designation"] == "SLE", "")
    return people.assign(supporter_id=people["name"], alliance=alliance)


def _own_needs(schools: pd.DataFrame) -> pd.DataFrame:
    needs = _cells(OWN_NEEDS)
    need_id = needs["school_urn"] + ": " + needs["focus"]
    return _with_urns(needs, schools).assign(need_id=need_id, designations=need_id.map(ALSO_ACCEPTED).fillna(""))


def _own_decisions(schools: pd.DataFrame) -> pd.DataFrame:
    decisions = pd.concat([_cells(OWN_DECISIONS), _with_urns(_cells(OWN_DECISIONS_ON_SCHOOLS), schools)]).fillna("")
    columns = ["kind", "supporter_id", "need_id", "school_urn", "reason", "by", "on"]
    return decisions.assign(by="area coordinator", on=str(AS_AT))[columns]


def _own_evidence(people: pd.DataFrame) -> pd.DataFrame:
    """Return a yes to every criterion, except where the tables above differ."""
    criteria = pd.DataFrame(
        [(one.designation, one.code) for one in standard_vocabulary().criteria.values()],
        columns=["designation", "criterion"],
    )
    key = ["supporter_id", "criterion"]
    rows = people[["supporter_id", "designation"]].merge(criteria, on="designation").set_index(key)[[]]
    rows = rows.assign(met="yes", evidence="Application, references and interview")
    rows.update(_cells(OWN_ANSWERS).set_index(key))
    rows = rows.reset_index()
    checked_on = rows["supporter_id"].map(LAST_CHECKED).fillna(USUALLY_CHECKED)
    return rows.assign(checked_on=checked_on.where(rows["met"] != "", ""))


def _body_people(drawn: pd.DataFrame, own: pd.DataFrame) -> pd.DataFrame:
    """Return the first of each designation without a reserved specialism, from schools without a person by hand."""
    reserved = drawn["specialisms"].str.split(";").map(lambda held: not set(RESERVED).isdisjoint(held))
    free = drawn[~reserved & ~drawn["school_urn"].isin(own["school_urn"])]
    return pd.concat([free[free["designation"] == code].head(number) for code, number in BODY_PEOPLE.items()])


def _body_needs(drawn: pd.DataFrame, own: pd.DataFrame, people: pd.DataFrame, schools: pd.DataFrame) -> pd.DataFrame:
    """Return the first needs of other schools, at most as many of a focus and phase as there are people for it."""
    free = drawn[~drawn["focus"].isin(RESERVED) & ~drawn["school_urn"].isin(own["school_urn"])]
    kinds = free[["focus"]].assign(phase=free["school_urn"].map(schools.set_index("urn")["phase"]))
    earlier = kinds.groupby(["focus", "phase"]).cumcount().to_numpy()
    people_for = _people_by_focus_and_phase(people).reindex(pd.MultiIndex.from_frame(kinds), fill_value=0).to_numpy()
    return free[earlier < people_for].head(BODY_NEEDS)


def _people_by_focus_and_phase(people: pd.DataFrame) -> pd.Series:
    whole_school = {
        code: [
            focus.name
            for focus in standard_vocabulary().focuses.values()
            if code in focus.accepted_designations and not focus.is_specialism
        ]
        for code in BODY_PEOPLE
    }
    focuses = [
        held.split(";") if held else whole_school[designation]
        for held, designation in zip(people["specialisms"], people["designation"], strict=True)
    ]
    each = people.assign(focus=focuses, phase=people["phases"].str.split(";")).explode("focus").explode("phase")
    return each.value_counts(["focus", "phase"])


def _numbered(frames: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the tables with identifiers: supporters numbered by name, needs by school."""
    supporters = frames["supporters"].sort_values("name")
    needs = frames["needs"].sort_values(["school_urn", "focus"])
    ids = {
        "supporter_id": {old: f"S{number:03}" for number, old in enumerate(supporters["supporter_id"], start=1)},
        "need_id": {old: f"N{number:03}" for number, old in enumerate(needs["need_id"], start=1)},
    }
    ordered = {**frames, "supporters": supporters, "needs": needs}
    numbered = {
        name: frame.assign(**{key: frame[key].map({"": ""} | new) for key, new in ids.items() if key in frame})
        for name, frame in ordered.items()
    }
    evidence = numbered["accreditation"].sort_values("supporter_id", kind="stable")
    return {**numbered, **_with_contacts(numbered), "accreditation": evidence}


def _with_contacts(frames: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return people and schools with contacts that reach nobody: names under .example, and numbers kept for drama."""
    people, schools = frames["supporters"], frames["schools"]
    domain = schools["name"].map(lambda one: f"{_slug(one, '-')}.example")
    home = people["school_urn"].map(dict(zip(schools["urn"], domain, strict=True)))
    address = people["name"].map(lambda one: _slug(one, ".")) + "@" + home
    phones = [f"01632 960{number:03}" for number in range(len(schools))]
    return {
        "supporters": people.assign(
            email=address.where(people["name"] != WITHOUT_ADDRESS, ""),
            phone=[f"01632 960{999 - number:03}" for number in range(len(people))],
        ),
        "schools": schools.assign(
            contact_name=made_up_names(len(schools), np.random.default_rng(CONTACTS_SEED)),
            contact_email=[f"office@{one}" for one in domain],
            contact_phone=phones,
        ),
    }


def _slug(name: str, between: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return between.join(re.findall("[a-z]+", plain.replace("'", "")))


def _cells(text: str) -> pd.DataFrame:
    """Parse a table written with '|' between its cells."""
    header, *rows = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    return pd.DataFrame(rows, columns=header)


def _with_urns(rows: pd.DataFrame, schools: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with each school's URN in place of its name."""
    urn_of = {"": ""} | dict(zip(schools["name"], schools["urn"], strict=True))
    return rows.assign(**{key: rows[key].map(urn_of) for key in ("school_urn", "conflicts") if key in rows})


def main() -> None:
    """Write the demo area."""
    FOLDER.mkdir(exist_ok=True)
    for name, content in demo_files().items():
        (FOLDER / name).write_bytes(content)


if __name__ == "__main__":
    main()
