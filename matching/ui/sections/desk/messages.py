"""Write to people: one message for each, in words that can be changed, to copy, to open or to download."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from matching.errors import Problem, counted
from matching.plan.phrases import day_in_words, sentence_case
from matching.rounds.desk.messages import Message, compose, sent_events
from matching.rounds.desk.outgoing import LONGEST_LINK, addressed, eml_zip, mail_merge_csv, mailto
from matching.rounds.desk.templates import (
    DEFAULTS,
    FIELDS,
    KINDS,
    LONGEST_SUBJECT,
    LONGEST_TEXT,
    TemplateError,
    Words,
    blank_in_words,
    check_words,
    fields_in,
    words_of,
)
from matching.rounds.history.events import Pair, new_event
from matching.tables.cell_values import CellError, day
from matching.ui.formatting import markup
from matching.ui.sections.confirmation import entries, record_and_confirm
from matching.ui.sections.desk.statuses import typed_day
from matching.ui.sections.register.opened import OpenedRegister
from matching.ui.state import person
from matching.ui.widgets.layout import show_where_it_is

WRITING, KEPT = "writing", "today_kept"
"""The keys of whether people are written to, and whether the same lines stay ticked after what is recorded next."""
_MOST_NAMED = 5
_LONGEST_NOTE = 1_000


@dataclass(frozen=True)
class _Letter:
    """The messages of one kind that are written now.

    Attributes
    ----------
    opened : OpenedRegister
    kind : str
        Of `KINDS`.
    saved, words : Words
        Those of the round, and those in the form now.
    fault : TemplateError or None
        Why the words cannot be used.
    messages : tuple of Message
    """

    opened: OpenedRegister
    kind: str
    saved: Words
    words: Words
    fault: TemplateError | None
    messages: tuple[Message, ...] = field(default=(), repr=False)


def show_messages(opened: OpenedRegister, ticked: Sequence[Pair], led: Mapping[str, Sequence[Pair]]) -> None:
    """Show the messages to people about the ticked deployments.

    Parameters
    ----------
    ticked : sequence of Pair
    led : mapping of str to sequence of Pair
        The same, by the kind of message that each is due for.
    """
    digest = hash(tuple(ticked))
    with st.container(border=True, key=WRITING):
        _show_heading()
        first = max(led, key=lambda one: len(led[one]))
        kind_slot, *slots = st.columns([4, 3, 5], gap="medium")
        kind: str = kind_slot.selectbox(
            "Message",
            list(KINDS),
            list(KINDS).index(first),
            format_func=KINDS.__getitem__,
            key=f"message_kind_{digest}",
        )
        pairs = led.get(kind) or ticked
        if len(pairs) < len(ticked):
            st.caption(f"About the {len(pairs):,} of {len(ticked):,} ticked deployments for which this message is due.")
        saved = words_of(opened.state.events)[kind]
        words = Words(*(st.session_state.get(_key(kind, part), getattr(saved, part)) for part in ("subject", "text")))
        letter, problems = _written(opened, kind, saved, words, pairs, slots)
        # In a container of its own: the form with the words closes when its place changes.
        with st.container():
            _show_problems(problems)
            if letter.messages:
                one, everyone = st.columns([11, 9], gap="medium")
                with one:
                    _show_one(letter)
                with everyone:
                    _offer_all(letter)
        _offer_words(letter)
        show_where_it_is(WRITING, digest)


def _show_heading() -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.html(markup.heading("Write to them", 2))
        st.button("Close", on_click=lambda: st.session_state.pop(WRITING, None), key="close_writing")


def _key(kind: str, part: str) -> str:
    return f"words_{part}_{kind}_{entries()}"


# ---- the messages --------------------------------------------------------------------------------------------------


def _written(
    opened: OpenedRegister,
    kind: str,
    saved: Words,
    words: Words,
    pairs: Sequence[Pair],
    slots: Sequence[DeltaGenerator],
) -> tuple[_Letter, tuple[Problem, ...]]:
    """Show the fields that are the same for everyone, and return the messages and the problems of the others."""
    try:
        check_words(words)
    except TemplateError as fault:
        return _Letter(opened, kind, saved, words, fault), ()
    used, today = fields_in(words), opened.inputs.as_at
    given = {"coordinator": person.who(), "round": opened.round_.name, "today": day_in_words(today)}
    with slots[0]:
        reply_by = _reply_by(today, opened.state.desk.remind_after_days) if "reply_by" in used else ""
    with slots[1]:
        note = _note() if "note" in used else ""
    if reply_by is None:
        return _Letter(opened, kind, saved, words, None), ()
    given |= {"reply_by": reply_by, "note": note}
    messages, problems = compose(kind, words, pairs, opened.inputs, opened.state, given)
    return _Letter(opened, kind, saved, words, None, messages), problems


def _reply_by(today: date, days: int) -> str | None:
    """Return the day of the answer in words, or None if what was typed is none; that is shown under it."""
    first = today + timedelta(days=days)
    label = "Answer wanted by (dd/mm/yyyy)"
    typed = st.text_input(label, f"{first:%d/%m/%Y}", max_chars=30, key="message_reply_by")
    try:
        found = day(typed.strip()) if typed.strip() else None
    except CellError as fault:
        st.html(markup.fault(f"{fault.message} {fault.fix}"))
        return None
    if found and found < today:
        st.html(markup.fault(f"{found:%d/%m/%Y} is in the past. Give a day from today on."))
        return None
    return day_in_words(found) if found else ""


def _note() -> str:
    return st.text_area("A note for these messages", height=70, max_chars=_LONGEST_NOTE, key="message_note").strip()


def _show_problems(problems: Sequence[Problem]) -> None:
    if not problems:
        return
    names = tuple(sorted({name for one in problems for name in one.column.split(";")}))
    if {*names} <= {"reply_by", "note"}:
        line = f"{sentence_case(blank_in_words(names))}. Fill it in above, or take it out of the words."
        st.html(markup.banner("The messages cannot be written yet.", [line], kind="warning"))
        return
    lines = [f"- {one.message} {one.fix}" for one in problems[:_MOST_NAMED]]
    if len(problems) > _MOST_NAMED:
        lines.append(f"And {counted(len(problems) - _MOST_NAMED, 'more', 'more')}.")
    title = f"{counted(len(problems), 'message')} cannot be written yet."
    st.html(markup.banner(title, lines, kind="warning"))


def _show_one(letter: _Letter) -> None:
    messages = letter.messages
    at: int = st.selectbox(
        "To" if len(messages) == 1 else f"{len(messages):,} messages, one for each person. Show the one to",
        range(len(messages)),
        format_func=lambda one: messages[one].whom if one < len(messages) else "",
        key=f"message_shown_{letter.kind}_{len(messages)}",
    )
    one = messages[at]
    st.html(markup.paragraph(f"Address: {one.email or 'none in the tables'}. Copy the subject and the text from here:"))
    st.code(one.subject, language=None, wrap_lines=True)
    st.code(one.text.rstrip("\n"), language=None, wrap_lines=True)
    link = mailto(one)
    with st.container(horizontal=True, vertical_alignment="center"):
        if one.email and len(link) <= LONGEST_LINK:
            st.link_button("Open in the mail program", link)
        if len(messages) > 1 and st.button("Mark this one as sent", key=f"sent_one_{letter.kind}_{at}"):
            st.session_state[KEPT] = True
            _record(letter, [one], st.session_state.get(_sent_on(), ""))
    if not one.email:
        words = "Without an address it cannot be opened in the mail program. Copy it, or use the rows for mail merge."
        st.html(markup.paragraph(words, quiet=True))
    elif len(link) > LONGEST_LINK:
        words = (
            f"It is too long to be opened in the mail program from here: {len(link):,} characters of {LONGEST_LINK:,}."
        )
        st.html(markup.paragraph(words, "Copy it, or download the drafts.", quiet=True))


def _offer_all(letter: _Letter) -> None:
    messages, drafts = letter.messages, addressed(letter.messages)
    many = len(messages) > 1
    st.html(markup.heading("Send them" if many else "Send it", 3))
    if drafts:
        st.html(markup.paragraph("Drafts open in the mail program, each with its address. You press Send there."))
        st.download_button(
            f"Download {counted(len(drafts), 'draft')} (.eml in a zip)",
            lambda: eml_zip(messages),
            f"messages-{letter.kind.replace(' ', '-')}.zip",
            "application/zip",
            on_click="ignore",
        )
    if not drafts:
        st.html(markup.paragraph("The tables have no address here, so there is no draft to open.", quiet=True))
    elif len(drafts) < len(messages):
        lacking = counted(len(messages) - len(drafts), "message has no address", "messages have no address")
        fix = "Copy the text, or use the rows for mail merge. You can add addresses under People and Needs."
        st.html(markup.paragraph(f"{lacking} that a draft can hold.", fix, quiet=True))
    merge = "Rows for mail merge hold every message and its fields. In Word choose Mailings, Select Recipients."
    st.html(markup.paragraph(merge))
    st.download_button(
        "Download the rows for mail merge",
        lambda: mail_merge_csv(messages),
        f"messages-{letter.kind.replace(' ', '-')}.csv",
        "text/csv",
        on_click="ignore",
    )
    st.html(markup.heading("Then record it", 3))
    on = st.text_input("Sent on (dd/mm/yyyy)", f"{date.today():%d/%m/%Y}", max_chars=30, key=_sent_on())
    which = f"all {len(messages):,}" if many else "it"
    if st.button(f"Mark {which} as sent", type="primary", key=f"sent_all_{letter.kind}_{len(messages)}"):
        _record(letter, messages, on)
    then = " Deployments that are proposed become approached." if letter.kind == "approach" else ""
    st.caption(f"This program sends nothing itself.{then}")


def _sent_on() -> str:
    return f"sent_on_{entries()}"


def _record(letter: _Letter, messages: Sequence[Message], on: str = "") -> None:
    events = sent_events(letter.kind, messages, letter.opened.state, typed_day(on), by=person.who())
    if len(messages) == 1:
        sentences = [f"Recorded: the message to {messages[0].whom} was sent."]
    else:
        sentences = [f"Recorded: {counted(len(messages), 'message')} were sent, one for each person."]
    if approached := sum(one.kind == "status" for one in events):
        sentences.append(f"{counted(approached, 'deployment is', 'deployments are')} approached now.")
    record_and_confirm(letter.opened.round_, events, *sentences)


# ---- their words ---------------------------------------------------------------------------------------------------


def _offer_words(letter: _Letter) -> None:
    kind, fault = letter.kind, letter.fault
    with st.expander("Change the words"):
        st.text_input("Subject", letter.saved.subject, max_chars=LONGEST_SUBJECT, key=_key(kind, "subject"))
        if fault and fault.column == "subject":
            st.html(markup.fault(str(fault)))
        st.text_area("Text", letter.saved.text, height=320, max_chars=LONGEST_TEXT, key=_key(kind, "text"))
        if fault and fault.column == "text":
            st.html(markup.fault(str(fault)))
        st.caption("The messages above follow the words when you leave the box. Saved words are kept with the round.")
        with st.container(horizontal=True):
            unsound = fault is not None or letter.words == letter.saved
            if st.button("Save the words", disabled=unsound, key=f"save_words_{kind}"):
                about = {"name": kind, "subject": letter.words.subject, "text": letter.words.text}
                _record_words(letter, about, "The words are saved for this round.")
            restorable = letter.saved != DEFAULTS[kind]
            if restorable and st.button("Restore the default words", key=f"default_words_{kind}"):
                _record_words(letter, {"name": kind}, "The default words are restored.")
        # Its spaces do not break, so that a narrow column keeps a field whole. The sandbox reads them as any other.
        rows = [(f"{{{{\xa0{name}\xa0}}}}", *about) for name, about in FIELDS.items()]
        frame = pd.DataFrame(rows, columns=["Field", "Is filled in with", "Such as"])
        st.html(markup.table(frame, "Fields that you can write"))


def _record_words(letter: _Letter, about: Mapping[str, str], sentence: str) -> None:
    st.session_state[KEPT] = True
    record_and_confirm(letter.opened.round_, [new_event("template", by=person.who(), **about)], sentence)
