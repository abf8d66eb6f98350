"""Agreements to sign, contact details in documents, and calendars that calendar programs read back."""

import io
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from depth import cases
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar
from test_handover import APPROVED, DOCUMENTS, EVIL, OCCASION, Page, area

from matching.plan.handover.agreement import agreements_html
from matching.plan.handover.calendars import Dated, calendar_files, calendar_ics, calendars_zip
from matching.plan.handover.contacts import contacts_of

FIRST, SECOND = ("N1", "S1"), ("N2", "S1")
TERMS = {
    FIRST: {
        "start": "2026-10-05",
        "end": "2026-12-18",
        "review_on": "2026-11-20",
        "days": "3.5",
        "objectives": "A\n\nB",
    }
}
RECORDED = datetime(2026, 9, 1, 9, 30, 15, 999, tzinfo=UTC)
TO_WRITE = "to be filled in by hand"


def with_contacts():
    plan, inputs = area()
    people = inputs.supporters.assign(email="ann@example.org", phone="020 7946 0018")
    schools = inputs.schools.assign(contact_name="Head", contact_email="head@example.org", contact_phone="")
    needs = inputs.needs.assign(contact_name=["Maths Lead", *[""] * (len(inputs.needs) - 1)], contact_email="")
    return plan, replace(inputs, supporters=people, schools=schools, needs=needs)


# ---- agreements ----------------------------------------------------------------------------------------------------


def test_each_deployment_has_a_page_with_what_was_agreed_and_lines_for_the_rest():
    plan, inputs = area()
    content = agreements_html(plan, inputs, APPROVED, TERMS)
    page = Page(content)
    headings = [words for level, words in page.headings if level == "h2"]
    assert headings == ["Maths at Birch School", "Maths at Cedar School"]
    first, second = (part.split("</section>")[0] for part in content.decode().split('<section class="agreement">')[1:])
    for words in ("3.5 days", "5 October 2026", "18 December 2026", "20 November 2026", "<p>A</p><p>B</p>"):
        assert words in first and words not in second
    # The three who sign; without terms the days, the three dates and four lines of objectives too.
    assert (first.count(TO_WRITE), second.count(TO_WRITE)) == (3, 3 + 4 + 4)
    for words in ("Ann Ash (S1), specialist leader of education", "Alder School (URN 100001)", "proposed"):
        assert words in first and words in second
    assert ("1 day" in first, "2.5 days" in second) == (True, True)
    assert "script" not in {tag for tag, _ in page.tags}


def test_an_agreement_holds_no_reason_of_a_decision_and_escapes_what_was_typed():
    plan, inputs = area()
    content = agreements_html(plan, inputs, OCCASION, {FIRST: {"objectives": EVIL}}).decode()
    assert "Bob Bay agreed" in plan.deployments["reason"].str.cat()
    assert "Bob Bay agreed" not in content and EVIL not in content
    assert EVIL in Page(content.encode()).text


def test_contact_details_are_in_documents_only_where_they_are_given():
    plan, inputs = with_contacts()
    given_ = contacts_of(inputs)
    writers = [*DOCUMENTS, lambda *about: agreements_html(*about[:3], TERMS, *about[3:])]
    for write in writers:
        without, with_them = (write(plan, inputs, OCCASION, *more).decode() for more in ((), (given_,)))
        assert "@" not in without.split("</style>")[1] and "7946" not in without and "Maths Lead" not in without
        assert "ann@example.org, 020 7946 0018" in with_them
        assert "Head, head@example.org" in with_them and "Maths Lead" in with_them


# ---- calendars -----------------------------------------------------------------------------------------------------


def days_of(*pairs) -> list[Dated]:
    return [Dated(pair, kind, date(2026, 10, 5), RECORDED) for pair in pairs for kind in ("start", "end", "review")]


def read(content: bytes) -> list:
    calendar = Calendar.from_ical(content)
    assert calendar.to_ical() == content
    assert calendar.errors == [] and all(one.errors == [] for one in calendar.walk())
    return calendar.walk("VEVENT")


ANY_NAME = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.sampled_from(" ,;:\\\"'\u00e9\u4e2d\U0001f600"),
    min_size=1,
    max_size=90,
)


@cases(40)
@given(
    ANY_NAME,
    ANY_NAME,
    st.lists(st.tuples(st.sampled_from(("start", "visit", "review", "end")), st.dates()), max_size=4),
)
def test_a_calendar_is_read_back_whatever_the_names_and_equal_input_gives_equal_bytes(name, school, days):
    plan, inputs = area()
    rows = plan.deployments.assign(supporter_name=name, school_name=school)
    known = replace(plan, deployments=rows)
    dated = [Dated(FIRST, kind, on, RECORDED, number) for number, (kind, on) in enumerate(days) if on < date.max]
    content = calendar_ics(known, inputs, dated, name, "r")
    assert content == calendar_ics(known, inputs, dated[::-1], name, "r")
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    events = read(content)
    assert [one["DTSTART"].dt for one in events] == sorted(one.on for one in dated)
    for one in events:
        assert str(one["SUMMARY"]).endswith(f": maths at {school}, {name}")
        assert str(one["LOCATION"]).startswith(school)
        assert (one["DTEND"].dt - one["DTSTART"].dt, one["DTSTAMP"].dt) == (
            timedelta(days=1),
            RECORDED.replace(microsecond=0),
        )
    assert len({one["UID"] for one in events}) == len(events)


def test_an_event_keeps_its_identifier_when_its_day_changes_and_shares_it_with_no_other_round():
    plan, inputs = area()

    def identifiers(on: date, round_id: str = "r") -> list[str]:
        dated = [Dated(FIRST, "start", on, RECORDED), Dated(FIRST, "visit", on, RECORDED, 7, 0.5)]
        return [str(one["UID"]) for one in read(calendar_ics(plan, inputs, dated, "Autumn", round_id))]

    first = identifiers(date(2026, 10, 5))
    assert first == identifiers(date(2026, 10, 6))
    assert {*first}.isdisjoint(identifiers(date(2026, 10, 5), "other"))


def test_each_supporter_and_each_school_has_a_calendar_of_its_own():
    plan, inputs = area()
    dated = [*days_of(FIRST, SECOND), *days_of(("N9", "S9"))]
    visit = Dated(FIRST, "visit", date(2026, 10, 6), RECORDED, 4, 0.25)
    about = (plan, inputs, [*dated, visit], "Autumn", "r")
    with zipfile.ZipFile(io.BytesIO(calendars_zip("supporter_id", *about))) as packed:
        assert packed.namelist() == ["1 Ann Ash.ics"]
        assert len(read(packed.read("1 Ann Ash.ics"))) == 7
    files = calendar_files(*about)
    assert [*files] == [
        "calendars/all.ics",
        "calendars/supporters/1 Ann Ash.ics",
        "calendars/schools/1 Birch School.ics",
        "calendars/schools/2 Cedar School.ics",
    ]
    birch = read(files["calendars/schools/1 Birch School.ics"])
    assert [str(one["SUMMARY"]).split(":")[0] for one in birch] == [
        "Support begins",
        "Review of the support",
        "Support ends",
        "Visit, 0.25 days",
    ]
