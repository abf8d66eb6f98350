"""The packages are those on the map in docs/how-it-works.md, and imports run down it only."""

import ast
import graphlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "matching"
MAP = ROOT / "docs" / "how-it-works.md"
LONGEST_FILE_LINES = 450
MOST_NAMES_IN_A_FOLDER = 15
# The engine's next shape replaces most files of `solve`.
CROWDED = {"matching/solve"}


def rows_of_map() -> list[str]:
    """Return the names in the first column of the map, from the top down, such as `matching/ui/pages`."""
    lines = MAP.read_text(encoding="utf-8").splitlines()
    names = [re.match(r"\| `(matching/[a-z_/]+)(\.py)?`", line) for line in lines]
    return [name.group(1).rstrip("/") for name in names if name]


ORDER = rows_of_map()
MODULES = {
    path.relative_to(ROOT).with_suffix("").as_posix().removesuffix("/__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if "migrations" not in path.parts
}


def row_of(module: str) -> str:
    """Return the row of the map that a module belongs to: the longest name that it begins with."""
    return max((name for name in ORDER if f"{module}/".startswith(f"{name}/")), key=len, default="")


def imported(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports, anywhere in it, with slashes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (one.name.replace(".", "/") for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for one in node.names:
                inner = f"{node.module}.{one.name}".replace(".", "/")
                yield inner if inner in MODULES else node.module.replace(".", "/")


def test_no_file_is_long():
    lines = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8").count("\n") for path in MODULES.values()
    }
    assert {name: count for name, count in lines.items() if count > LONGEST_FILE_LINES} == {}


def test_no_folder_is_crowded():
    names = {}
    for module in MODULES:
        folder, _, name = module.rpartition("/")
        names.setdefault(folder, set()).add(name)
    crowded = {folder for folder, held in names.items() if len(held - {"__main__"}) > MOST_NAMES_IN_A_FOLDER}
    assert crowded <= CROWDED


def test_every_module_has_a_row_and_every_row_exists():
    beside = {"matching", "matching/__main__", "matching/ui"}
    assert {module for module in MODULES if not row_of(module)} <= beside
    assert [name for name in ORDER if not (ROOT / name).is_dir() and not (ROOT / f"{name}.py").is_file()] == []


@pytest.mark.parametrize("module", [module for module in MODULES if row_of(module)])
def test_imports_run_down_the_map(module):
    own = ORDER.index(row_of(module))
    above = {name for name in imported(MODULES[module]) if row_of(name) and ORDER.index(row_of(name)) < own}
    assert above == set()


@pytest.mark.parametrize("row", ORDER)
def test_files_of_one_package_do_not_import_each_other_in_a_circle(row):
    inside = {module for module in MODULES if row_of(module) == row}
    graph = {module: set(imported(MODULES[module])) & inside - {module} for module in inside}
    list(graphlib.TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("module", [module for module in MODULES if not module.startswith("matching/ui")])
def test_only_the_screens_know_streamlit(module):
    assert not any(name.split("/")[0] == "streamlit" for name in imported(MODULES[module]))


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith("matching/solve/")])
def test_the_solver_knows_nothing_of_schools(module):
    used = {name for name in imported(MODULES[module]) if name.startswith("matching/")}
    assert {name for name in used if not name.startswith("matching/solve")} <= {"matching/errors"}
