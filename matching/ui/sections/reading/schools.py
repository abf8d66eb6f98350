"""Schools that are named where their URN belongs: exact names are accepted together, the others each by itself."""

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
    meant = [(one, *_meant(sources, one, groups)) for one in groups]
    sure = [(one, urn) for one, _, urn, _ in meant if urn]
    unsure = [(one, found, likely) for one, found, urn, likely in meant if not urn]
    st.html(markup.heading(f"Schools by name: {counted(len(groups), 'name')} in the place of a URN"))
    pressed = False
    if sure:
        listed = pd.DataFrame(
            [(one.value, _where(one), *found[urn], urn) for one, found, urn, _ in meant if urn],
            columns=["Name in your file", "Where", "School", "Local authority", "Postcode", "URN"],
        )
        st.html(markup.table(listed, "Only one school has this name"))
        pressed = st.form_submit_button(f"Use {'this school' if len(sure) == 1 else f'these {len(sure):,} schools'}")
    if any(likely for _, _, likely in unsure):
        words = (
            "Where one school of the area has nearly this name, it is filled in. Check its place, or choose another."
        )
        st.html(markup.paragraph(words))
    asked = [(one, _chosen_school(one, found, likely, occasion)) for one, found, likely in unsure[:_MOST_NAMES]]
    if len(unsure) > _MOST_NAMES:
        st.caption(
            f"The first {_MOST_NAMES} of {len(unsure):,} other names are shown. More follow once they are fixed."
        )
    chosen = [(one, urn) for one, urn in asked if urn]
    return NamedSchools((*chosen, *(sure if pressed else ())), pressed)


def _meant(
    sources: Mapping[str, Source], group: FaultyCells, groups: Sequence[FaultyCells]
) -> tuple[dict[str, tuple[str, ...]], str, str]:
    """Return the schools that a name may mean, with name, authority and postcode by URN; the sure URN; the likely."""
    try:
        named = cache.named_schools(sources, (one.value for one in groups))[group.value]
    except DataError:
        return {}, "", ""
    found: dict[str, tuple[str, ...]] = {
        one.urn: (one.name, one.authority, one.place) for one in (named.proposed, *named.candidates) if one is not None
    }
    sure = named.proposed.urn if named.proposed and not named.question else ""
    return found, sure, named.likely.urn if named.likely else ""


def _chosen_school(group: FaultyCells, found: Mapping[str, tuple[str, ...]], likely: str, occasion: int) -> str:
    """Ask which school a name means; the likely one is filled in."""
    words = {urn: ", ".join(word for word in (*about, urn) if word) for urn, about in found.items()}
    few = "Choose a school, or type its URN" if found else "Type the URN of the school"
    chosen = st.selectbox(
        f"Which school is {shown(group.value)} ({_where(group)})?",
        list(found),
        index=[*found].index(likely) if likely else None,
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
