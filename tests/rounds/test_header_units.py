"""A table whose header says miles: its distances stay what they are when a row changes, and in a newer table."""

from datetime import date

from tiny import NEEDS, SCHOOLS, SUPPORTERS, as_source

from matching.inputs.read import read_inputs
from matching.rounds.history.events import RowChange
from matching.rounds.newer_table import difference
from matching.rounds.register import with_changes
from matching.tables.files import Source

HEADER, *PEOPLE = SUPPORTERS.splitlines()
OWN = "\n".join([f"{HEADER},max_distance_km", *(f"{row},32.2" for row in PEOPLE)])
IN_MILES = "\n".join([f"{HEADER},Willing to travel (miles)", *(f"{row},20" for row in PEOPLE)])
COLUMNS = Source("columns.toml", b'[supporters]\n"Willing to travel (miles)" = "max_distance_km"\n')


def given(supporters: str, **others: Source) -> dict[str, Source]:
    texts = {"schools": SCHOOLS, "supporters": supporters, "needs": NEEDS}
    return {name: as_source(name, text) for name, text in texts.items()} | others


def distances(sources: dict[str, Source]) -> list[float]:
    return read_inputs(sources).supporters["max_distance_km"].tolist()


def test_a_change_of_another_cell_leaves_the_distances_as_they_are():
    sources = given(IN_MILES, columns=COLUMNS)
    assert distances(sources) == [32.2] * 3
    change = RowChange("supporters", ("S1",), {"name": "Ann Ash"}, {"name": "Ann Oak"})
    changed = with_changes(sources, [change])
    assert changed["supporters"] != sources["supporters"]
    assert distances(changed) == [32.2] * 3


def test_a_newer_table_in_miles_differs_only_where_its_distances_do():
    found = difference(given(OWN), given(IN_MILES, columns=COLUMNS), "supporters", on=date(2026, 9, 1))
    assert found.all == ()
    further = given(IN_MILES.replace(",20", ",25", 1), columns=COLUMNS)
    (change,) = difference(given(OWN), further, "supporters", on=date(2026, 9, 1)).all
    assert (change.key, change.after) == (("S1",), {"max_distance_km": "25 miles"})


def test_a_word_and_its_standard_form_do_not_differ():
    newer = given(SUPPORTERS.replace("SLE", "S.L.E.").replace("Primary;Secondary", "KS2 and KS3"))
    assert difference(given(SUPPORTERS), newer, "supporters", on=date(2026, 9, 1)).all == ()
