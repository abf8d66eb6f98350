"""Rates, cost and invoices: exact to the penny, and in no plan."""

import csv
import io
import json
import re
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

import pytest
import tiny
from depth import cases
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from test_contacts import every_text
from test_desk import PAIR, event, read, refused, state, status
from test_support import visit

from matching.allocation import allocate
from matching.errors import DataError
from matching.plan.as_bytes import plan_files, stored_digests
from matching.rounds.desk.handed_over import evaluation_summary, evaluations_table, support_workbook
from matching.rounds.desk.money import amount, cost, in_pounds, rates_of
from matching.rounds.desk.settings import DeskSettings, desk_settings, settings_events
from matching.rounds.desk.support_table import (
    INVOICE_COLUMNS,
    invoice_table,
    support_table,
    total,
    totals,
    workload_with_days,
)
from matching.rounds.history.events import Event
from matching.rounds.history.refusals import check_event
from matching.rounds.history.table import history_csv, what_happened
from matching.rounds.next_round import carried_settings
from matching.rounds.round import is_decision
from matching.tables.csv_out import csv_bytes
from matching.tables.policy import without_settings

NEEDS = (
    tiny.NEEDS.replace("priority\n", "priority,fund\n")
    .replace("high\n", "high,Core\n")
    .replace(",,,\n", ",,,,=Extra\n")
)
PAIRS = {"N1": "S1", "N2": "S2", "N3": "S1"}
"""Two deployments of an SLE, at Alder and at Cedar, and one of an LLE, at Birch."""


def rates(**about: str) -> Event:
    return Event(0, event("plan").at, "Jo", "rates", "", about)


def table(*events: Event, needs: str = NEEDS, **period: date):
    return support_table(state(*events), PAIRS, read(needs=needs), **period)


def pence(text: object) -> int:
    return int(Decimal(str(text)) * 100)


QUARTERS = st.integers(1, 4).map(lambda one: str(Decimal(one) / 4))
PENNIES = st.decimals(0, 2_000, places=2).map(str)
VISITS = st.lists(st.tuples(st.sampled_from(sorted(PAIRS.items())), QUARTERS), max_size=25)


@cases(60, 12)
@given(VISITS, st.fixed_dictionaries({"SLE": PENNIES}, optional={"LLE": PENNIES}))
def test_every_total_is_the_sum_of_its_rounded_rows_to_the_penny(visits, paid):
    events = [visit(day, days, need_id=pair[0], supporter_id=pair[1]) for day, (pair, days) in enumerate(visits)]
    found = table(rates(**paid), *events)
    invoice = invoice_table(found)
    by_hand = {}
    for (need_id, who), days in visits:
        by_hand[need_id, who] = by_hand.get((need_id, who), 0) + Fraction(days)
    assert {
        (one["need_id"], one["supporter_id"]): Fraction(one["days_logged"]) for one in invoice.to_dict("records")
    } == by_hand
    for row in invoice.to_dict("records"):
        rate = paid.get(row["designation"])
        assert (row["amount"] == "") == (rate is None)
        if rate is not None:
            halves = Fraction(row["days_logged"]) * Fraction(rate) * 100
            # Half a penny is rounded up.
            assert pence(row["amount"]) == (2 * halves.numerator + halves.denominator) // (2 * halves.denominator)
    whole = sum(pence(one or 0) for one in invoice["amount"])
    assert whole == pence(total(found, "cost_logged"))
    for by in ("supporter_id", "school_urn", "home_school_urn", "fund", "designation"):
        sums = totals(found, by)
        assert sum(pence(one or 0) for one in sums["cost_logged"]) == whole
        assert sum(sums["days_logged"]) == sum(by_hand.values())


@cases(15, 4)
@given(VISITS)
def test_every_sheet_of_the_workbook_adds_up_and_no_cell_of_it_is_a_formula(visits):
    events = [visit(day, days, need_id=pair[0], supporter_id=pair[1]) for day, (pair, days) in enumerate(visits)]
    found = table(rates(SLE="333.34", LLE="0"), *events)
    whole = pence(total(found, "cost_logged"))
    book = load_workbook(
        io.BytesIO(support_workbook(found, state(rates(SLE="333.34", LLE="0"), *events), private=False))
    )
    for sheet in book.worksheets:
        header, *rows = sheet.iter_rows(values_only=True)
        for column in ("amount", "cost_logged"):
            if column in header:
                assert sum(round(100 * (row[header.index(column)] or 0)) for row in rows if row[0] != "Total") == whole
        assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]


@cases(60)
@given(st.integers(0, 400), PENNIES)
def test_a_cost_is_rounded_half_up_once(quarters, rate):
    exact = Decimal(quarters) / 4 * Decimal(rate)
    assert cost(Decimal(quarters) / 4, Decimal(rate)) == exact.quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_half_a_penny_is_rounded_up_and_the_rows_add_up_and_not_the_days():
    events = [visit(1, "0.25"), visit(1, "0.25", need_id="N3")]
    found = table(rates(SLE="333.34"), *events)
    # 83.335 twice: the rows are 83.34 each, and half a day of it would be 166.67.
    assert invoice_table(found)["amount"].tolist() == ["83.34", "83.34"]
    assert total(found, "cost_logged") == Decimal("166.68")


def test_the_days_agreed_are_those_of_the_terms_or_else_of_the_need_and_ended_support_keeps_its_visits():
    events = [status("agreed"), rates(SLE="400", NLE="0"), event("terms", days="3.5"), visit(1), visit(2, "0.5")]
    found = table(*events).set_index("need_id")
    assert (found.at["N1", "days_agreed"], found.at["N3", "days_agreed"]) == (Decimal("3.5"), Decimal("2.5"))
    assert (found.at["N1", "cost_agreed"], found.at["N1", "cost_logged"]) == (1400, 600)
    assert (found.at["N2", "rate"], found.at["N2", "cost_logged"]) == (None, None)
    sums = totals(found.reset_index(), "designation").set_index("designation")
    # A cost that is not known is no cost of nothing.
    assert sums.loc["LLE", ["cost_agreed", "cost_logged", "without_rate"]].tolist() == [None, None, 1]
    assert sums.loc["SLE", ["cost_logged", "without_rate"]].tolist() == [600, 0]
    assert (found.at["N1", "fund"], found.at["N1", "home_school_name"]) == ("Core", "Birch School")
    ended = support_table(state(*events, status("withdrawn")), {"N1": "S2"}, read(needs=NEEDS))
    rows = {(one["need_id"], one["supporter_id"]): one for one in ended.to_dict("records")}
    assert (rows[PAIR]["days_agreed"], rows[PAIR]["days_logged"], rows[PAIR]["status"]) == (
        0,
        Decimal("1.5"),
        "withdrawn",
    )
    assert rows["N1", "S2"]["days_logged"] == 0


def test_a_round_without_a_deployment_has_tables_without_a_row():
    nothing = support_table(state(rates(SLE="400")), {}, read())
    assert (len(nothing), len(totals(nothing, "fund")), total(nothing, "cost_logged")) == (0, 0, 0)
    assert invoice_table(nothing).columns.tolist() == list(INVOICE_COLUMNS)
    assert evaluation_summary(nothing, state())["deployments"].tolist() == [0]
    assert load_workbook(io.BytesIO(support_workbook(nothing, state()))).sheetnames[0] == "Days"


def test_an_invoice_of_a_time_has_the_visits_of_that_time():
    events = [rates(SLE="400"), visit(1), visit(9, "0.5"), visit(20)]
    within = table(*events, first=date(2026, 9, 3), last=date(2026, 9, 15))
    (row,) = invoice_table(within).to_dict("records")
    assert (row["first_visit"], row["last_visit"], row["days_logged"], row["amount"]) == (
        "2026-09-10",
        "2026-09-10",
        "0.5",
        "200.00",
    )


def test_no_cell_of_an_invoice_runs_as_a_formula():
    found = invoice_table(table(rates(LLE="1"), visit(1, need_id="N2", supporter_id="S2")))
    assert found.columns.tolist() == list(INVOICE_COLUMNS)
    (row,) = csv.DictReader(io.StringIO(csv_bytes(found).decode("utf-8-sig")))
    assert row["fund"] == "'=Extra"


def test_the_workload_of_a_hand_over_has_the_days_and_the_plan_stays_as_it_is():
    inputs = tiny.read()
    plan = allocate(inputs)
    before = plan_files(plan, inputs, written_at=event("plan").at)
    found = table(rates(SLE="100.10"), visit(1, "0.25"))
    handed = workload_with_days(plan.workload, found, with_cost=True)
    assert handed.columns.tolist()[-3:] == ["days_logged", "cost_agreed", "cost_logged"]
    rows = handed.set_index("supporter_id")
    assert rows.loc["S1", ["days_logged", "cost_agreed", "cost_logged"]].tolist() == ["0.25", "450.45", "25.03"]
    assert rows.loc["S3", "days_logged"] == "0"
    assert workload_with_days(plan.workload, found, with_cost=False).columns[-1] == "days_logged"
    assert plan_files(plan, inputs, written_at=event("plan").at) == before


# ---- rates ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "pounds"), [("425", "425"), ("425.5", "425.5"), (" £1,250.75 ", "1250.75"), ("0", "0")]
)
def test_a_rate_is_read_as_people_write_it(written, pounds):
    assert amount(written, "SLE") == Decimal(pounds)


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"SLE": "-1"}, "'-1' is negative. Give 0 where a day costs nothing."),
        ({"SLE": "£-1"}, "'£-1' is negative."),
        ({"SLE": "4.005"}, "'4.005' is not an amount in pounds. Give pounds with at most two decimals"),
        ({"SLE": "1,00"}, "is not an amount in pounds."),
        ({"SLE": ""}, "'' is not an amount in pounds."),
        ({"SLE": "nan"}, "is not an amount in pounds."),
        ({"SLE": "100000.01"}, "is more than £100,000 a day."),
        ({"HLE": "1"}, "'HLE' is not a known designation. Known are: NLE, LLE, SLE."),
    ],
)
def test_a_rate_that_is_none_is_refused_with_a_sentence(about, words):
    assert words in refused(rates(**about))


def test_rates_are_settings_on_which_no_plan_depends():
    first, second = rates(SLE="400", LLE="0"), rates(SLE="425.50")
    check_event(state(), first)
    assert state(first, second).rates == {"SLE": Decimal("425.50")}
    assert what_happened(first) == "rates a day: SLE £400, LLE £0"
    assert not is_decision(first)
    assert rates_of({}) == {}
    assert in_pounds(Decimal("1250.5")) == "£1,250.50"


def test_the_next_round_has_the_settings_that_hold_in_this_one():
    undo = Event(0, event("plan").at, "Jo", "undo", "", {}, undoes=3)
    found = state(rates(SLE="400"), event("desk", remind_after_days="3"), rates(SLE="500"), undo)
    carried = carried_settings(found, by="Al")
    assert {one.by for one in carried} == {"Al"}
    after = state(*carried)
    assert (after.rates, after.desk) == (found.rates, found.desk) == ({"SLE": 400}, DeskSettings(remind_after_days=3))


def test_a_fund_is_read_and_kept_out_of_the_plan():
    with_fund, without = tiny.read(needs=NEEDS.replace("Core", "Zqfund")), tiny.read()
    assert with_fund.all_needs["fund"].tolist() == ["Zqfund", "=Extra", ""]
    assert stored_digests(with_fund) == stored_digests(without)
    files = plan_files(allocate(with_fund), with_fund)
    assert not [name for name, content in files.items() if b"Zqfund" in content]
    assert not [one for one in with_fund.notices if "fund" in one]


@pytest.mark.parametrize("private", [False, True])
def test_nothing_that_people_wrote_leaves_unless_it_is_ticked(private):
    wrote = [
        status("agreed", by="Jo"),
        event("terms", days="1", objectives="Zqobjectives"),
        visit(1, "0.25", by_whom="Zqhead", text="Zqvisit"),
        event("review", on="2026-09-02", text="Zqreview"),
        event("evaluation", on="2026-09-03", rating="3", text="Zqimpact"),
        rates(SLE="400"),
    ]
    found, inputs = state(*wrote), read(needs=NEEDS)
    support, plan = support_table(found, PAIRS, inputs), allocate(inputs)
    files = {
        **plan_files(plan, inputs),
        "workload.csv": csv_bytes(workload_with_days(plan.workload, support, with_cost=True)),
        "invoice.csv": csv_bytes(invoice_table(support)),
        "summary.csv": csv_bytes(evaluation_summary(support, found).astype(str)),
        "evaluations.csv": csv_bytes(evaluations_table(support, found, private=private)),
        "support.xlsx": support_workbook(support, found, private=private),
        "history.csv": history_csv(found.events),
    }
    leaving = {name for name, content in files.items() if "zq" in every_text(content)}
    assert leaving == ({"evaluations.csv", "support.xlsx"} if private else set())
    told = "".join(map(every_text, files.values()))
    assert not [word for word in ("zqobjectives", "zqhead", "zqvisit", "zqreview") if word in told]


# ---- settings in a policy file -------------------------------------------------------------------------------------

SETTINGS = """
[weights]
specialism = 0.6
[desk]
remind_after_days = 3
consents = ["supporter"]
[rates]
SLE = 425.50
LLE = 0
"""


def test_settings_of_a_policy_file_are_entries_of_the_round_and_no_plan_knows_them():
    source = tiny.as_source("policy", SETTINGS)
    desk, paid = settings_events(source, DeskSettings(), {}, by="Jo")
    found = state(desk, paid)
    assert found.desk == DeskSettings(3, 10, ("supporter",))
    assert found.rates == {"SLE": Decimal("425.50"), "LLE": Decimal(0)}
    assert settings_events(source, found.desk, found.rates, by="Jo") == []
    assert settings_events(None, found.desk, found.rates, by="Jo") == []
    plain = without_settings(source)
    assert b"rates" not in plain.content and without_settings(plain) is plain
    plans = [
        plan_files(allocate(one), one, written_at=desk.at)
        for one in (tiny.read(policy=SETTINGS), tiny.read(policy=plain))
    ]
    one, other = ({**json.loads(files.pop("manifest.json")), "timings": 0} for files in plans)
    assert (plans[0], one) == (plans[1], other)
    assert not [name for name, content in plans[0].items() if b"425.5" in content or b"remind" in content]


def test_every_fault_of_the_settings_of_a_policy_file_is_named_and_commands_pass_them_over():
    wrong = "[desk]\nremind_after_days = 0\nremind = 3\n[rates]\nSLE = -1.5\nHLE = 3\nNLE = 1.005\n"
    with pytest.raises(DataError) as caught:
        settings_events(tiny.as_source("policy", wrong), DeskSettings(), {}, by="Jo")
    words = {one.column: f"{one.message} {one.fix}" for one in caught.value.problems}
    assert {*words} == {"desk.remind_after_days", "desk.remind", "rates.SLE", "rates.HLE", "rates.NLE"}
    assert words["rates.SLE"].startswith("'-1.5' is negative.")
    assert words["rates.NLE"].startswith("'1.005' is not an amount in pounds.")
    assert tiny.read(policy=wrong).policy == tiny.read().policy
    with pytest.raises(DataError, match="is not a section"):
        settings_events(tiny.as_source("policy", "rates = 3\n"), DeskSettings(), {}, by="Jo")


def test_the_settings_that_the_template_of_a_policy_shows_can_be_used():
    template = (Path(__file__).parents[2] / "data" / "templates" / "policy.toml").read_text(encoding="utf-8")
    shown = re.sub(r"^# (?=\[|[A-Za-z_]+ = )", "", template, flags=re.MULTILINE)
    desk, paid = (
        one.about for one in settings_events(tiny.as_source("policy", shown), DeskSettings(1, 1), {}, by="Jo")
    )
    assert ({*desk}, {*paid}) == ({*DeskSettings().as_text()}, {"SLE"})
    assert desk_settings(desk) == DeskSettings()
