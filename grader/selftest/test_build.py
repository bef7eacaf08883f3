"""Real builds of a toy lab over the given kernel, one width: what a student sees when they fail."""

import os
import time

import pytest

from grader import build as building
from grader import evaluate, sandbox
from grader.course import skeleton
from grader.labs import find_labs
from grader.options import Options
from grader.paths import ROOT
from grader.selftest.intree import warm

ONE = Options(arches=("x86_64",), base={0: "solutions"})
pytestmark = pytest.mark.skipif(not (ROOT / "solutions/lab1-stack-switch").is_dir(),
                                reason="needs the reference of lab 1")


@pytest.fixture
def lab(toy):
    """The toy lab on lab 1, its files written."""
    path = toy / "grader/tests/lab8/lab.toml"
    path.write_text(path.read_text().replace("needs = []", "needs = [1]"))
    found = find_labs()[8]
    skeleton.write(found, force=False)
    return found


def built(lab, text=None, **files):
    """Builds with toy.c's text replaced, and with more files; gives the Build."""
    folder = lab.root / "labs/lab8-toy"
    if text is not None:
        (folder / "toy.c").write_text(text)
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content)
    return evaluate.prepare(lab, [], ONE).builds["x86_64"]


GOOD = "int toy_answer(void);\nint toy_second(void);\nint toy_answer(void) { return 7; }\n" \
       "int toy_second(void) { return 2; }\n"


def test_skeleton_builds_and_names_its_holes(lab):
    build = built(lab)
    assert not build.problem and not build.warnings
    assert [(h.exercise, h.place) for h in build.holes] == [
        ("8.1", "labs/lab8-toy/toy.c:8"), ("8.2", "labs/lab8-toy/toy.c:13")]
    grade = evaluate.whole(lab, ONE)
    texts = {test: result.text for (test, cell), result in grade.results.items()}
    assert texts == {"8.1a": "not written yet: labs/lab8-toy/toy.c:8",
                     "8.1b": "not written yet: labs/lab8-toy/toy.c:8",
                     "8.2a": "not written yet: labs/lab8-toy/toy.c:13", "8.3a": "waits for 8.2"}


def test_the_same_files_are_not_built_twice(lab):
    assert built(lab, GOOD).folder == built(lab, GOOD).folder
    assert not built(lab, GOOD).fresh
    assert built(lab, GOOD + "\n").folder != built(lab, GOOD).folder


def test_a_change_of_one_line_is_quick(lab):
    built(lab, GOOD)
    started = time.monotonic()
    assert not built(lab, GOOD + f"/* {started} */\n").problem
    assert time.monotonic() - started < 10      # 2 s on an idle machine


def test_what_begins_as_a_copy_ends_as_what_is_built_anew(lab, tmp_path, monkeypatch):
    text = '#include "toy.h"\n' + GOOD.replace("return 7", "return SEVEN")
    folders = {place: warm(tmp_path / place) for place in ("one", "two")}
    for place in folders:
        monkeypatch.setenv("CORRAL_BUILD", str(folders[place]))
        if place == "one":
            first = built(lab, text, toy_h="#define SEVEN 7\n")
            assert not first.problem
        last = built(lab, text, toy_h="#define SEVEN 9\n")
        log = (last.folder / "build.log").read_text()
        assert ("lab1-stack-switch/tss.c\n" in log) == (place == "two")
    old, new = (next((tmp_path / place).glob(f"{last.folder.name}/kernel.elf")).read_bytes()
                for place in ("one", "two"))
    assert old == new != first.elf.read_bytes()


def test_a_warning_is_said_again_by_the_next_build(lab):
    warns = GOOD + "static int unused(void) { return 0; }\n"
    assert built(lab, warns, other_c="int toy_third(void);\n").warnings
    assert built(lab, warns, other_c="int toy_third(void);\n\n").warnings


@pytest.mark.parametrize("text, said", [
    (GOOD.replace("2;", "2"), "labs/lab8-toy/toy.c:4: expected"),
    (GOOD.replace("return 2", "return nope(2)"), "`nope` is used but defined nowhere"),
    (GOOD.replace("int toy_second(void) { return 2; }", ""),
     "does not define `toy_second`, which the contract asks for"),
    (GOOD + "void kmain(void);\nvoid kmain(void) {}\n",
     "defines `kmain`, which the kernel already gives"),
    ('#include "../../kernel/x86/apic.h"\n' + GOOD, "lies outside the lab"),
])
def test_a_mistake_is_a_sentence(lab, text, said):
    build = built(lab, text)
    assert said in build.problem, build.problem
    assert "\n" not in build.problem and build.details


def test_a_private_header_is_not_for_labs(lab):
    build = built(lab, '#include <x86/lapic_regs.h>\n' + GOOD)
    assert build.problem


def test_the_verdict_of_a_lab_that_does_not_build(lab):
    built(lab, GOOD.replace("2;", "2"))
    grade = evaluate.whole(lab, ONE)
    assert {result.reason for result in grade.results.values()} == {"does not build"}
    assert not grade.errors and len(grade.results) == grade.expected


def test_old_folders_go(private_build, monkeypatch):
    monkeypatch.setattr(building, "KEEP", 1)
    for number, age in enumerate((10, 5000, 6000, 7000)):
        folder = private_build / f"lab8-x-{number}"
        folder.mkdir(parents=True)
        (folder / "lock").write_text("")
        os.utime(folder / "lock", (time.time() - age,) * 2)
    with building.locked(private_build / "lab8-x-2", shared=True):
        os.utime(private_build / "lab8-x-2/lock", (time.time() - 6000,) * 2)
        building.tidy()
    assert sorted(p.name for p in private_build.iterdir()) == ["lab8-x-0", "lab8-x-2"]


@pytest.mark.skipif(not sandbox.possible(), reason="this system allows no user namespaces")
def test_the_reference_cannot_be_seen(lab):
    path = ROOT / "solutions/lab1-stack-switch/tss.c"
    sneaky = f'asm(".macro x a b\\n.\\\\a\\\\b \\"{path}\\"\\n.endm\\nx inc bin");\n'
    build = built(lab, GOOD + sneaky)
    assert "labs/lab8-toy/toy.c" in build.problem and "tss.c" in build.problem, build.problem
    assert any("No such file" in line or "not found" in line for line in build.details)
