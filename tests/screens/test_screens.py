"""The screens as a visitor meets them: what is shown, what is pressed, and what is shown then."""

import html
import json
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny
from depth import mostly_long
from streamlit.testing.v1 import AppTest

from matching.errors import DataError
from matching.rounds.database import DATABASE_VARIABLE
from matching.rounds.store import open_store
from matching.ui.app import screens
from matching.ui.app.server import serve
from matching.ui.state.params import PARAMS_KEY, ScreenParams
from matching.ui.steps import CHECK, EXPORT, PLAN, ROUNDS, RULES, SCREENS, START, STEPS, Step

APP = Path(screens.__file__)
NAME = "Robin Fry"
BROKEN = tiny.SUPPORTERS.replace("Primary;Secondary", "Primary;Secondry").replace("S2,", "S1,")

# A busy machine makes every plan of these tests before a screen gives up waiting for it.
PATIENT = ScreenParams(patience_s=30.0)
IMPATIENT = ScreenParams(patience_s=0.05)


class Visitor:
    """One browser tab, without the browser: it keeps no cookies, so it is a person of its own, with a name unless None."""

    def __init__(
        self, step: Step = START, params: ScreenParams = PATIENT, name: str | None = NAME, **address: str
    ) -> None:
        self.tab = AppTest.from_file(APP, default_timeout=60)
        self.tab.session_state[PARAMS_KEY] = params
        for part, value in address.items():
            self.tab.query_params[part] = value
        self.tab.switch_page(f"../pages/{step.file}")
        self.run()
        if name is not None:
            self.give_name(name)

    def give_name(self, name: str) -> None:
        """Answer the first question."""
        self._one(self.tab.text_input, "Your name, for the record").set_value(name)
        self.press("Continue")

    def run(self) -> None:
        self.tab.run()
        assert not self.tab.exception, self.tab.exception
        # A screen may lead to another one by itself; what comes next happens there.
        if reached := next((step for step in SCREENS if step.title == self.title), None):
            self.tab.switch_page(f"../pages/{reached.file}")

    def go(self, step: Step) -> None:
        self.tab.switch_page(f"../pages/{step.file}")
        self.run()

    @property
    def round_id(self) -> str:
        return self.tab.query_params["round"]

    @property
    def title(self) -> str:
        found = re.search("<h1>(.*?)</h1>", self.markup())
        return found[1] if found else ""

    def markup(self) -> str:
        """The HTML that the screen is made of, without the style sheet."""
        return "\n".join(block.value for block in self.tab.get("html") if not block.value.startswith("<style>"))

    def words(self) -> str:
        """Everything that can be read, but for what is in grids and lists."""
        blocks = re.sub(r"</(p|h\d|li|dt|dd|td|th|caption|strong|span)>", "\n", self.markup())
        texts = [html.unescape(re.sub("<[^>]*>", " ", blocks))]
        tab = self.tab
        texts += [one.value for kind in (tab.header, tab.subheader, tab.caption, tab.error) for one in kind]
        texts += [one.label for kind in (tab.expander, tab.tabs) for one in kind]
        return re.sub(r"[ \xa0]+", " ", "\n".join(texts))

    def figure(self, label: str) -> str:
        cell = re.search(f'<dt>{label}</dt><dd><span class="s2s-number">(.*?)</span>', self.markup())
        assert cell, f"There is no figure '{label}'."
        return cell[1]

    def buttons(self) -> list[str]:
        return [one.label for one in self.tab.button]

    def links(self) -> list[str]:
        return [one.value for one in self.tab.get("page_link")]

    def downloads(self) -> list[str]:
        return [one.label for one in self.tab.get("download_button")]

    def press(self, label: str) -> None:
        self._one(self.tab.button, label).click()
        self.run()

    def tick(self, label: str, *, on: bool = True) -> None:
        box = self._one(self.tab.checkbox, label).set_value(on)
        # A form is sent by its button.
        if not box.form_id:
            self.run()

    def choose(self, label: str, value: str) -> None:
        self._one(self.tab.selectbox, label).set_value(value)
        self.run()

    def options(self, label: str) -> list[str]:
        return self._one(self.tab.selectbox, label).options

    def slide(self, label: str, value: float) -> None:
        self._one(self.tab.slider, label).set_value(value)
        self.run()

    def set_number(self, label: str, value: float) -> None:
        self._one(self.tab.number_input, label).set_value(value)
        self.run()

    def open_tab(self, label: str, tabs: str = "plan_tabs") -> None:
        """Open a tab of those whose contents are made when they are looked at."""
        assert label in [one.label for one in self.tab.tabs]
        self.tab.session_state[tabs] = label
        self.run()

    def search(self, words: str) -> None:
        self._one(self.tab.text_input, "Search").set_value(words)
        self.run()

    def upload(self, **tables: str | bytes) -> None:
        """Put tables into the slots of their names; they are sent with the next press of a button."""
        for name, table in tables.items():
            source = tiny.as_source(name, table)
            self._one(self.tab.file_uploader, name.capitalize()).upload(source.name, source.content)

    def rows(self) -> list[dict[str, Any]]:
        return self.tab.dataframe[0].value.to_dict("records")

    def make_plan(self) -> None:
        self.go(PLAN)
        self.press("Make the plan")

    @staticmethod
    def _one(widgets: Any, label: str) -> Any:
        named = [one for one in widgets if one.label == label]
        found = named or [one for one in widgets if one.label.startswith(label)]
        assert len(found) == 1, f"{label}: {[one.label for one in widgets]}"
        return found[0]


@pytest.fixture(autouse=True)
def database(tmp_path, monkeypatch) -> Iterator[str]:
    address = f"sqlite:///{tmp_path / 'rounds.db'}"
    monkeypatch.setenv(DATABASE_VARIABLE, address)
    return address


@pytest.fixture
def demo() -> Visitor:
    visitor = Visitor()
    visitor.press("Open the demo")
    return visitor


@pytest.fixture
def planned(demo) -> Visitor:
    demo.make_plan()
    return demo


def with_tables(**tables: str | bytes) -> Visitor:
    visitor = Visitor()
    given = {"schools": tiny.SCHOOLS, "supporters": tiny.SUPPORTERS, "needs": tiny.NEEDS} | tables
    visitor.upload(**given)
    visitor.press("Check the files")
    return visitor


# ---- the first visit -----------------------------------------------------------------------------------------------


def test_the_first_visit_says_what_this_is_and_offers_two_ways_in():
    visitor = Visitor()
    assert visitor.title == "School support matching"
    assert "Find the best plan of which accredited leader supports which school" in visitor.words()
    assert visitor.buttons() == [
        "Open the demo",
        "Check the files",
        "Begin with the schools only",
        "Restore this round",
    ]
    assert visitor.downloads()[0] == "Download all templates (zip)"
    assert "Earlier rounds" not in visitor.words()


@pytest.mark.parametrize("step", [CHECK, RULES, PLAN, EXPORT], ids=lambda step: step.url_path)
def test_a_screen_without_a_round_leads_to_the_start(step):
    visitor = Visitor(step)
    assert visitor.title == step.title
    assert "No round is open." in visitor.words()
    assert visitor.links() == ["All rounds", "Go to Start"]


def test_checking_no_file_at_all_says_what_to_do():
    visitor = Visitor()
    visitor.press("Check the files")
    assert "No file was uploaded" in visitor.words()
    assert "Choose at least one file above" in visitor.words()
    assert visitor.title == "School support matching"


def test_the_demo_opens_with_its_tasks_and_keeps_the_address(demo):
    assert demo.title == "Start"
    assert demo.links() == ["All rounds", *(step.title for step in STEPS[1:])]
    assert re.findall("Done|Next|To do|Cannot start yet", demo.words().partition("marked “Next”")[2]) == [
        "Done",
        "Next",
        "To do",
        "Cannot start yet",
    ]
    assert Visitor(round=demo.round_id).title == "Start"


def test_the_name_is_asked_for_first_and_once():
    visitor = Visitor(PLAN, name=None)
    assert visitor.title == "Your name"
    visitor.give_name("  ")
    assert "Enter your name above, then press Continue." in visitor.words()
    visitor.give_name(" Rosa \n Quill ")
    assert visitor.title == "Plan"
    visitor.go(START)
    visitor.press("Open the demo")
    assert [one.by for one in open_store().get(visitor.round_id).events] == ["Rosa Quill"]


def test_each_person_has_a_name_of_their_own(demo):
    other = Visitor(round=demo.round_id, name="Rosa Quill")
    other.make_plan()
    again = Visitor(round=demo.round_id)
    again.press("Archive this round")
    assert [one.by for one in open_store().get(demo.round_id).events] == [NAME, "Rosa Quill", NAME]


@pytest.mark.parametrize("step", mostly_long(SCREENS, every=2), ids=lambda step: step.url_path)
def test_the_name_can_be_changed_on_every_screen(demo, step):
    demo.go(step)
    box = demo._one(demo.tab.text_input, "Your name, for the record")
    assert box.value == NAME
    box.set_value("Rosa  Quill")
    demo.run()
    assert demo._one(demo.tab.text_input, "Your name, for the record").value == "Rosa Quill"
    demo._one(demo.tab.text_input, "Your name, for the record").set_value(" ")
    demo.run()
    demo.go(START)
    assert demo._one(demo.tab.text_input, "Your name, for the record").value == "Rosa Quill"


def test_the_command_line_can_open_the_demo_once(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["screens.py", screens.DEMO_FLAG])
    first = Visitor()
    assert first.title == "Start"
    assert Visitor().round_id == first.round_id
    assert len(open_store().list()) == 1


def test_after_the_demo_of_the_command_line_own_files_can_be_used(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["screens.py", screens.DEMO_FLAG])
    visitor = Visitor()
    visitor.go(ROUNDS)
    visitor.upload(schools=tiny.SCHOOLS, supporters=tiny.SUPPORTERS, needs=tiny.NEEDS)
    visitor.press("Check the files")
    assert visitor.figure("Schools") == "3"
    assert sorted(one.name == "Demo area" for one in open_store().list()) == [False, True]


@pytest.mark.parametrize("step", mostly_long(STEPS, every=2), ids=lambda step: step.url_path)
def test_all_rounds_are_one_link_away_from_every_screen(demo, step):
    demo.go(step)
    assert "All rounds" in demo.links()
    demo.go(ROUNDS)
    assert demo.title == "School support matching"
    assert "Open now" in demo.words()
    demo.go(step)
    assert demo.title == step.title


def test_a_round_that_is_not_in_the_database_is_told():
    for step in (START, PLAN):
        visitor = Visitor(step, round="0123456789abcdef")
        assert "The round in the address is not in the database of this machine." in visitor.words()


def test_earlier_rounds_are_listed_and_can_be_opened(planned):
    other = Visitor()
    assert "Earlier rounds" in other.words()
    assert "Plan made" in other.words()
    other.press("Open")
    assert other.round_id == planned.round_id
    assert other.title == "Today"
    other.go(ROUNDS)
    other.press("Open the demo")
    assert other.round_id != planned.round_id
    assert other.title == "Start"
    assert len(open_store().list()) == 2


# ---- own tables ----------------------------------------------------------------------------------------------------


def test_own_tables_begin_a_round_that_can_be_planned():
    visitor = with_tables()
    assert visitor.title == "Check the data"
    assert (visitor.figure("Problems found"), visitor.figure("Schools"), visitor.figure("Needs")) == ("0", "3", "3")
    assert "No accreditation table was given." in visitor.words()
    visitor.make_plan()
    assert visitor.figure("Needs met") == "3 of 3"


def test_every_fault_is_listed_and_nothing_is_saved(database):
    visitor = with_tables(supporters=BROKEN)
    assert visitor.title == "Check the data"
    words = visitor.words()
    assert "There are 2 problems in your files" in words
    assert "'Secondry'" in words
    assert "supporters.csv: 2 problems" in words
    assert re.search(r"Did you mean 'Secondary'\?", words)
    assert "Download the problems (CSV)" in visitor.downloads()
    assert open_store(database).list() == ()


def test_only_the_faulty_file_is_uploaded_again():
    visitor = with_tables(supporters=BROKEN)
    assert len(visitor.tab.file_uploader) == 1
    visitor.upload(supporters=BROKEN.replace("Secondry", "Secondary"))
    visitor.press("Check again")
    assert "There is 1 problem in your files" in visitor.words()
    visitor.upload(supporters=tiny.SUPPORTERS)
    visitor.press("Check again")
    assert visitor.figure("Problems found") == "0"


def test_a_faulty_optional_file_can_be_left_out():
    visitor = with_tables(decisions=tiny.decisions("pin,S9,N1,,,,"))
    assert "There is 1 problem in your files" in visitor.words()
    visitor.press("Check again")
    assert "Nothing has changed yet, so there is nothing to check again." in visitor.words()
    visitor.tick("Continue without the decisions file")
    visitor.press("Check again")
    assert visitor.figure("Problems found") == "0"


def test_faulty_files_can_be_left():
    visitor = with_tables(supporters=BROKEN)
    visitor.press("Discard these files")
    assert "No round is open." in visitor.words()


def test_a_missing_table_and_a_file_in_the_wrong_slot_are_told():
    visitor = Visitor()
    visitor.upload(schools=tiny.SCHOOLS, needs=tiny.SUPPORTERS)
    visitor.press("Check the files")
    assert "This table is missing." in visitor.words()
    assert "looks like the supporters table" in visitor.words()


def test_many_problems_are_cut_on_screen_and_whole_in_the_download():
    needs = "need_id,school_urn,focus\n" + "".join(f"N{number},999999,maths\n" for number in range(250))
    visitor = with_tables(needs=needs)
    assert "The first 30 problems of each file are shown. Download them to see all 250." in visitor.words()


def test_changed_tables_of_a_round_without_a_plan_take_their_place():
    visitor = with_tables()
    first = visitor.round_id
    visitor.go(START)
    visitor.upload(needs=tiny.NEEDS + "N4,100000,maths,,,\n")
    visitor.press("Check the files")
    assert (visitor.figure("Needs"), visitor.round_id) == ("4", first)


def test_hostile_text_is_shown_as_text():
    script, formula = "<script>alert(1)</script>", "=1+1"
    visitor = with_tables(
        supporters=tiny.SUPPORTERS.replace("Ann Ash", script).replace("Bob Bay", formula),
        schools=tiny.SCHOOLS.replace("Alder School", "<img src=x onerror=alert(1)>"),
    )
    visitor.choose("Supporter", "S1")
    seen = [visitor.markup()]
    assert script in visitor.words()
    visitor.make_plan()
    visitor.choose("Need", "N1")
    seen.append(visitor.markup())
    assert script in visitor.words()
    assert "<img src=x onerror=alert(1)>" in visitor.words()
    assert formula in {row["Supporter"] for row in visitor.rows()}
    assert all("<script>alert" not in markup and "<img" not in markup for markup in seen)
    faulty = with_tables(supporters=tiny.SUPPORTERS.replace("maths;phonics", script))
    assert script in faulty.words()
    assert "<script>alert" not in faulty.markup()


# ---- check ---------------------------------------------------------------------------------------------------------


def test_people_who_cannot_be_deployed_are_shown_with_the_reason(demo):
    demo.go(CHECK)
    assert demo.figure("Supporters") == "41"
    assert len(demo.rows()) == 45
    demo.tab.radio[0].set_value(next(one for one in demo.tab.radio[0].options if one.startswith("Cannot")))
    demo.run()
    assert len(demo.rows()) == 4
    assert "Not accredited: SLE-8 not met." in demo.words()


def test_the_evidence_of_a_person_is_shown_criterion_by_criterion(demo):
    demo.go(CHECK)
    demo.choose("Supporter", "S011")
    words = demo.words()
    assert "Desmond Okoro (S011), LLE" in words
    assert "Cannot be deployed" in words
    assert "LLE-8" in words
    assert "Ofsted grade in the schools table" in words


def test_notices_and_files_are_there_to_be_opened(demo):
    demo.go(CHECK)
    assert "How the files were read" in demo.words()
    assert "schools.csv" in demo.words()


# ---- rules ---------------------------------------------------------------------------------------------------------


def test_a_changed_weight_changes_the_shares(demo):
    demo.go(RULES)
    assert "specialism 50%" in demo.words()
    demo.slide("Specialism", 1.0)
    assert "specialism 67%" in demo.words()


def test_a_changed_distance_changes_the_counts(demo):
    demo.go(RULES)
    pairs, lonely = demo.figure("Eligible pairs"), demo.figure("Needs out of reach")
    demo.set_number("SLE (km)", 10.0)
    assert int(demo.figure("Eligible pairs").replace(",", "")) < int(pairs)
    assert int(demo.figure("Needs out of reach")) > int(lonely)


def test_weights_that_are_all_zero_are_an_error(demo):
    demo.go(RULES)
    for name in ("Specialism", "Phase", "Distance"):
        demo.slide(name, 0.0)
    assert "All three weights are 0. Move at least one of them." in demo.words()
    assert demo._one(demo.tab.button, "Make the plan").disabled
    demo.slide("Phase", 0.3)
    assert "phase 100%" in demo.words()
    assert not demo._one(demo.tab.button, "Make the plan").disabled


def test_related_specialisms_and_the_trust_rule_change_the_counts(demo):
    demo.go(RULES)
    pairs = int(demo.figure("Eligible pairs"))
    demo.choose("For needs about", "maths")
    demo.tab.multiselect[0].set_value(["science"])
    demo.run()
    more = int(demo.figure("Eligible pairs"))
    assert more > pairs
    demo.tick("A supporter may support a school of their own trust")
    assert int(demo.figure("Eligible pairs")) > more


def test_the_needs_that_nobody_can_serve_are_listed(demo):
    demo.go(RULES)
    count = int(demo.figure("Needs out of reach"))
    assert f"Show the {count} needs out of reach" in demo.words()
    assert demo.markup().count('data-column="Need"') == count


def test_rules_that_were_not_used_yet_outlive_a_refresh(demo):
    demo.go(RULES)
    demo.slide("Specialism", 1.0)
    after_refresh = Visitor(RULES, round=demo.round_id)
    assert "specialism 67%" in after_refresh.words()


def test_any_policy_that_may_be_uploaded_can_be_shown():
    policy = "[weights]\nspecialism = 50\nphase = 20\ndistance = 30\n[max_distance_km]\nNLE = 10000\nLLE = 0.5\nSLE = 12.34\n"
    visitor = with_tables(policy=policy)
    visitor.go(RULES)
    assert [one.value for one in visitor.tab.number_input] == [10000, 0.5, 12.34, None, None]
    visitor.slide("Specialism", 10.0)
    visitor.slide("Specialism", 50.0)
    assert "specialism 50%" in visitor.words()


# ---- plan ----------------------------------------------------------------------------------------------------------


def test_the_plan_is_made_and_its_headline_told(planned):
    assert planned.figure("Needs met") == "69 of 90"
    assert planned.figure("Critical") == "12 of 12"
    assert "Proved: no plan is better." in planned.words()
    assert len(planned.rows()) == 90
    planned.go(START)
    assert planned.words().count("Done") == 3


def test_the_filters_leave_what_was_asked_for(planned):
    planned.choose("Show", "Unmet")
    assert {row["Supporter"] for row in planned.rows()} == {"Unmet"}
    assert len(planned.rows()) == 21
    planned.choose("Show", "Met")
    planned.choose("Local authority", "Kelverdale")
    planned.choose("Priority", "high")
    assert {(row["Local authority"], row["Priority"]) for row in planned.rows()} == {("Kelverdale", "high")}
    planned.choose("Priority", "All")
    planned.choose("Focus", "headship")
    planned.choose("Designation", "NLE")
    assert all((row["Focus"], row["Designation"]) == ("headship", "NLE") for row in planned.rows())


def test_searching_looks_in_names_and_identifiers(planned):
    planned.search("manjit english")
    assert {row["Supporter"] for row in planned.rows()} == {"Manjit Martínez"}
    planned.search("N012")
    assert [row["Need"] for row in planned.rows()] == ["N012"]
    planned.search("nobody of that name")
    assert "No need matches these filters. Clear one of them." in planned.words()


def test_a_chosen_need_tells_why_and_who_else(planned):
    planned.choose("Need", "N012")
    words = planned.words()
    assert "Manjit Martínez (S027, SLE)" in words
    assert "Who else could support it?" in words
    assert "Folasade Pickering (S015)" in words
    assert "no place left; supports" in words
    assert Visitor(PLAN, round=planned.round_id, need="N012").words().count("N012: English at") == 1


def test_why_not_her_is_answered(planned):
    planned.choose("Need", "N012")
    planned.choose("Why not another supporter?", "S004")
    assert "Ben Webb (S004) is not eligible for this need" in planned.words()
    assert "does not have English as a specialism." in planned.words()
    assert not any("(S027)" in option for option in planned.options("Why not another supporter?"))


def test_every_unmet_need_has_a_reason_and_a_nearest_option(planned):
    assert "21 unmet needs, with the reason and the nearest option" in planned.words()
    reasons = re.findall('data-column="(?:Why it is unmet|Nearest option)">(.*?)</td>', planned.markup())
    assert len(reasons) == 42
    assert all(reasons)


def test_an_unmet_need_can_be_explained(planned):
    planned.choose("Need", "N008")
    assert "None of the 28 SLEs who can be deployed has drama as a specialism." in planned.words()


def test_whom_the_people_who_could_support_a_need_support_is_drawn_when_it_is_looked_at(planned):
    planned.choose("Need", "N012")
    assert "The best score comes first." in planned.words()
    assert "Thick line: deployed in this plan." not in planned.words()
    planned.open_tab("Whom do they support?", "around_need")
    assert "Thick line: deployed in this plan." in planned.words()


def test_the_workload_is_told_by_designation(planned):
    planned.open_tab("Workload")
    assert re.search(r"69 of [\d,]+ places are used\.", planned.words())
    planned.choose("Workload of", "NLE")
    charts = [json.loads(one.proto.spec) for one in planned.tab.get("vega_lite_chart")]
    assert sum("Places used" in str(chart) for chart in charts) == 1
    assert [tab.label for tab in planned.tab.tabs][:2] == ["Unmet needs", "Workload"]


def test_changed_rules_make_the_plan_outdated_until_it_is_made_again(planned):
    planned.go(RULES)
    planned.set_number("SLE (km)", 10.0)
    planned.go(EXPORT)
    assert "You have changed the rules since this plan was made." in planned.words()
    planned.go(PLAN)
    assert "You have changed the rules since this plan was made." in planned.words()
    assert planned.figure("Needs met") == "69 of 90"
    planned.press("Make the plan again")
    assert "You have changed the rules" not in planned.words()
    assert planned.figure("Needs met") != "69 of 90"


def test_a_plan_that_stays_close_takes_the_place_of_the_earlier_one(planned):
    planned.go(RULES)
    planned.slide("Distance", 1.0)
    planned.tick("Change as little of the earlier plan as possible")
    planned.press("Make the plan")
    assert planned.title == "Plan"
    assert planned.figure("Needs met") == "69 of 90"
    assert Visitor(EXPORT, round=planned.round_id).title == "Hand over"


def test_a_round_that_was_changed_in_another_window_is_not_overwritten(demo):
    other = Visitor(PLAN, round=demo.round_id)
    other.press("Make the plan")
    demo.make_plan()
    assert "The round was changed in another window" in demo.words()
    demo.press("Open the round as it is now")
    assert demo.figure("Needs met") == "69 of 90"


# ---- export and server ---------------------------------------------------------------------------------------------


def test_the_export_waits_for_a_plan(demo):
    demo.go(EXPORT)
    assert "There is no plan to hand over yet." in demo.words()
    assert demo.downloads() == []


def test_the_export_offers_every_file(planned):
    planned.go(EXPORT)
    assert planned.downloads() == [
        "Download the Excel workbook",
        "Download the plan by school",
        "Download the plan by supporter",
        "Download the agreements to sign",
        "Download the rows for supporters",
        "Download the rows for schools",
        "Download the plan without names",
        "Download the unmet needs without names",
        *(f"Download {name}.csv" for name in ("plan", "unmet", "workload", "excluded", "equity")),
        "Download everything (zip)",
        "Download decisions.csv",
    ]
    assert "Plan: 69 rows" in planned.words()
    assert "Unmet needs: 21 rows" in planned.words()


def test_a_database_that_cannot_be_used_is_told_on_the_screen(tmp_path, monkeypatch):
    (tmp_path / "not_a_database.db").write_bytes(b"x" * 4096)
    monkeypatch.setenv(DATABASE_VARIABLE, f"sqlite:///{tmp_path / 'not_a_database.db'}")
    assert "The file is damaged, or is not a database of rounds." in Visitor().words()


def test_a_port_that_is_taken_is_told_before_anything_starts():
    with socket.socket() as taken:
        taken.bind(("localhost", 0))
        taken.listen()
        with pytest.raises(DataError, match=r"Port \d+ is in use.* Name another"):
            serve(port=taken.getsockname()[1], demo=False, open_browser=False)
