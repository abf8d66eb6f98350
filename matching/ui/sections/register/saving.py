"""A change of the register before it is saved: its problems, what it touches by name, and what becomes of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from matching.errors import counted
from matching.inputs.inputs import Inputs
from matching.inputs.read import with_policy
from matching.rounds.edits import NO_FAULTS, Faults, try_out
from matching.rounds.history.events import Event
from matching.rounds.touches import LEAVES, Touched, barred_about, ended, kept, touches
from matching.ui.formatting import markup
from matching.ui.sections.confirmation import record_and_confirm
from matching.ui.sections.register.fields import Fields
from matching.ui.sections.register.opened import OpenedRegister
from matching.ui.state import cache, person
from matching.ui.widgets.layout import error_summary

_MOST_LISTED, _MOST_BARS = 20, 5
_PRESSED = "pressed"


@dataclass(frozen=True)
class Draft:
    """A change that is typed and not saved.

    Attributes
    ----------
    opened : OpenedRegister
    key : str
        Begins the keys of the controls.
    fields : Fields
        Those of the form, which show their problems.
    event : Event or None
        The change; None while nothing differs.
    done : str
        The sentence that confirms it.
    button : str
    faults : Faults
        Known already, because what was typed makes no event.
    """

    opened: OpenedRegister
    key: str
    fields: Fields
    event: Event | None
    done: str
    button: str
    faults: Faults = NO_FAULTS


def offer_to_save(draft: Draft) -> None:
    """Show what a change touches, and a button that saves it; a change with a problem is shown with it instead."""
    faults, after = draft.faults, None
    if draft.event is not None and not faults:
        faults, after = try_out(draft.opened.round_.sources, draft.event, cache.tried_inputs)
    also = _show_touched(draft, draft.event, after) if draft.event is not None and after is not None else []
    pressed = st.button(draft.button, type="primary", key=f"{draft.key}_save")
    if not pressed:
        draft.fields.show_faults(faults, only_filled=True)
        return
    if draft.event is not None and not faults:
        record_and_confirm(draft.opened.round_, [draft.event, *also], draft.done, *outcome(draft.opened, also))
        return
    st.session_state[_PRESSED] = st.session_state.get(_PRESSED, 0) + 1
    lines = draft.fields.show_faults(faults)
    error_summary(
        "This cannot be saved yet" if faults else "Nothing has changed",
        lines or ["Change at least one field first."],
        occasion=st.session_state[_PRESSED],
    )


# ---- what it touches -----------------------------------------------------------------------------------------------


def _show_touched(draft: Draft, event: Event, after: Inputs) -> list[Event]:
    return show_touched(draft.opened, event, touched_by(draft.opened, event, after), draft.key)


def show_touched(opened: OpenedRegister, event: Event, found: Sequence[Touched], key: str) -> list[Event]:
    """Show what a change touches; return the events that keep or end each deployment, as ticked."""
    held = [one for one in found if one.is_held]
    with st.container(border=True, key="touches"):
        st.html(markup.heading("What this touches"))
        if not found:
            st.html(markup.paragraph("No deployment.", *_supported_all_the_same(opened, event)))
        events = []
        if held:
            staying = "Agreed deployments stay until you end them. Tick those that end now."
            st.html(markup.paragraph(f"{counted(len(held), 'deployment is', 'deployments are')} agreed. {staying}"))
            for one in held:
                events += _keep_or_end(opened, one, event.why, key)
        _list_proposed(opened, [one for one in found if not one.is_held])
        _list_bars(opened, event)
    return events


def touched_by(opened: OpenedRegister, event: Event, after: Inputs) -> tuple[Touched, ...]:
    """Return the deployments that a change of the register touches; `after` are its tables with the change."""
    policy = opened.round_.sources.get("policy")
    return touches(opened.inputs, with_policy(after, policy), opened.state, opened.supporter_of, event)


def _supported_all_the_same(opened: OpenedRegister, event: Event) -> list[str]:
    """Return a sentence on the deployments of the same people and needs that stay as they are."""
    keys = {one.key[0] for one in event.changes}
    staying = sum(need_id in keys or who in keys for need_id, who in opened.supporter_of.items())
    return [f"{counted(staying, 'deployment stays as it is', 'deployments stay as they are')}."] if staying else []


def _keep_or_end(opened: OpenedRegister, one: Touched, why: str, key: str) -> list[Event]:
    with st.container(gap="xsmall"):
        st.html(
            markup.paragraph(
                f"{opened.need(one.need_id)}, {one.status} with {opened.person(one.supporter_id)}: {_because(one)}."
            )
        )
        ends = st.checkbox(
            f"End this deployment: {markup.label(opened.need(one.need_id))}",
            key=f"{key}_end_{one.need_id}_{one.supporter_id}",
        )
    if ends:
        return [ended(one, by=person.who(), why=why)]
    pin = kept(one, by=person.who(), why=why)
    return [pin] if pin else []


def _because(one: Touched) -> str:
    words = [each.words for each in one.broken]
    words = [f"the supporter {' and '.join(words)}"] if words else []
    if one.because == LEAVES:
        words.append("the supporter leaves")
    elif one.because:
        words.append(f"the need is {one.because}")
    return "; ".join(words)


def _list_proposed(opened: OpenedRegister, found: Sequence[Touched]) -> None:
    if not found:
        return
    count = counted(len(found), "deployment is", "deployments are")
    is_closed = all(one.because not in ("", LEAVES) for one in found)
    follows = "Nothing is assigned there any more." if is_closed else "The next plan may propose another supporter."
    st.html(markup.paragraph(f"{count} not agreed yet. {follows}"))
    lines = [f"{opened.need(one.need_id)} with {opened.person(one.supporter_id)}: {_because(one)}" for one in found]
    more = [f"and {len(lines) - _MOST_LISTED:,} more"] if len(lines) > _MOST_LISTED else []
    st.html(markup.bullets([*lines[:_MOST_LISTED], *more]))


def _list_bars(opened: OpenedRegister, event: Event) -> None:
    bars = barred_about(opened.state, event)
    if not bars:
        return
    words = {"forbid": "must not support", "declined": "declined"}
    lines = [f"{opened.person(one.supporter_id)} {words[one.kind]} {opened.need(one.need_id)}" for one in bars]
    more = [f"and {len(lines) - _MOST_BARS:,} more"] if len(lines) > _MOST_BARS else []
    st.html(markup.paragraph("These decisions stay recorded:"))
    st.html(markup.bullets([*lines[:_MOST_BARS], *more]))


def outcome(opened: OpenedRegister, also: Sequence[Event]) -> list[str]:
    """Return a sentence on each deployment that was kept or ended."""
    verb = {"pin": "Kept", "status": "Ended"}
    return [f"{verb[one.kind]}: {opened.person(one.supporter_id)} at {opened.need(one.need_id)}." for one in also]
