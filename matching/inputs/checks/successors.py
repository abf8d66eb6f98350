"""Old URNs in the tables of a run, followed to the schools that took their place."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from matching.errors import counted, first_ten
from matching.inputs.official.links import Links
from matching.tables.table_reader import Table

Successors = Mapping[str, tuple[str, ...]]
"""By old URN: the known schools that took its place."""


def follow_links(tables: Mapping[str, Table], links: Links) -> tuple[dict[str, Table], Successors, list[str]]:
    """Replace every URN that the schools table lacks by that of its one successor.

    Parameters
    ----------
    tables : mapping of str to Table
        By name; without schools, or without links, nothing is replaced.

    Returns
    -------
    tables : dict of str to Table
    successors : mapping of str to tuple of str
        Of every old URN that was found; where there are several successors, the URN is left for a problem.
    notices : list of str
    """
    changed, successors, notices = dict(tables), dict[str, tuple[str, ...]](), list[str]()
    if "schools" not in tables or not links.rows:
        return changed, successors, notices
    schools = tables["schools"].frame
    known = dict(zip(schools["urn"], schools["name"], strict=True))
    for name in ("supporters", "needs", "decisions"):
        if name in tables:
            table = tables[name]
            old = [urn for urn in table.frame["school_urn"].dropna().unique() if urn and urn not in known]
            found = {urn: links.successors(urn, known) for urn in old}
            successors |= found
            frame = _with_successors(table, found, known, notices)
            if "conflicts" in frame:
                frame = _with_wider_conflicts(table.name, frame, links, known, notices)
            changed[name] = replace(table, frame=frame)
    return changed, successors, notices


def _with_successors(
    table: Table, successors: Successors, known: Mapping[str, str], notices: list[str]
) -> pd.DataFrame:
    single = {urn: after[0] for urn, after in successors.items() if len(after) == 1}
    if not single:
        return table.frame
    pairs = [f"{urn} as {new} ({known[new]})" for urn, new in sorted(single.items())]
    notices.append(
        f"{table.name}: old URNs are read as those of the schools that took their place "
        f"({counted(len(single), 'URN')}): {first_ten(pairs)}."
    )
    return table.frame.assign(school_urn=table.frame["school_urn"].replace(single))


def _with_wider_conflicts(
    name: str, frame: pd.DataFrame, links: Links, known: Mapping[str, str], notices: list[str]
) -> pd.DataFrame:
    """Return the supporters with each conflict extended to every successor of the school: it protects a person."""
    old = {urn for urns in frame["conflicts"].dropna() for urn in urns if urn not in known}
    successors = {urn: after for urn in old if (after := links.successors(urn, known))}
    if not successors:
        return frame
    wider = [
        urns and tuple(sorted({one for urn in urns for one in successors.get(urn, (urn,))}))
        for urns in frame["conflicts"]
    ]
    pairs = [f"{urn} as {' and '.join(after)}" for urn, after in sorted(successors.items())]
    notices.append(f"{name}: conflicts with old URNs also apply to their successors: {first_ten(pairs)}.")
    return frame.assign(conflicts=pd.Series(wider, index=frame.index, dtype="object"))
