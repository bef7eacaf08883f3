"""Every command that README.md and the site show can be typed: all are checked, some are run."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from grader.cli import COMMANDS
from grader.labs import choose, find_labs
from grader.options import LOOSE, NAMES, gather, parse
from grader.paths import ROOT
from grader.selftest.intree import type_line
from grader.selftest.shown import SYSTEM, Command, commands, lines, pages

SHOWN = commands()
OPEN = re.compile(r"\.\.|^REV$|^NAME$|/NAME$|^/(?:some|srv)/")      # the reader puts something there
INSTEAD = {"HEAD_REV": "HEAD", "BASE_REV": "main", "HIDDEN": "", "FROM": "labs", "CASE": ""}
TARGETS = re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
CHEAP = {"ARCH": "x86_64", "EMU": "bochs"}


def split(words: tuple[str, ...]) -> tuple[list[str], dict[str, str]]:
    """The targets and the variables of a make command."""
    variables = dict(word.split("=", 1) for word in words if "=" in word)
    return [word for word in words if "=" not in word], variables


def check_variables(values: dict[str, str], page_lab: str) -> None:
    """Each is known, and its value is possible in this tree."""
    assert set(values) <= set(NAMES), f"no such variable: {set(values) - set(NAMES)}"
    known = {name: INSTEAD.get(name, "") if OPEN.search(value) else value
             for name, value in values.items()}
    options = parse(gather([f"{name}={value}" for name, value in known.items()], {}))
    labs = find_labs()
    named = known.get("CASE", "") or known.get("TEST", "")
    number = known.get("LAB") or named.split(".")[0] if re.match(r"\d", named) else known.get("LAB", "")
    if number and not (number == "8" and "8" not in map(str, labs)):
        lab = choose(number, labs)
        test = options.test or re.sub(r"-\d+$", "", options.case)
        assert not test or lab.test(test) or lab.exercise(test), f"lab {number} has no {test}"
        assert not page_lab or not named or named.startswith(f"{page_lab}."), "of another lab"
    source = values.get("FROM", "")
    if source not in ("", "labs", "solutions") and not source.startswith("/"):
        assert (ROOT / source.removesuffix("/NAME")).is_dir() or not (ROOT / "solutions").is_dir()


@pytest.mark.parametrize("command", SHOWN, ids=str)
def test_it_can_be_typed(command: Command):
    words = command.words
    if words[0] == "make":
        targets, variables = split(words[1:])
        done = subprocess.run(["make", "-n", *targets], cwd=ROOT, capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0, done.stderr
        for target in targets:
            if match := re.fullmatch(r"lab(.+)", target):
                assert match[1] == "8" or choose(match[1], find_labs())
        check_variables(variables, command.lab)
    elif words[:3] == ("python3", "-m", "grader"):
        assert words[3] in COMMANDS
        values = gather([re.sub(r"^(REV)$", "HEAD", word) for word in words[4:]], {},
                        LOOSE.get(words[3], ""))
        check_variables(values, command.lab)
    elif words[0] == "./setup":
        assert words[1:] in ((), ("developer",))
    else:
        assert " ".join(words).startswith((".ci/run", *SYSTEM)), "what is this?"
        for word in words[1:]:
            if match := re.search(r"(?:docs|grader)/[\w./-]+", word):
                assert (ROOT / match[0]).exists(), f"{match[0]} is not there"


def test_commands_are_found_where_they_are_shown():
    """So that an empty list does not pass."""
    readme = lines(ROOT / "README.md")
    assert "./setup && make lab1 grade FROM=solutions" in readme and "make lab1 && make grade" in readme
    assert len(SHOWN) > 150 and len({command.page for command in SHOWN}) > 12


def test_every_command_and_variable_is_documented():
    text = (ROOT / "docs/reference/commands.rst").read_text(encoding="utf-8")
    missing = [target for target in TARGETS if f"make {target}" not in text]
    missing += [name for name in NAMES if f"``{name}``" not in text]
    assert not missing


def test_no_page_names_a_file_that_is_not_there():
    """Paths of this tree between `` signs; in a line about Linux they are its own."""
    gone = []
    for page in pages():
        lines_ = [line for line in page.read_text(encoding="utf-8").splitlines() if "Linux" not in line]
        for path in re.findall(r"``((?:grader|kernel|docs|labs)/[\w./-]+)``", "\n".join(lines_)):
            if "labN" not in path and not (ROOT / path).exists():
                gone.append(f"{page.name}: {path}")
    assert not gone


# ---- what is really run ----

@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Types a command line in this tree, with a build folder of its own; (exit code, what it printed)."""
    build = tmp_path_factory.mktemp("build")

    def type_(line: str, **more: str) -> tuple[int, str]:
        place = more.setdefault("CORRAL_BUILD", str(build))
        return type_line(ROOT, line, CORRAL_REPORT=f"{place}/report", **more)

    return type_


def test_help_says_what_there_is(run):
    code, output = run("make")
    assert code == 0 and all(f"{target} " in output for target in ("setup", "grade", "docs", "test"))


def test_doctor_knows_each_tool(run):
    _, output = run("make doctor")
    assert all(tool in output for tool in ("qemu", "bochs", "gdb", "sphinx"))


def test_setup_has_nothing_to_do_where_all_is_there(run):
    """Where something is missing it would be installed: then this says nothing."""
    text = (ROOT / "setup").read_text(encoding="utf-8")
    wanted = re.search(r'^packages="(.*?)"', text, re.M | re.S)[1].split()
    known = subprocess.run(["dpkg-query", "-W", "-f=${db:Status-Status}\n", *wanted], text=True,
                           capture_output=True, check=False)
    if known.returncode or set(known.stdout.split()) != {"installed"}:
        pytest.skip("not everything is installed")
    for line in ("./setup", "make setup"):
        assert run(line) == (0, "setup: everything is installed\n")


def test_a_case_is_asked_for_before_anything_was_graded(run, tmp_path):
    code, output = run("make replay", CORRAL_BUILD=str(tmp_path))
    assert code == 2 and "nothing was graded yet" in output


@pytest.mark.skipif(not (ROOT / "solutions").is_dir(), reason="this tree has no solutions")
def test_the_two_lines_of_the_readme_and_a_replay(run):
    """One exercise in one cell: the reference, the skeleton, a case of the report, both debuggers."""
    code, output = run("make lab1 grade FROM=solutions TEST=1.1 SEED=1", **CHEAP)
    assert code == 0 and re.search(r"SCORE of 1\.1", output)
    code, output = run("make replay CASE=1.1a-1", **CHEAP)
    assert code == 0 and "CASE=1.1a-1" in output
    code, output = run("make debug FROM=solutions EMU=bochs", ARCH="x86_64")
    assert code == 0 and "kmain" in output
    code, output = run("make debug FROM=solutions ARCH=x86_64", EMU="qemu")
    assert code == 0 and "kmain" in output
    code, output = run("make lab1 && make grade TEST=1.1", **CHEAP)
    assert code in (0, 2) and "SCORE" in output
    code, output = run("make grade AS=text TEST=1.1", **CHEAP)
    assert code in (0, 2) and "1.1" in output and "|" not in output


@pytest.mark.skipif(not (ROOT / "solutions").is_dir(), reason="this tree has no solutions")
def test_the_lab_of_new_files_as_the_guide_shows_it(run, tmp_path):
    """Its files; test_toy_lab.py builds and grades it."""
    shown = "\n".join(lines(ROOT / "docs/instructor.rst"))
    assert "cp -r docs/examples/lab8 ../more\nexport LABS_PATH=$PWD/../more" in shown
    more = Path(tmp_path) / "more"
    run(f"cp -r docs/examples/lab8 '{more}'")
    code, output = run("make skeletons LAB=8", LABS_PATH=str(more))
    assert code == 0 and (more / "labs/lab8-toy/toy.c").is_file(), output
