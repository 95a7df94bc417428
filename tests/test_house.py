"""The rules of the house that a test can hold. CONTRIBUTING.md says them in words."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ("schemas", "thumper", "producers", "processors", "sinks", "api", "cli", "models")
MODULES = sorted(path for folder in (*SOURCE, "benchmarks", "tests") for path in (ROOT / folder).rglob("*.py"))
# What may be in one place only, and where that is.
ONLY_IN = {
    "time": {"thumper/clock.py"},
    "psycopg2": {"thumper/database.py", "thumper/embedded/postgres.py", "sinks/"},
    "supervisor": set[str](),
}
KAFKA_CLIENTS = {"Consumer", "Producer", "AdminClient", "DeserializingConsumer", "SerializingProducer"}
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc", "base"}
LONGEST_FUNCTION = 50
# Functions that are longer, each with its length: the list may only become shorter.
LONG_FUNCTIONS: Mapping[str, int] = {}
# Places of one machine, and where its packages came from, mean nothing on another.
OF_ONE_MACHINE = re.compile(
    rb"/(?:work/(?:main|shared)|root|Users/\w+|home/(?!appuser)\w+)/|--(?:extra-)?index-url|--find-links|files\.pythonhosted"
)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """(module, name) of every import; name is empty for a whole module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    tree = _tree(path)
    if tree.body:
        said = ast.get_docstring(tree)
        assert said, "its first line must say what it is for"
        assert said.splitlines()[0].endswith((".", ":", "?")), "a sentence, in one line"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_has_a_name_that_means_something(path: Path) -> None:
    assert not {path.stem, path.parent.name} & NAMELESS


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_functions_are_short(path: Path) -> None:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            allowed = LONG_FUNCTIONS.get(f"{_name(path)}::{node.name}", LONGEST_FUNCTION)
            assert length <= allowed, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", [path for path in MODULES if _name(path).split("/")[0] in SOURCE], ids=_name)
def test_what_has_one_place_is_imported_there_only(path: Path) -> None:
    for module, name in _imports(_tree(path)):
        places = ONLY_IN.get(module.split(".")[0])
        assert places is None or any(_name(path).startswith(place) for place in places), f"{module} {name}"


@pytest.mark.parametrize("path", [path for path in MODULES if _name(path).split("/")[0] in SOURCE], ids=_name)
def test_kafka_clients_are_built_in_one_file(path: Path) -> None:
    calls = {
        node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call)
    }
    assert _name(path) == "thumper/kafka.py" or not calls & KAFKA_CLIENTS


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_fakes_are_written_and_nothing_is_patched(path: Path) -> None:
    tree = _tree(path)
    assert not any(module.startswith("unittest.mock") or name == "mock" for module, name in _imports(tree))
    attributes = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    assert not attributes & {"monkeypatch.setattr", "monkeypatch.setitem", "mocker.patch"}


def test_no_exception_from_the_rules_outlives_its_reason() -> None:
    for name in LONG_FUNCTIONS:
        path, function = name.split("::")
        lengths = [
            (node.end_lineno or 0) - node.lineno + 1
            for node in ast.walk(_tree(ROOT / path))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == function
        ]
        assert max(lengths) > LONGEST_FUNCTION, f"{name} is short enough now: take it off the list"


def test_the_changelog_and_the_images_are_of_the_projects_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    newest = re.search(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == version
    images = re.findall(r"image: thumper:([\w.]+)-", (ROOT / "docker-compose.yml").read_text())
    assert set(images) == {version}


def test_nothing_tracked_speaks_of_one_machine() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.stdout.decode().split("\0")):
        path = ROOT / name
        if path.is_file() and path != Path(__file__):
            found = OF_ONE_MACHINE.search(path.read_bytes())
            assert found is None, f"{name}: {found[0]!r}"
