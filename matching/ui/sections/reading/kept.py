"""Uploads that were left before a round had them: a way to go on with each, and to throw it away."""

import streamlit as st

from matching.errors import joined
from matching.rounds.storage.uploads import Upload
from matching.ui.formatting import markup
from matching.ui.formatting.words import moment
from matching.ui.state import attempts
from matching.ui.state.params import screen_params
from matching.ui.steps import CHECK, NEWER
from matching.ui.widgets.layout import go_to

_MOST_FILES = 5


def offer_kept_uploads(round_id: str | None = None) -> None:
    """Offer to go on with the uploads that wait; with an identifier, with those for that round alone."""
    waiting = [one for one in attempts.kept_uploads() if round_id in (None, one.round_id)]
    if not waiting:
        return
    st.header("Go on with an upload", anchor=False)
    days = screen_params().uploads_kept_days
    st.html(
        markup.paragraph(
            "These files are not in a round yet. They are kept, with the cells that you fixed, until you go on with "
            f"them or throw them away, and for {days} days at most.",
            quiet=True,
        )
    )
    for one in waiting:
        _offer(one)


def _offer(upload: Upload) -> None:
    names = [*upload.file_names[:_MOST_FILES], *(["more"] if len(upload.file_names) > _MOST_FILES else [])]
    by = f" by {upload.by}" if upload.by else ""
    with st.container(horizontal=True, vertical_alignment="center", key=f"upload_{upload.upload_id}"):
        when = f", last changed on {moment(upload.saved_at)}" if upload.saved_at else ""
        about = f"{upload.name}: {joined(names)}{when}{by}"
        st.html(markup.paragraph(about), width="stretch")
        go_on = st.button("Go on", type="primary", key=f"go_on_{upload.upload_id}")
        st.button("Throw away", on_click=attempts.throw_away, args=(upload.upload_id,), key=f"drop_{upload.upload_id}")
    if go_on:
        attempts.take_up(upload.upload_id)
        go_to(NEWER if attempts.proposal() and not attempts.attempt() else CHECK)
