"""Handing over: nobody is named where nobody may be, no cell runs, and the documents hold every row for every reader."""

import csv
import io
import re
from dataclasses import replace
from datetime import date
from functools import cache
from html.parser import HTMLParser

import pytest
from worlds import AS_AT, decision, need, person, school, solved_wide, world

from matching.allocation import allocate
from matching.inputs.read import read_inputs
from matching.plan.handover.files import (
    PLAN_IDENTIFIER_COLUMNS,
    SCHOOL_LETTER_COLUMNS,
    SUPPORTER_LETTER_COLUMNS,
    UNMET_IDENTIFIER_COLUMNS,
    identifiers_with_names,
    plan_by_school_html,
    plan_by_supporter_html,
    plan_identifiers_csv,
    school_letters_csv,
    supporter_letters_csv,
    unmet_identifiers_csv,
)
from matching.plan.handover.page import Approval, Occasion
from matching.plan.handover.remarks import without_remarks
from matching.plan.phrases import day_in_words

OCCASION = Occasion("Autumn 2026", date(2026, 11, 24))
APPROVED = Occasion("Autumn 2026", date(2026, 11, 24), Approval("Dr Ada Pym", date(2026, 11, 2), "3"))
DOCUMENTS = (plan_by_school_html, plan_by_supporter_html)
LETTERS = (supporter_letters_csv, school_letters_csv)
EVIL = "<script>alert(1)</script>"
NAMES = ("Ann Ash", "Bob Bay", "Cy Cole", "Dee Dunn")


@cache
def area():
    """A plan with a pin that names people, an unmet need whose nearest option names one, and somebody free."""
    schools = [
        school(1, name="Alder School", postcode="AA1 1AA"),
        school(2, 4, name="Birch School", postcode="=1+1"),
        school(3, 8, name="Cedar School", local_authority="South"),
        school(4, 12, name="Dale School", local_authority=""),
    ]
    people = [
        person("S1", 1, name="Ann Ash", max_deployments="2", days_available="9"),
        person("S2", 2, name="Bob Bay", days_available="0.5"),
        person("S3", 1, name="Cy Cole", max_deployments="0"),
        person("S4", 1, name="Dee Dunn", specialisms="phonics"),
    ]
    needs = [
        need("N1", 2, days="1"),
        need("N2", 3, days="2.5"),
        need("N3", 4, priority="critical", focus="science"),
        need("N4", 2, focus="science"),
        need("N5", 3, focus="attendance"),
    ]
    pins = (decision("pin", "S1", "N1", reason="Bob Bay agreed", by="Cy Cole"),)
    inputs = world(schools, people, needs, decisions=pins).inputs()
    return allocate(inputs), inputs


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


class Page(HTMLParser):
    """What a document holds: its tags with their attributes, headings, rows of cells and text."""

    VOID = {"meta", "link", "br", "img", "input"}

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.headings: list[tuple[str, str]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(content.decode())
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag in ("h1", "h2", "h3"):
            self.headings.append((tag, ""))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.text += data
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data
        if self.open and self.open[-1] in ("h1", "h2", "h3"):
            level, words = self.headings[-1]
            self.headings[-1] = (level, words + data)


# ---- without names -------------------------------------------------------------------------------------------------


def test_nobody_is_named_in_the_files_of_identifiers():
    plan, _ = area()
    assert "Cy Cole (Bob Bay agreed)" in plan.deployments["reason"].iat[0]
    written = "".join(map(str, plan.unmet["nearest_option"]))
    assert any(name in written for name in NAMES)
    for content in (plan_identifiers_csv(plan), unmet_identifiers_csv(plan)):
        text = content.decode("utf-8-sig")
        assert not any(word in text for name in NAMES for word in name.split())
        assert not any(name in text for name in ("Alder", "Birch", "Cedar", "Dale"))


@pytest.mark.parametrize("number", range(4))
def test_no_name_of_a_random_plan_is_in_its_identifiers(number):
    one = solved_wide(number)
    text = (plan_identifiers_csv(one.plan) + unmet_identifiers_csv(one.plan)).decode()
    names = [*one.inputs.supporters["name"], *one.plan.deployments["supporter_name"], *one.inputs.schools["name"]]
    assert not any(re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", text) for name in names)


def test_identifiers_hold_every_row():
    plan, _ = area()
    deployments, unmet = rows(plan_identifiers_csv(plan)), rows(unmet_identifiers_csv(plan))
    assert deployments == plan.deployments[list(PLAN_IDENTIFIER_COLUMNS)].to_dict("records")
    assert unmet == plan.unmet[list(UNMET_IDENTIFIER_COLUMNS)].to_dict("records")


def test_identifiers_that_give_a_name_away_are_told():
    people = [person("ann.ash", 1, name="Ann Ash"), person("S2", 1, name="S Li"), person("PYM-01", 1, name="Ada Pym")]
    inputs = world([school(1), school(2, 4)], people, [need("N1", 2)]).inputs()
    assert identifiers_with_names(inputs) == ("PYM-01", "ann.ash")
    assert identifiers_with_names(area()[1]) == ()


# ---- letters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [*DOCUMENTS, *LETTERS])
def test_what_people_wrote_about_decisions_is_kept_back(write):
    plan, inputs = area()
    assert "Bob Bay agreed" in plan.deployments["reason"].str.cat()
    assert "Bob Bay agreed" not in write(without_remarks(plan, inputs), inputs, OCCASION).decode()
    kept = without_remarks(plan, inputs)
    assert kept.deployments["reason"].iloc[0] == "Pinned by Cy Cole: 4.00 km away, same phase."


def test_a_refusal_is_told_without_its_reason():
    schools, people = [school(1), school(2, 4)], [person("S1", 1)]
    refusal = decision("declined", "S1", "N1", reason="Ill (since May)")
    inputs = world(schools, people, [need("N1", 2)], decisions=(refusal,)).inputs()
    plan = allocate(inputs)
    assert "(Ill (since May))" in plan.unmet["nearest_option"].iloc[0]
    assert "Ill" not in without_remarks(plan, inputs).unmet["nearest_option"].iloc[0]


def test_documents_and_letters_show_the_status_and_the_rules_set_aside():
    plan, inputs = area()
    rows_of = plan.deployments.assign(status="agreed", rules_broken="distance;places")
    known = replace(plan, deployments=rows_of)
    for document in DOCUMENTS:
        assert "agreed, against: distance, places" in document(known, inputs, OCCASION).decode()
    assert {row["status"] for row in rows(supporter_letters_csv(known, inputs, OCCASION))} == {"agreed"}


def test_a_letter_to_a_supporter_has_all_it_needs():
    plan, inputs = area()
    letters = rows(supporter_letters_csv(plan, inputs, APPROVED))
    assert tuple(letters[0]) == SUPPORTER_LETTER_COLUMNS
    first, second = letters
    assert first == {
        "supporter_name": "Ann Ash",
        "designation": "SLE",
        "designation_title": "specialist leader of education",
        "home_school_name": "Alder School",
        "home_school_postcode": "AA1 1AA",
        "school_name": "Birch School",
        "school_postcode": "'=1+1",
        "local_authority": "North",
        "phase": "Primary",
        "focus": "maths",
        "days": "1",
        "distance_km": "4.00",
        "reason": "Pinned by Cy Cole (Bob Bay agreed): 4.00 km away, same phase.",
        "status": "proposed",
        "rules_broken": "",
        "date": "24 November 2026",
        "round": "Autumn 2026",
        "approved_by": "Dr Ada Pym",
        "approved_on": "2 November 2026",
        "supporter_id": "S1",
        "home_school_urn": "100001",
        "need_id": "N1",
        "school_urn": "100002",
    }
    assert (second["need_id"], second["days"]) == ("N2", "2.5")


def test_a_letter_to_a_school_tells_who_comes_and_what_stays_open():
    plan, inputs = area()
    letters = rows(school_letters_csv(plan, inputs, OCCASION))
    assert tuple(letters[0]) == SCHOOL_LETTER_COLUMNS
    told = {
        row["school_name"]: (row["needs_met"], row["support"], row["needs_unmet"], row["without_support"])
        for row in letters
    }
    ann = "Ann Ash (specialist leader of education, Alder School) for maths"
    assert told == {
        "Birch School": ("1", f"{ann}, 1 day", "1", "science"),
        "Cedar School": ("1", f"{ann}, 2.5 days", "1", "attendance"),
        "Dale School": ("0", "", "1", "science"),
    }
    assert {(row["approved_by"], row["approved_on"]) for row in letters} == {("", "")}


@pytest.mark.parametrize("number", range(4))
def test_letters_hold_every_need_once(number):
    one = solved_wide(number)
    to_people = rows(supporter_letters_csv(one.plan, one.inputs, OCCASION))
    assert sorted(row["need_id"] for row in to_people) == one.plan.deployments["need_id"].tolist()
    to_schools = rows(school_letters_csv(one.plan, one.inputs, OCCASION))
    assert sorted(row["school_urn"] for row in to_schools) == sorted(set(one.inputs.needs["school_urn"]))
    assert sum(int(row["needs_met"]) for row in to_schools) == len(one.plan.deployments)
    assert sum(int(row["needs_unmet"]) for row in to_schools) == len(one.plan.unmet)


@pytest.mark.parametrize("letters", LETTERS)
def test_no_cell_of_a_letter_is_a_formula(letters):
    schools = [
        school(1, name="=HYPERLINK(1)", postcode="-1"),
        school(2, 4, name="+school", postcode="@x", local_authority="=a"),
    ]
    people = [person("S1", 1, name="=1+1")]
    inputs = world(schools, people, [need("N1", 2), need("N2", 2)]).inputs()
    occasion = Occasion("=round", date(2026, 1, 5), Approval("+44", date(2026, 1, 5)))
    content = letters(allocate(inputs), inputs, occasion)
    cells = [cell for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")) for cell in row]
    assert {"'=round", "'+44", "'=a", "'+school", "'@x"} <= set(cells)
    assert not any(cell.startswith(tuple("=+-@")) for cell in cells)


def test_dates_are_as_british_readers_write_them():
    assert day_in_words(date(2026, 5, 4)) == "4 May 2026"


# ---- documents -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("number", range(3))
def test_every_deployment_and_unmet_need_is_in_the_document(document, number):
    one = solved_wide(number)
    page = Page(document(one.plan, one.inputs, OCCASION))
    found = {row[0]: row for row in page.rows if len(row) > 1}
    for row in one.plan.deployments.to_dict("records"):
        cells = found[row["need_id"]]
        assert {row["focus"], row["days"], row["distance_km"], row["reason"]} <= set(cells)
        assert row["supporter_name"] in page.text
        assert row["school_name"] in page.text
    for row in one.plan.unmet.to_dict("records"):
        assert {row["school_name"], row["priority"], row["reason"], row["nearest_option"]} <= set(found[row["need_id"]])


def test_the_document_by_supporter_groups_by_person_and_tells_who_is_free():
    plan, inputs = area()
    page = Page(plan_by_supporter_html(plan, inputs, OCCASION))
    assert page.headings == [
        ("h1", "Plan by supporter"),
        ("h2", "Specialist leaders of education"),
        ("h2", "People without a deployment"),
        ("h2", "Unmet needs"),
    ]
    assert ["Ann Ash (S1), Alder School: 2 of 2 places, 3.5 of 9 days"] in page.rows
    assert ["S4", "Dee Dunn", "SLE", "1", ""] in page.rows


def test_the_document_by_school_groups_by_local_authority_and_school():
    plan, inputs = area()
    page = Page(plan_by_school_html(plan, inputs, OCCASION))
    assert [words for _, words in page.headings] == ["Plan by school", "North", "South", "Unmet needs"]
    assert ["Birch School (URN 100002), Primary"] in page.rows
    unmet = [row[0] for row in page.rows if row and row[0] in ("N3", "N4", "N5")]
    assert unmet == ["N3", "N4", "N5"]


def test_a_school_whose_local_authority_is_not_known_has_a_heading():
    inputs = world([school(1), school(2, 4, local_authority="")], [person("S1", 1)], [need("N1", 2)]).inputs()
    page = Page(plan_by_school_html(allocate(inputs), inputs, OCCASION))
    assert ("h2", "Local authority not known") in page.headings
    assert "Every need is met." in page.text


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_says_what_it_is_of(document):
    plan, inputs = area()
    text = Page(document(plan, inputs, APPROVED)).text
    assert "RoundAutumn 2026Date24 November 2026Needs met2 of 5" in text
    assert "Approvedby Dr Ada Pym on 2 November 2026, version 3" in text
    assert "Approved" not in Page(document(plan, inputs, OCCASION)).text


@pytest.mark.parametrize("document", DOCUMENTS)
def test_text_is_escaped_wherever_it_comes_from(document):
    schools = [
        school(1, name=EVIL, local_authority='"><img src=x>'),
        school(2, 4, name=f"&{EVIL}", local_authority=EVIL),
    ]
    pins = (decision("pin", "S1", "N1", reason=EVIL, by=EVIL),)
    people = [person("S1", 1, name=EVIL), person("S2", 1, name=f"Free {EVIL}")]
    inputs = world(schools, people, [need("N1", 2), need("N2", 2, focus="science")], decisions=pins).inputs()
    occasion = Occasion(EVIL, date(2026, 1, 5), Approval(EVIL, date(2026, 1, 5), EVIL))
    page = Page(document(allocate(inputs), inputs, occasion))
    assert not {"script", "img"} & {tag for tag, _ in page.tags}
    assert page.text.count(EVIL) >= 6


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_can_be_read_by_everybody_and_asks_nothing_of_a_network(document):
    plan, inputs = area()
    content = document(plan, inputs, APPROVED)
    page = Page(content)
    assert content.startswith(b'<!DOCTYPE html>\n<html lang="en-GB">')
    assert [level for level, _ in page.headings].index("h1") == 0
    assert [level for level, _ in page.headings].count("h1") == 1
    assert not {"link", "script", "img", "iframe"} & {tag for tag, _ in page.tags}
    assert not any({"src", "href", "style", "onclick"} & attrs.keys() for _, attrs in page.tags)
    assert b"http://" not in content
    assert b"https://" not in content
    assert b"url(" not in content
    assert b"@import" not in content
    headers = [attrs for tag, attrs in page.tags if tag == "th"]
    assert {attrs["scope"] for attrs in headers} == {"col", "row", "rowgroup"}
    tables = [tag for tag, _ in page.tags if tag in ("table", "caption", "thead")]
    assert tables == ["table", "caption", "thead"] * (len(tables) // 3)
    for words in (b"@page { size: A4", b"display: table-header-group", b"break-inside: avoid", b"max-width: 44rem"):
        assert words in content


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_colours_of_text_have_contrast_on_every_background():
    content = plan_by_school_html(*area(), OCCASION).decode()
    texts = set(re.findall(r"[ ;{]color: (#[0-9a-f]{6})", content))
    backgrounds = set(re.findall(r"background: (#[0-9a-f]{6})", content))
    assert texts == {"#0b0c0c", "#505a5f"}
    for background in backgrounds:
        for text in texts:
            assert (luminance(background) + 0.05) / (luminance(text) + 0.05) >= 4.5


# ---- everything ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_equal_plans_give_equal_bytes_whatever_the_order_of_the_rows(seed):
    one = solved_wide(1)
    inputs = read_inputs(one.made.sources(shuffled=seed), as_at=AS_AT)
    plan = allocate(inputs)
    for make in (*LETTERS, *DOCUMENTS):
        assert make(plan, inputs, APPROVED) == make(one.plan, one.inputs, APPROVED)
    assert plan_identifiers_csv(plan) == plan_identifiers_csv(one.plan)
    assert unmet_identifiers_csv(plan) == unmet_identifiers_csv(one.plan)


def test_a_plan_without_deployments_is_still_a_document():
    inputs = world([school(1), school(2, 4)], [person("S1", 1, max_deployments="0")], [need("N1", 2)]).inputs()
    plan = allocate(inputs)
    for document in DOCUMENTS:
        assert "Needs met0 of 1" in Page(document(plan, inputs, OCCASION)).text
    assert rows(supporter_letters_csv(plan, inputs, OCCASION)) == []
    assert [row["needs_unmet"] for row in rows(school_letters_csv(plan, inputs, OCCASION))] == ["1"]


def test_inputs_of_another_plan_are_refused():
    plan, inputs = area()
    others = replace(inputs, schools=inputs.schools[:1])
    for make in (*LETTERS, *DOCUMENTS):
        with pytest.raises(KeyError):
            make(plan, others, OCCASION)
