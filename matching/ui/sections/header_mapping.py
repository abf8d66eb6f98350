"""A form that maps the unknown headers of a file to our columns; nothing is mapped without the user's answer.

An offered header that is for none of the columns is not used, and not asked about again.

The answers go with the round, as its `columns` file, and are offered again for the next one.
"""

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from matching.inputs.headers import Mappings
from matching.inputs.locations import options_of, with_options
from matching.inputs.recognise import UnknownHeader
from matching.tables.files import Source
from matching.tables.formats import table_formats
from matching.tables.vocabulary import standard_vocabulary
from matching.ui.formatting import markup

_NOT_HERE = "Not in this file"


def show_form(
    found: UnknownHeader, remembered: Mappings, sources: Mapping[str, Source], number: int
) -> dict[str, Source] | None:
    """Ask which header is which column, and return the sources with the answers.

    Parameters
    ----------
    found : UnknownHeader
    remembered : mapping
        The answers of earlier rounds.
    sources : mapping of str to Source
    number : int
        Makes the keys of this form differ from those of earlier ones.

    Returns
    -------
    dict or None
        None until the button is pressed.
    """
    answers_before = remembered.get(found.table, {})
    earlier = {column: header for header, column in answers_before.items() if column and header in found.headers}
    suggested = {column: header for column, header in found.suggested.items() if answers_before.get(header) != ""}
    proposed = {**suggested, **earlier}
    about = {column.name: column.meaning for column in table_formats(standard_vocabulary())[found.table].columns}
    with st.form(f"columns_{found.table}_{number}"):
        st.html(markup.heading(f"Which columns are these in {found.name}?"))
        filled_in = "Your last answers are filled in." if earlier else "Headers that look alike are filled in."
        st.html(markup.paragraph(f"{filled_in} Check them: nothing is used until you press the button.", quiet=True))
        answers: dict[str, str] = {}
        columns = st.columns(2, gap="medium")
        for position, column in enumerate((*found.missing, *found.others)):
            required = "needed" if column in found.missing else "optional"
            with columns[position % 2]:
                answers[column] = st.selectbox(
                    f"{column} ({required}): {about[column]}",
                    ["", *found.headers],
                    index=found.headers.index(proposed[column]) + 1 if proposed.get(column) in found.headers else 0,
                    format_func=lambda header: header or _NOT_HERE,
                    key=f"column_{found.table}_{column}_{number}",
                )
        pressed = st.form_submit_button("Use these columns", type="primary")
    if not pressed:
        return None
    chosen = {header: column for column, header in answers.items() if header}
    if len(chosen) < sum(map(bool, answers.values())):
        st.error("One header is chosen for two columns. Choose another one for one of them.")
        return None
    offered = {found.suggested[column] for column in found.others}
    chosen |= dict.fromkeys(offered - {*chosen}, "")
    options = options_of(sources)
    mapping = {**options.mappings.get(found.table, {}), **chosen}
    return with_options(sources, replace(options, mappings={**options.mappings, found.table: mapping}))
