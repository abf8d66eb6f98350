"""Schools that are named where their URN belongs: exact names are accepted together, the others one by one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from matching.errors import DataError, counted, shown
from matching.inputs.faulty_cells import FaultyCells
from matching.tables.files import Source
from matching.ui.formatting import markup
from matching.ui.state import cache

_MOST_NAMES = 50


@dataclass(frozen=True)
class NamedSchools:
    """The URNs for names, by the cells that hold them; `all_sure` is whether the exact ones are among them."""

    chosen: tuple[tuple[FaultyCells, str], ...] = ()
    all_sure: bool = False


def is_named(group: FaultyCells) -> bool:
    """Return whether cells hold the name of a school where its URN belongs."""
    return group.column == "school_urn" and any(map(str.isalpha, group.value))


def show_named_schools(sources: Mapping[str, Source], groups: Sequence[FaultyCells], occasion: int) -> NamedSchools:
    """Show within a form which school each name may mean, and return what is chosen."""
    if not groups:
        return NamedSchools()
    meant = [(one, _candidates(sources, one)) for one in groups]
    sure = [(one, next(iter(found))) for one, found in meant if _is_sure(one, found)]
    unsure = [(one, found) for one, found in meant if not _is_sure(one, found)]
    st.html(markup.heading(f"Schools by name: {counted(len(groups), 'name')} in the place of a URN"))
    pressed = False
    if sure:
        listed = pd.DataFrame(
            [(one.value, _where(one), *found[urn], urn) for one, found in meant for urn in found if (one, urn) in sure],
            columns=["Name in your file", "Where", "School", "Local authority", "Postcode", "URN"],
        )
        st.html(markup.table(listed, "One school has exactly this name"))
        pressed = st.form_submit_button(f"Use {'this school' if len(sure) == 1 else f'these {len(sure):,} schools'}")
    asked = [(one, _chosen_school(one, found, occasion)) for one, found in unsure[:_MOST_NAMES]]
    if len(unsure) > _MOST_NAMES:
        st.caption(
            f"The first {_MOST_NAMES} of {len(unsure):,} other names are shown. More follow once they are fixed."
        )
    chosen = [(one, urn) for one, urn in asked if urn]
    return NamedSchools((*chosen, *(sure if pressed else ())), pressed)


def _is_sure(group: FaultyCells, found: Mapping[str, tuple[str, ...]]) -> bool:
    return len(found) == 1 and all(cache.letters(name) == cache.letters(group.value) for name, *_ in found.values())


def _candidates(sources: Mapping[str, Source], group: FaultyCells) -> dict[str, tuple[str, ...]]:
    """Return every school that a name may mean: by URN, its name, local authority and postcode.

    Dozens of schools share some names, and the advice offers only one of them.
    """
    try:
        schools = cache.schools_by_name(sources)
    except DataError:
        return {}
    names = [cache.letters(group.value)]
    names += [cache.letters(schools.name_of(urn)) for one in group.problems for urn in one.offers]
    return {urn: about for name in dict.fromkeys(names) for urn, about in schools.of_name(name).items()}


def _chosen_school(group: FaultyCells, found: Mapping[str, tuple[str, ...]], occasion: int) -> str:
    """Ask which school a name means; nothing is chosen until the user does it."""
    words = {urn: ", ".join(word for word in (*about, urn) if word) for urn, about in found.items()}
    few = "Choose a school, or type its URN" if found else "Type the URN of the school"
    chosen = st.selectbox(
        f"Which school is {shown(group.value)} ({_where(group)})?",
        list(found),
        index=None,
        format_func=lambda urn: words.get(urn, urn),
        placeholder=few,
        accept_new_options=True,
        key=f"school_{group.place.table}_{group.rows[0]}_{occasion}",
    )
    typed = (chosen or "").strip()
    if typed and typed not in found and not re.fullmatch("[0-9]{6}", typed):
        # Taken as it is, it would put another name in the place of the first.
        st.html(markup.fault(f"{shown(typed)} is neither a URN of six digits nor a school that is offered here."))
        return ""
    return typed


def _where(group: FaultyCells) -> str:
    rows = ", ".join(map(str, group.rows[:6])) + (", …" if len(group.rows) > 6 else "")
    return f"{group.place.table}, row{'s' if len(group.rows) > 1 else ''} {rows}"
