"""TOML files: to keys, and to a frozen model with a problem for each key that cannot be used."""

import json
import tomllib
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from matching.errors import DataError, Problem, did_you_mean, file_problem, shown
from matching.tables.files import Source, unpacked

Model = TypeVar("Model", bound=BaseModel)


def toml_keys(source: Source, fix: str, *, numbers: Callable[[str], Any] = float) -> dict[str, Any]:
    """Return the keys of a TOML file, gzipped or not; `numbers` converts the text of a number with decimals.

    Raises
    ------
    DataError
        The file is not TOML; `fix` is what to do then.
    """
    try:
        return tomllib.loads(unpacked(source).decode("utf-8-sig"), parse_float=numbers)
    except (ValueError, RecursionError) as error:
        message = f"This is not a TOML file that can be read ({error})."
        raise DataError([file_problem(source.name, message, fix)]) from error


def read_model(
    model: type[Model],
    source: Source,
    fix: str = "Start from an empty file and add one key at a time.",
    *,
    but: Collection[str] = (),
) -> Model:
    """Return a model with the values that a TOML file sets, and the defaults of all others.

    Parameters
    ----------
    model : type
    source : Source
    fix : str
        What to do if the file is not TOML.
    but : collection of str
        Keys that are not the model's, and are passed over.

    Raises
    ------
    DataError
        The file is not TOML, or with a `Problem` for each key that is unknown or has a value that cannot be used;
        `column` is the key's dotted path.
    """
    keys = {name: value for name, value in toml_keys(source, fix).items() if name not in but}
    try:
        return model.model_validate(with_tuples(keys))
    except ValidationError as error:
        raise DataError(as_problem(model, source.name, detail) for detail in error.errors()) from error
    except DataError as error:
        # A model that refuses values itself does not know the file.
        raise DataError(replace(one, table=source.name) for one in error.problems) from error


def toml_value(value: str | float | list[str]) -> str:
    """Return a value as TOML writes it."""
    # Every JSON string, number and list of strings is a TOML one, but for this control character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def with_tuples(value: Any) -> Any:
    """Return a value with every list in it as a tuple."""
    if isinstance(value, dict):
        return {key: with_tuples(item) for key, item in value.items()}
    return tuple(value) if isinstance(value, list) else value


def as_problem(model: type[BaseModel], table: str, detail: Any) -> Problem:
    """Return one error of the library that validates a model as a problem of a file or table."""
    # The library marks a fault of the key itself, not of its value, with '[key]'.
    path = ".".join(str(part) for part in detail["loc"] if part != "[key]")
    found = "" if isinstance(detail["input"], dict) else _as_text(detail["input"])
    if detail["type"] == "extra_forbidden":
        known = _known_keys(model, detail["loc"][:-1])
        fix = did_you_mean(str(detail["loc"][-1]), known, "Known here are: " + ", ".join(known) + ".")
        return Problem(table, None, path, found, "This key is not known.", fix)
    # A validator of ours may give the fix on a second line.
    message, _, fix = str(detail.get("ctx", {}).get("error", detail["msg"])).partition("\n")
    message = message[0].upper() + message[1:] + "."
    if found and not fix:
        message = f"{shown(found)} cannot be used. {message}"
    return Problem(table, None, path, found, message, fix or "Change the value, or leave the key out for the default.")


def _as_text(value: object) -> str:
    try:
        return str(list(value) if isinstance(value, tuple) else value)
    except ValueError:  # Python refuses to write a whole number of more than 4,300 digits
        return "a very long number"


def _known_keys(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    section: Any = model
    for part in path:
        section = section.model_fields[part].annotation
    return list(section.model_fields)
