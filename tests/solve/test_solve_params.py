"""The solver's parameters: frozen, read from TOML, and refused with a sentence where they are wrong."""

import pytest
from pydantic import ValidationError

from matching.errors import DataError
from matching.solve.params import DEFAULTS, FlowParams, SolveParams
from matching.tables.files import Source
from matching.tables.toml_files import read_model


def solve_params(toml: str) -> SolveParams:
    return read_model(SolveParams, Source("solver settings", toml.encode()))


def test_an_empty_file_gives_the_defaults():
    assert solve_params("") == DEFAULTS == SolveParams()


def test_a_file_changes_only_what_it_names():
    found = solve_params("time_limit_s = 5.0\n[flow]\nfirst_pairs = 3\n[what_if]\nneeds_around = [10]\n")
    assert found.time_limit_s == 5
    assert found.flow == FlowParams(first_pairs=3)
    assert found.what_if.needs_around == (10,)
    assert found.market == DEFAULTS.market


def test_every_parameter_can_be_written_in_a_file():
    lines = [f"time_limit_s = {DEFAULTS.time_limit_s}"]
    for section, values in DEFAULTS.model_dump(exclude={"time_limit_s"}).items():
        lines += [f"[{section}]", *(f"{key} = {list(v) if isinstance(v, tuple) else v}" for key, v in values.items())]
    assert solve_params("\n".join(lines)) == DEFAULTS


def test_parameters_are_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        DEFAULTS.flow.first_pairs = 1


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[flow", "solver settings: This is not a TOML file that can be read"),
        ("[flows]", "solver settings, column flows: This key is not known. Did you mean 'flow'?"),
        ("speed = 1", "solver settings, column speed: This key is not known. Known here are: time_limit_s, market"),
        ("[flow]\nfirst_pair = 3", "column flow.first_pair: This key is not known. Did you mean 'first_pairs'?"),
        ("[flow]\nfirst_pairs = 0", "column flow.first_pairs: '0' cannot be used. Input should be greater than or"),
        ("[flow]\nfirst_pairs = 2.5", "column flow.first_pairs: '2.5' cannot be used. Input should be a valid integer"),
        ("[loads]\nsmoothing = 1.5", "'1.5' cannot be used. Input should be less than or equal to 1"),
        ("time_limit_s = inf", "column time_limit_s: 'inf' cannot be used. Input should be a finite number"),
        ("[what_if]\nneeds_around = [40, 0]", "column what_if.needs_around.1: '0' cannot be used."),
        ("market = 3", "column market: '3' cannot be used."),
    ],
)
def test_unknown_and_invalid_values_are_refused_with_a_sentence(toml, message):
    with pytest.raises(DataError) as caught:
        solve_params(toml)
    (problem,) = caught.value.problems
    assert message in str(problem)
    assert problem.fix
