"""Questions about sound rows that may be a slip: the same person or need twice, and people who offer no days."""

from collections.abc import Iterator, Mapping

import pandas as pd

from matching.errors import counted, listed
from matching.inputs.checks.places import far_schools
from matching.inputs.groups import group_keys, several_spellings
from matching.tables.formats import NEED_STATES
from matching.tables.table_reader import Table
from matching.tables.vocabulary import comparable_letters

_MOST_LISTED = 10
_TITLES = frozenset({"mr", "mrs", "ms", "miss", "dr"})


def questions(tables: Mapping[str, Table]) -> list[str]:
    """Return the notices of rows that may be meant otherwise, in the tables that are there."""
    found: list[str] = []
    schools, supporters, needs = (tables.get(name) for name in ("schools", "supporters", "needs"))
    if schools is not None:
        found += [*groups_alike(schools), *far_schools(schools)]
    if supporters is not None:
        found += people_alike(supporters)
    if needs is not None:
        found += needs_alike(needs)
    if supporters is not None and needs is not None:
        found += people_without_days(supporters, needs)
    return found


def people_alike(supporters: Table) -> Iterator[str]:
    """Yield the notices of supporters of one home school with one name, who may be one person."""
    frame = supporters.frame[["supporter_id", "name", "designation", "school_urn"]].dropna()
    frame = frame[frame.duplicated("school_urn", keep=False)]
    spelt = {name: _name_key(name) for name in frame["name"].unique()}
    alike = _alike(frame.assign(key=frame["name"].map(spelt)), ["school_urn", "key"])
    designations = alike.groupby(["school_urn", "key"])["designation"].transform("nunique")
    for together, question in (
        (
            alike[designations == 1],
            "If they are one person, keep one of the rows; otherwise that person's places and days count twice.",
        ),
        (
            alike[designations > 1],
            "If they are one person with two designations, divide their places and days between the rows; otherwise "
            "they count twice.",
        ),
    ):
        if len(together):
            rows = _listed(together, ["school_urn", "key"], "supporter_id", "name", "designation", "school_urn")
            yield f"{supporters.name}: supporters with the same name and home school: {rows}. {question}"


def needs_alike(needs: Table) -> Iterator[str]:
    """Yield the notice of open needs of one school with one focus, which may be one request."""
    columns = ["need_id", "school_urn", "focus"]
    frame = needs.frame.loc[needs.frame["state"] == NEED_STATES[0], columns].dropna()
    alike = _alike(frame, ["school_urn", "focus"])
    if len(alike):
        rows = _listed(alike, ["school_urn", "focus"], "need_id", "school_urn", "focus")
        question = "If they are one request, keep one of the rows; otherwise several people may be sent."
        yield f"{needs.name}: needs of the same school and focus: {rows}. {question}"


def people_without_days(supporters: Table, needs: Table) -> Iterator[str]:
    """Yield the notice of supporters who offer 0 days and may still be given needs that state no days."""
    people = supporters.frame
    idle = people[(people["days_available"] == 0) & (people["max_deployments"] != 0)]
    undated = int(((needs.frame["days"] == 0) & (needs.frame["state"] == NEED_STATES[0])).sum())
    if len(idle) and undated:
        who = listed(sorted(idle["supporter_id"].dropna()), _MOST_LISTED)
        verb = "offers" if len(idle) == 1 else "offer"
        yield (
            f"{supporters.name}: {who} {verb} 0 days, and can still be given "
            f"{counted(undated, 'need that states', 'needs that state')} no days. Where they are to be given none, "
            "enter 0 under max_deployments."
        )


def groups_alike(schools: Table) -> Iterator[str]:
    """Yield the notices of trusts and federations that are spelt in more than one way."""
    frame = schools.frame
    for column in ("trust", "federation"):
        names = frame.loc[frame[column].fillna("") != "", column]
        if column == "trust":
            # Between schools with a code of their trust, the code decides; a name counts where one has none.
            has_none = frame.loc[names.index, "trust_code"] == ""
            names = names[has_none.groupby(group_keys(names)).transform("any")]
        yield from several_spellings(schools.name, column, names)


def _alike(frame: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    # By the identifier, which comes first, so that the order of rows changes no notice.
    return frame[frame.duplicated(key, keep=False)].sort_values(frame.columns[0])


def _listed(alike: pd.DataFrame, key: list[str], identifier: str, *about: str) -> str:
    groups = []
    for _, rows in alike.groupby(key, sort=False):
        ids = " and ".join(rows[identifier])
        groups.append(f"{ids}: {', '.join(dict.fromkeys(str(cell) for cell in rows[list(about)].values.ravel()))}")
    return listed(groups, _MOST_LISTED, "; ")


def _name_key(name: str) -> str:
    words = comparable_letters(name.replace("'", "").replace("’", "")).split()
    return " ".join(words[1:] if words[:1] and words[0] in _TITLES and len(words) > 1 else words)
