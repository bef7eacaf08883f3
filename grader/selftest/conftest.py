"""Fixtures: a toy lab 8 made of new files only, and invented results."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from grader import evaluate
from grader.labs import find_labs
from grader.machine import Machine
from grader.options import Options
from grader.paths import build_dir

# All tests share the given kernel's objects, ..
os.environ.setdefault("CORRAL_GIVEN", str(build_dir().resolve()))
# Tests that run side by side share the builds, which are locked, and not the report.
if side := os.environ.get("PYTEST_XDIST_WORKER"):
    os.environ.setdefault("CORRAL_REPORT", str(build_dir() / f"report-{side}"))

LAB_TOML = """\
number = 8
name = "toy"
title = "A toy"
needs = []
symbols = ["toy_answer", "toy_second"]
[[exercise]]
id = "8.1"
title = "the answer"
points = 5
  [[exercise.test]]
  id = "8.1a"
  title = "a number"
  points = 3
  test = "test_toy.py::test_answer"
  [[exercise.test]]
  id = "8.1b"
  title = "another number"
  points = 2
  test = "test_toy.py::test_other"
[[exercise]]
id = "8.2"
title = "the second answer"
points = 2
  [[exercise.test]]
  id = "8.2a"
  title = "a second number"
  points = 2
  test = "test_toy.py::test_second"
[[exercise]]
id = "8.3"
title = "one more"
points = 3
bonus = true
  [[exercise.test]]
  id = "8.3a"
  title = "in Bochs only"
  points = 3
  test = "test_toy.py::test_bonus"
  needs = ["8.2"]
  cells = ["x86_64/bochs", "i386/bochs"]
  why = "the toy says so"
"""
TESTS = """\
from grader.verdict import WRONG, Fail


def test_answer(cell):
    assert not cell.machine.memory
    cell.machine.memory[1] = cell.random.getrandbits(8)
    cell.count("tries", 7)


def test_other(cell):
    assert not cell.machine.memory, "the parked state was not restored"
    if cell.width == 64:
        raise Fail(WRONG, expected="7", seen="8", case={"n": 1, "text": "the first"})


def test_second(cell):
    pass


def test_bonus(cell):
    pass
"""
TOY_C = """\
#include "hole.h"

int toy_answer(void);
int toy_second(void);

int toy_answer(void)
{
    /* BEGIN 8.1 */
    return 7;
    /* INSTEAD 8.1 */
    //| HOLE("8.1", "say seven");
    /* END 8.1 */
}

int toy_second(void)
{
    /* BEGIN 8.2 */
    return 2;
    /* INSTEAD 8.2 */
    //| HOLE("8.2", "say two");
    /* END 8.2 */
}
"""


def pytest_collection_modifyitems(items: list) -> None:
    """The file that takes longest begins: where files run side by side, nobody waits for it alone."""
    items.sort(key=lambda item: item.path.name != "test_shell.py")


@pytest.fixture(scope="session")
def kernels(tmp_path_factory) -> dict[str, Path]:
    """A kernel of each width, with lab 1's reference: by its name, a folder with kernel.elf and
    corral.iso.  The folder's name holds a space and a comma."""
    built = evaluate.prepare(find_labs()[1], [], Options(source="solutions")).builds
    place = tmp_path_factory.mktemp("kernels")
    folders = {arch: place / f"a, b {arch}" for arch in built}
    for arch, build in built.items():
        assert not build.problem, build.details
        folders[arch].mkdir()
        for file in (build.elf, build.iso, build.elf.with_name("checker.elf")):
            shutil.copy2(file, folders[arch])
    return folders


@pytest.fixture
def m(booted) -> Machine:
    """The machine that the module's fixture `booted` has made, back in the snapshot beside it."""
    machine, parked = booted
    machine.restore(parked)
    return machine


@pytest.fixture(scope="session", autouse=True)
def entered(tmp_path_factory) -> None:
    """The sandbox's user may walk through the folders in which pytest keeps those of the tests."""
    place = tmp_path_factory.getbasetemp()
    while place.stat().st_uid == os.getuid() and place != place.parent and "pytest-" in str(place):
        place.chmod(0o711)
        place = place.parent


@pytest.fixture
def toy(tmp_path: Path, monkeypatch) -> Path:
    """A root with lab 8, found through LABS_PATH."""
    root = tmp_path / "more labs"
    tests = root / "grader/tests/lab8"
    solution = root / "solutions/lab8-toy"
    for folder in (tests, solution, root / "labs/lab8-toy"):
        folder.mkdir(parents=True)
    (tests / "lab.toml").write_text(LAB_TOML)
    (tests / "test_toy.py").write_text(TESTS)
    (solution / "toy.c").write_text(TOY_C)
    monkeypatch.setenv("LABS_PATH", str(root))
    return root


@pytest.fixture
def toy_lab(toy: Path):
    """The toy lab as the grader finds it."""
    from grader.labs import find_labs
    return find_labs()[8]


@pytest.fixture
def private_build(tmp_path: Path, monkeypatch) -> Path:
    """A build folder of its own."""
    place = tmp_path / "build"
    monkeypatch.setenv("CORRAL_BUILD", str(place))
    return place
