"""The screens' tuning numbers: their defaults, and what is refused."""

import pytest
from pydantic import ValidationError

from matching.errors import DataError
from matching.tables.files import Source
from matching.tables.toml_files import read_model
from matching.ui.state.params import SCREENS_VARIABLE, ScreenParams, server_params


def read_screen_params(text: str) -> ScreenParams:
    return read_model(ScreenParams, Source("screens.toml", text.encode()))


def test_an_empty_file_equals_the_defaults():
    assert read_screen_params("") == ScreenParams()


def test_a_file_sets_the_keys_that_it_names():
    assert read_screen_params("patience_s = 4.0") == ScreenParams(patience_s=4.0)


def test_the_numbers_cannot_be_changed_afterwards():
    with pytest.raises(ValidationError):
        ScreenParams().patience_s = 4.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("patience_s = -1.0", "greater than or equal to 0"),
        ("patience = 1.0", "Did you mean 'patience_s'"),
        ("largest_file_mb = 0", "greater than or equal to 1"),
        ("patience_s", "This is not a TOML file"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_way_on(text, words):
    with pytest.raises(DataError, match=words) as refused:
        read_screen_params(text)
    assert refused.value.problems[0].fix


def test_the_server_reads_the_file_that_the_environment_names(tmp_path, monkeypatch):
    monkeypatch.delenv(SCREENS_VARIABLE, raising=False)
    assert server_params() == ScreenParams()
    settings = tmp_path / "screens.toml"
    settings.write_text("patience_s = 4.0")
    monkeypatch.setenv(SCREENS_VARIABLE, str(settings))
    assert server_params() == ScreenParams(patience_s=4.0)
    monkeypatch.setenv(SCREENS_VARIABLE, str(tmp_path / "none.toml"))
    with pytest.raises(DataError, match="The file cannot be read"):
        server_params()
