"""Messages: their words and fields, one for each person, and the files and links that other programs read."""

import csv
import email
import io
import mailbox
import zipfile
from dataclasses import replace
from datetime import date
from email import policy
from email.header import decode_header, make_header
from email.utils import parseaddr
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import tiny
from depth import cases
from hypothesis import given
from hypothesis import strategies as st
from stores import opened
from test_desk import BEGAN, PAIR, event, kinds, refused, state, status

from matching.allocation import allocate
from matching.errors import DataError
from matching.plan.handover.agreement import agreements_html
from matching.plan.handover.calendars import calendar_files
from matching.plan.handover.contacts import contacts_of
from matching.plan.handover.files import plan_by_school_html, plan_by_supporter_html
from matching.plan.handover.page import Occasion
from matching.rounds.desk.dated import agreed_terms, dated
from matching.rounds.desk.messages import Message, compose, sent_events
from matching.rounds.desk.outgoing import MERGE_COLUMNS, addressed, eml, eml_zip, mail_merge_csv, mailto
from matching.rounds.desk.templates import (
    DEFAULTS,
    FIELDS,
    KINDS,
    TemplateError,
    Words,
    check_words,
    fields_in,
    fill_in,
    words_of,
)
from matching.rounds.history.refusals import check_event
from matching.rounds.history.state import state_of
from matching.rounds.history.table import deployment_lines, history_csv, what_happened
from matching.rounds.planning.live_plan import with_statuses
from matching.tables.csv_out import FORMULA_STARTS

PAIRS = (("N1", "S1"), ("N2", "S2"), ("N3", "S1"))
GIVEN = {
    "reply_by": "12 December 2026",
    "note": "",
    "coordinator": "Jo Fry",
    "round": "Autumn",
    "today": "5 December 2026",
}
SAMPLES = {name: sample for name, (_, sample) in FIELDS.items()}
PRIVATE = "Zyzzyva"


def inputs(name: str = "Ann Ash", address: str = "ann@example.org", contact: str = "", school: str = "Alder School"):
    """The tiny round, with the name and address of S1, the contact of the school of N1, and that school's name."""

    def cell(value: str) -> str:
        return '"' + value.replace('"', '""') + '"'

    people = tiny.SUPPORTERS.replace("days_available\n", "days_available,email,phone\n").replace(",1,\n", ",1,,,\n")
    people = people.replace("Ann Ash", cell(name)).replace(",2,5\n", f",2,5,{address},{PRIVATE} 0123\n")
    schools = tiny.SCHOOLS.replace("ofsted\n", "ofsted,contact_name\n").replace("Good\n", f"Good,{cell(contact)}\n")
    schools = schools.replace("Outstanding\n", "Outstanding,\n").replace(",,\n", ",,,\n")
    needs = tiny.NEEDS.replace("priority\n", "priority,notes\n").replace("high\n", f"high,{PRIVATE}\n")
    needs = needs.replace(",,,\n", ",,,,\n").replace("critical\n", "critical,\n")
    return tiny.read(supporters=people, schools=schools.replace("Alder School", cell(school)), needs=needs)


def composed(
    kind: str = "approach", words: Words | None = None, pairs=PAIRS, tables=None, history=(), **given_fields: str
):
    found = compose(kind, words or DEFAULTS[kind], pairs, tables or inputs(), state(*history), GIVEN | given_fields)
    return found[0], [f"{one.message} {one.fix}" for one in found[1]]


# ---- words and fields ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_default_words_of_every_kind_are_sound_and_their_fields_documented(kind):
    check_words(DEFAULTS[kind])
    assert {"name", "deployments", "coordinator", "school"} <= fields_in(DEFAULTS[kind]) <= {*FIELDS}
    filled = fill_in(DEFAULTS[kind], SAMPLES)
    assert "{" not in filled.subject + filled.text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "The text is blank. Write it, or restore the default words."),
        ("Dear {{ nmae }}", "'nmae' is not a field. Did you mean 'name'?"),
        ("Dear {{ xyz }}", "'xyz' is not a field. The fields are: name, deployments,"),
        ("Dear\n{{ name }", "The brackets in line 2 cannot be read."),
        ("Dear {name}", "A single { would be sent as it is. Write a field like this: {{ school }}."),
        ("Dear {# Ann #} {{ name }}", "A single { would be sent as it is."),
        ("{% if note %}{{ nmae }}{% endif %}", "'nmae' is not a field."),
        ("{{ name.__class__ }}", "Line 1 has more than fields between its brackets."),
        ("{{ 'x' * 1000000000 }}", "Line 1 has more than fields between its brackets."),
        ("{% for x in name %}{{ name }}{% endfor %}", "more than fields between its brackets."),
        ("{% include 'x' %}", "more than fields between its brackets."),
        ("{% if not name %}Dear{% endif %}", "Nothing would be written where every field is filled in."),
        ("{% if name %}" * 120 + "x" + "{% endif %}" * 120, "Too many conditions are inside each other."),
        ("x" * 3_801, "The text has 3,801 characters, and the limit is 3,800. Shorten it."),
    ],
)
def test_words_that_cannot_be_used_say_why_and_are_not_recorded(text, words):
    with pytest.raises(TemplateError) as caught:
        check_words(Words("Support", text))
    assert (caught.value.column, words in str(caught.value)) == ("text", True)
    assert words in refused(event("template", name="approach", subject="Support", text=text))


@pytest.mark.parametrize(
    ("subject", "words"), [(" ", "The subject is blank."), ("a\nb", "more than one line."), ("{{", "cannot be read")]
)
def test_the_subject_is_judged_by_itself(subject, words):
    with pytest.raises(TemplateError, match=words) as caught:
        check_words(Words(subject, "x"))
    assert caught.value.column == "subject"


@cases(60)
@given(
    st.text(st.sampled_from("{}%# \n\0ab|('") | st.characters(), max_size=30),
    st.lists(st.sampled_from([*FIELDS]), max_size=3),
)
def test_whatever_is_written_is_refused_with_a_sentence_or_filled_in_without_brackets(text, names):
    words = Words("Support", text + "".join(f" {{{{ {one} }}}}" for one in names))
    try:
        check_words(words)
    except TemplateError as error:
        assert error.message.endswith(".") and error.fix.endswith((".", "?"))
        return
    assert not {*fill_in(words, SAMPLES).text} & {*"{}"}


@cases(40)
@given(st.text(min_size=1, max_size=30))
def test_what_a_field_holds_is_never_read_as_words(value):
    filled = fill_in(Words("x", "a{{ name }}b{% if contact %}c{% endif %}"), {"name": value, "contact": "x"})
    assert filled.text == f"a{value}bc\n"


def test_words_are_kept_with_the_round_restored_and_undone(tmp_path):
    sources = {name: tiny.as_source(name, table) for name, table in tiny.sources().items()}
    own = Words("Hello {{ school }}", "Dear {{ name }},\nYes, or no?")
    saved = event("template", name="remind", subject=own.subject, text=own.text)
    with opened(tmp_path / "rounds.db") as store:
        seen = store.record(store.create("Autumn", sources), [saved])
        assert words_of(seen.events) == {**DEFAULTS, "remind": own}
        assert words_of(store.import_round(store.export_round(seen.round_id)).events)["remind"] == own
        assert what_happened(seen.events[-1]) == "template of a message: remind"
        assert b"Yes, or no?" not in history_csv(seen.events)
        restored = store.record(seen, [event("template", name="remind")])
        assert words_of(restored.events) == DEFAULTS
        assert what_happened(restored.events[-1]) == "template of a message: remind, default words restored"
        assert words_of(store.undo(restored, restored.last_event).events)["remind"] == own
        assert restored.sources == sources


# ---- one for each person -------------------------------------------------------------------------------------------


def test_each_person_has_one_message_about_all_their_deployments():
    (ann, bob), problems = composed()
    assert problems == []
    assert (ann.whom, ann.email, ann.pairs) == ("Ann Ash (S1)", "ann@example.org", (("N1", "S1"), ("N3", "S1")))
    assert ann.subject == "Could you support Alder School and Cedar School?"
    assert "• maths at Alder School, Fenshire: 2 days, 1.00 km from Birch School\n• phonics at Cedar School" in ann.text
    assert (ann.fields["days"], bob.fields["days"], bob.email) == ("4.5 days", "", "")


def test_each_contact_of_a_school_has_one_message_and_a_needs_own_contact_comes_first():
    tables = inputs(contact="Head Teacher")
    messages, _ = composed("tell the school", tables=tables)
    assert [(one.whom, one.name) for one in messages] == [
        ("Birch School (100001)", "colleagues at Birch School"),
        ("Cedar School (100002)", "colleagues at Cedar School"),
        ("Head Teacher, Alder School (100000)", "Head Teacher"),
    ]
    assert "• maths: Ann Ash, specialist leader of education at Birch School, 2 days\n" in messages[-1].text
    needs = tables.needs.assign(contact_name=["Maths Lead", "", ""])
    assert "Maths Lead" in {one.name for one in composed("tell the school", tables=replace(tables, needs=needs))[0]}


def test_what_was_agreed_takes_the_place_of_what_was_asked_for():
    terms = event("terms", start="2026-10-05", end="2026-12-18", days="3.25", objectives=PRIVATE)
    ((ann, *_), _) = composed("confirm", history=[terms])
    assert "Fenshire: 3.25 days, 1.00 km from Birch School, from 5 October 2026 until 18 December 2026\n" in ann.text
    assert PRIVATE not in str(ann.fields)


def test_a_field_that_is_blank_for_a_recipient_is_a_problem_that_names_them():
    words = Words("Support", "{{ contact }} {{ start_by }} {{ note }}")
    messages, problems = composed(words=words, pairs=PAIRS[:1], tables=inputs(contact=""))
    assert messages == ()
    start = "No message to Ann Ash (S1) about maths at Alder School (N1): start_by (the day by which it must begin), contact"
    assert problems[0].startswith(start)
    assert problems[0].endswith("are blank. Fill it in under People or Needs, or take it out of the words.")
    (message,), _ = composed(words=Words("S", "x{% if note %} {{ note }}{% endif %}"), pairs=PAIRS[:1])
    assert message.text == "x\n"
    assert composed(words=Words("{{ contact }}", "x"), pairs=PAIRS)[0] == ()


@pytest.mark.parametrize("kind", KINDS)
def test_no_note_remark_or_telephone_number_is_in_a_message_or_a_row(kind):
    history = [
        event("note", text=PRIVATE),
        replace(event("declined", supporter_id="S3"), why=PRIVATE),
        replace(status("approached"), why=PRIVATE),
        event("visit", on="2026-09-01", days="0.5", text=PRIVATE, by_whom=PRIVATE),
        event("review", on="2026-09-01", text=PRIVATE),
        event("evaluation", on="2026-09-01", rating="4", text=PRIVATE),
        event("terms", objectives=PRIVATE),
    ]
    messages, _ = composed(kind, history=history)
    assert messages
    assert PRIVATE not in repr([(one, one.text, dict(one.fields)) for one in messages])
    assert PRIVATE.encode() not in mail_merge_csv(messages) + b"".join(eml(one) for one in messages if one.email)
    (noted, *_), _ = composed(kind, Words("S", "{{ note }}"), note=PRIVATE)
    assert noted.text == f"{PRIVATE}\n"
    assert PRIVATE.encode() not in mail_merge_csv([noted]).replace(noted.text.encode(), b"")


# ---- files and links -----------------------------------------------------------------------------------------------

# Printable, because no table takes other names; line breaks come with texts.
NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.sampled_from(" ,;'\"=+-@<>&%\u00e9\u4e2d"),
    min_size=1,
    max_size=40,
).filter(lambda one: one.strip())
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.sampled_from("\n ,\"'=%&?"), max_size=120
)


ASCII_ADDRESSES = {
    "ann@example.org": "ann@example.org",
    "a.o'hara+x%y/z@example.co.uk": "a.o'hara+x%y/z@example.co.uk",
    "jo@exämple.org": "jo@xn--exmple-cua.org",
}


@st.composite
def messages(draw) -> Message:
    name, subject = (" ".join(draw(NAMES).split()) or "x" for _ in range(2))
    fields = {one: draw(TEXTS) for one in ("deployments", "school")}
    address = draw(st.sampled_from([*ASCII_ADDRESSES]))
    return Message("x", name, address, (PAIR,), subject, draw(TEXTS).strip() + "\n", fields)


@cases(60)
@given(messages())
def test_a_draft_is_read_back_by_two_parsers_and_is_equal_each_time(message):
    content = eml(message)
    assert content == eml(message)
    assert b"\n" not in content.replace(b"\r\n", b"")
    read = email.message_from_bytes(content, policy=policy.SMTP + policy.strict)
    (to,) = read["To"].addresses
    # Python's newer parser keeps a space between two encoded words of a name, which are one word by RFC 2047.
    assert to.display_name.replace(" ", "") == message.name.replace(" ", "")
    assert (to.addr_spec, read["Subject"]) == (ASCII_ADDRESSES[message.email], message.subject)
    assert (read["X-Unsent"], read["From"], read.get_content().replace("\r\n", "\n")) == ("1", None, message.text)
    old = mailbox.mboxMessage(content)
    name, address = parseaddr(old["To"].replace("\r\n", ""))
    assert (unfolded(name), address) == (message.name, ASCII_ADDRESSES[message.email])
    assert unfolded(old["Subject"]) == message.subject
    assert old.get_payload(decode=True).decode().replace("\r\n", "\n") == message.text


def unfolded(header: str) -> str:
    return str(make_header(decode_header(header.replace("\r\n", ""))))


@cases(60)
@given(messages())
def test_a_link_opens_with_the_message_that_it_was_made_from(message):
    link = mailto(message)
    assert link.isascii() and not {*link} & {*' <>"\n'}
    parts = urlsplit(link)
    assert (parts.scheme, unquote(parts.path), parts.fragment) == ("mailto", message.email, "")
    found = parse_qs(parts.query.replace("+", "%2B"), strict_parsing=True)
    assert found == {"subject": [message.subject], "body": [message.text.replace("\n", "\r\n")]}


@cases(40)
@given(st.lists(messages(), max_size=3))
def test_rows_for_mail_merge_are_read_back_and_no_cell_of_them_runs(listed):
    content = mail_merge_csv(listed)
    assert content.startswith(b"\xef\xbb\xbf")
    header, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert (tuple(header), len(rows)) == (MERGE_COLUMNS, len(listed))
    for row, one in zip(rows, listed, strict=True):
        assert not any(cell[:1] in FORMULA_STARTS for cell in row if cell)
        given_cells = (one.name, one.email, one.subject, one.text, one.fields["deployments"])
        assert (
            tuple(
                cell[1:] if cell[:1] == "'" and made[:1] != "'" else cell
                for cell, made in zip(row, given_cells, strict=False)
            )
            == given_cells
        )


def test_every_message_with_an_address_is_a_file_of_its_own_in_the_zip():
    listed = [*composed(tables=inputs(name='Ash, "Ann" / Éva'))[0], *composed(tables=inputs(name="../.."))[0]]
    with zipfile.ZipFile(io.BytesIO(eml_zip(listed))) as packed:
        assert packed.namelist() == ["1 Ash Ann Éva.eml", "2 without name.eml"]
    assert eml_zip(listed) == eml_zip(listed)
    assert addressed([replace(listed[0], email=one) for one in ("", "jösé@example.org")]) == []


# ---- recorded as sent ----------------------------------------------------------------------------------------------


def sent(kind: str, at_day: int = 0, **about: str):
    return event("message", date.fromordinal(BEGAN.toordinal() + at_day), template=kind, **about)


def test_a_message_names_its_kind_and_a_day_that_can_be_right():
    began = event("created")
    check_event(state(began), sent("approach"))
    assert "'letter' is no kind of message. Known are: approach, remind," in refused(sent("letter"), began)
    assert "'note' is no kind of message." in refused(event("template", name="note", subject="a", text="b"), began)
    assert "is in the future" in refused(sent("approach", on="2026-09-09"), began)
    assert "The need or the supporter is missing." in refused(sent("approach", supporter_id=""), began)
    assert "The text is blank." in refused(event("template", name="remind", subject="a"), began)


def test_the_history_of_a_deployment_has_its_messages():
    events = [sent("approach"), status("approached"), sent("remind", 6)]
    assert what_happened(events[0]) == "message sent: approach"
    assert what_happened(sent("approach", 3, on="2026-09-02")) == "message sent: approach on 2026-09-02"
    found = deployment_lines(state(*events))
    assert found == {PAIR: "message: approach 1 Sep 2026, approached 1 Sep 2026, message: remind 7 Sep 2026"}


def test_a_reminder_begins_the_waiting_again_but_never_puts_off_the_next_person_for_good():
    asked = [status("approached")]
    assert kinds(*asked, day=6) == [("remind", "soon", 6)]
    asked += [sent("remind", 6)]
    assert kinds(*asked, day=10) == []
    assert kinds(*asked, day=11) == [("ask next", "now", 5)]
    again = [*asked, sent("remind", 11), sent("confirm", 12)]
    assert kinds(*again, day=15) == []
    assert kinds(*again, day=16) == [("ask next", "now", 5)]
    # A message from before the supporter was approached again is no reminder.
    assert kinds(*asked, status("withdrawn", 7), status("approached", 8), day=13) == [("remind", "soon", 5)]


def test_messages_and_words_are_recorded_in_an_approved_round_too(tmp_path):
    from stores import FILES, SOURCES

    with opened(tmp_path / "rounds.db") as store:
        seen = store.save_plan(store.create("Autumn", SOURCES), FILES, by="Jo")
        seen = store.approve(seen, FILES)
        seen = store.record(seen, [sent("approach"), status("approached"), event("template", name="remind")])
        assert state_of(seen.events).status_of(*PAIR) == "approached"
        with pytest.raises(DataError, match="is approved"):
            store.record(seen, [status("withdrawn")])


def test_the_days_of_calendars_come_from_the_last_terms_and_from_the_visits_without_what_was_said():
    terms = event("terms", start="2026-10-01", end="2026-12-01", review_on="2026-11-01")
    later = event("terms", start="2026-10-05", end="2026-12-18", review_on="2026-11-20", objectives=PRIVATE)
    visit = event("visit", on="2026-10-06", days="0.25", text=PRIVATE)
    found = state(terms, later, visit)
    days = {one.kind: (one.on.isoformat(), one.days) for one in dated(found)}
    assert days == {
        "start": ("2026-10-05", 0),
        "end": ("2026-12-18", 0),
        "review": ("2026-11-20", 0),
        "visit": ("2026-10-06", 0.25),
    }
    assert agreed_terms(found)[PAIR]["start"] == "2026-10-05"
    assert PRIVATE not in repr(dated(found))
    # Who is asked again after an end agrees to new terms; the days of the visits were given.
    again = state(terms, visit, status("withdrawn"), status("approached"))
    assert (agreed_terms(again), [one.kind for one in dated(again)]) == ({}, ["visit"])


def test_documents_and_calendars_hold_nothing_that_people_wrote_but_the_objectives_to_be_signed():
    history = [
        replace(status("agreed"), why=PRIVATE),
        event("note", text=PRIVATE),
        replace(event("declined", supporter_id="S3"), why=PRIVATE),
        replace(event("terms", start="2026-10-05", objectives="Zyzobjectives"), why=PRIVATE),
        event("visit", on="2026-10-06", days="0.25", text=PRIVATE, by_whom=PRIVATE),
        event("review", on="2026-10-07", text=PRIVATE),
        event("evaluation", on="2026-10-08", rating="4", text=PRIVATE),
        event("template", name="remind", subject=PRIVATE, text=PRIVATE),
    ]
    found, tables = state(*history), inputs(contact=f"{PRIVATE} Head")
    plan, occasion = with_statuses(allocate(tables), found), Occasion("Autumn", BEGAN)
    assert PAIR in set(zip(plan.deployments["need_id"], plan.deployments["supporter_id"], strict=True))
    files = {
        "agreements.html": agreements_html(plan, tables, occasion, agreed_terms(found)),
        "by-school.html": plan_by_school_html(plan, tables, occasion),
        "by-supporter.html": plan_by_supporter_html(plan, tables, occasion),
        **calendar_files(plan, tables, dated(found), "Autumn", "r"),
    }
    assert [name for name, content in files.items() if PRIVATE.encode() in content] == []
    assert [name for name, content in files.items() if b"Zyzobjectives" in content] == ["agreements.html"]
    assert b"agreed" in files["by-school.html"] and b"BEGIN:VEVENT" in files["calendars/all.ics"]
    with_them = agreements_html(plan, tables, occasion, agreed_terms(found), contacts_of(tables))
    assert f"{PRIVATE} Head" in with_them.decode()


def test_what_was_sent_to_many_is_undone_and_brought_back_together_as_one_by_one(tmp_path):
    from stores import SOURCES

    pairs = tuple((f"N{number}", f"S{number // 2}") for number in range(5))
    message = Message("Ann Ash (S1)", "Ann Ash", "", pairs, "s", "t", {})
    with opened(tmp_path / "rounds.db") as store:
        seen = store.create("Autumn", SOURCES)
        events = sent_events("approach", [message], state_of(seen.events), seen.events[0].at.date(), by="Jo")
        sent_ = store.record(seen, events)
        numbers = range(2, 12)
        undone = store.undo(sent_, *numbers)
        assert (state_of(undone.events).statuses, state_of(undone.events).written) == ({}, {})
        again = store.undo(undone, *range(12, 22))
        assert state_of(again.events).statuses == state_of(sent_.events).statuses
        assert {*state_of(again.events).written} == {*pairs}
        # An entry and the undo that brought it back cannot be undone together: the first undoes the second.
        with pytest.raises(DataError, match="is undone already"):
            store.undo(again, 12 + 10, 2)
