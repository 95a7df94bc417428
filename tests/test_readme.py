"""What README and docs tell people to type exists: make targets, commands, their options, Kafka's tools."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from typer.main import get_command

from cli.main import app
from tests.test_docs import PAGES, ROOT
from thumper.embedded.tools import TOOLS

CODE = re.compile(r"^```[a-z]*\n(.*?)^```$|(?<!`)`([^`\n]+)`(?!`)", re.MULTILINE | re.DOTALL)
THUMPER = re.compile(r"(?:^|[\s/(;])thumper ([a-z][a-z-]*)([^|#;\n]*)")
MAKE = re.compile(r"(?:^|[\s;])make ([a-z][a-z-]*)")
# What follows is for another program.
PASSED_ON = {"kafka", "psql"}
MAKEFILE = (ROOT / "Makefile").read_text()


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _code(page: Path) -> Iterator[str]:
    for block, inline in CODE.findall(page.read_text()):
        yield (block or inline).replace("\\\n", " ")


def _commands() -> dict[str, click.Command]:
    group = get_command(app)
    return dict(group.commands)  # type: ignore[attr-defined]


def _meant(command: click.Command, rest: str) -> list[click.Parameter]:
    """The parameters of `command`, or of those of its own commands that are named: `list`, or `list|show`."""
    own: dict[str, click.Command] = getattr(command, "commands", {})
    if not own:
        return command.params
    named = re.match(r"\s+([a-z][a-z|-]*)", rest)
    assert named is not None, f"thumper {command.name} needs one of {sorted(own)}"
    return [parameter for name in named[1].split("|") for parameter in own[name].params]


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_commands_and_their_options_exist(page: Path) -> None:
    commands = _commands()
    for text in _code(page):
        for name, rest in THUMPER.findall(text):
            assert name in commands, f"thumper {name}"
            if name not in PASSED_ON:
                known = {option for one in _meant(commands[name], rest) for option in one.opts} | {"--help"}
                used = set(re.findall(r"(?<=\s)--?[a-z][a-z-]*", rest))
                assert used <= known, f"thumper {name} {used - known}"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_kafkas_tools_exist(page: Path) -> None:
    for text in _code(page):
        assert set(re.findall(r"thumper kafka (kafka-[a-z-]+)", text)) <= set(TOOLS)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_make_targets_and_variables_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))
    for text in _code(page):
        for line in text.splitlines():
            found = MAKE.findall(line.partition("#")[0])
            assert set(found) <= targets, line
            if found:
                for variable in re.findall(r"\b([A-Z]+)=", line):
                    assert f"$({variable})" in MAKEFILE or f"{variable} ?=" in MAKEFILE, line


def test_the_readme_shows_the_two_commands_and_its_closing_line() -> None:
    text = (ROOT / "README.md").read_text()
    assert "make demo" in text
    assert "make test" in text
    assert re.search(r"^demo: \d+ pictures, \d+ completed, \d+ failed, lag 0$", text, re.MULTILINE)
    assert len(text.splitlines()) <= 150


def test_every_command_is_told_of_somewhere() -> None:
    told = {name for page in PAGES for text in _code(page) for name, _ in THUMPER.findall(text)}
    assert set(_commands()) <= told
