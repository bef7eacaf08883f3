"""Workers: what they send, what happens when one dies, and nothing is left behind."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grader import evaluate, labs, processes, runner, score
from grader.build import Build
from grader.evaluate import Grade
from grader.job import Job, JobTest
from grader.options import Options
from grader.paths import ROOT
from grader.runner import CellRun, run_cells
from grader.verdict import ERROR, FAIL, PASS

FAKE = "grader.selftest.fakemachine"


def grade_of(toy_lab, tmp_path, cells=("x86_64/qemu", "i386/bochs")) -> Grade:
    """A grade whose kernels are already there."""
    grade = Grade(toy_lab, Options(), list(cells), toy_lab.tests, "7")
    for arch in ("x86_64", "i386"):
        grade.builds[arch] = Build("lab8", arch, tmp_path / arch)
    return grade


def test_verdicts(toy_lab, tmp_path):
    grade = grade_of(toy_lab, tmp_path)
    evaluate.run(grade, evaluate.silent, machine=FAKE)
    found = {key: result.verdict for key, result in grade.results.items()}
    assert found == {
        ("8.1a", "x86_64/qemu"): PASS, ("8.1b", "x86_64/qemu"): FAIL,
        ("8.2a", "x86_64/qemu"): PASS, ("8.1a", "i386/bochs"): PASS,
        ("8.1b", "i386/bochs"): PASS, ("8.2a", "i386/bochs"): PASS, ("8.3a", "i386/bochs"): PASS}
    assert grade.counts["i386/bochs"] == {"tries": 7} and not grade.errors
    failure = grade.results["8.1b", "x86_64/qemu"].failure
    assert failure.expected == "7" and failure.cases[0].text == "the first"


def long_test(toy, ident):
    """The toy lab, with a test that takes long in QEMU."""
    path = toy / "grader/tests/lab8/lab.toml"
    path.write_text(path.read_text().replace(f'id = "{ident}"\n', f'id = "{ident}"\nlong = true\n'))
    return labs.load(path, toy)


@pytest.mark.parametrize("wrong_in, ran", [
    ("", {"i386/bochs"}),                                   # what passes in Bochs is not run again
    ("bochs", {"i386/bochs", "i386/qemu"}),                 # .. what fails is, in the same width
    ("qemu", {"i386/bochs"}),
])
def test_a_long_test_is_left_to_bochs(toy, tmp_path, wrong_in, ran):
    lab = long_test(toy, "8.2a")
    tests = toy / "grader/tests/lab8/test_toy.py"
    tests.write_text(tests.read_text().replace(
        "def test_second(cell):\n    pass",
        "def test_second(cell):\n    from grader.verdict import Fail\n"
        f"    if cell.emu == {wrong_in!r}:\n        raise Fail('wrong result', seen='3')"))
    grade = grade_of(lab, tmp_path, ["x86_64/qemu", "i386/qemu", "i386/bochs"])
    evaluate.run(grade, evaluate.silent, machine=FAKE)
    cells = {cell for test, cell in grade.results if test == "8.2a"}
    assert cells == ran | {"x86_64/qemu"} and not grade.errors       # there is no Bochs of 64 bits here
    assert grade.left == ({("8.2a", "i386/qemu")} if len(ran) == 1 else set())
    assert grade.expected == len(grade.results)
    assert score.test_max(grade, lab.test("8.2a")) == lab.test("8.2a").points


@pytest.mark.parametrize("asked", [{"test": "8.2a"}, {"schedules": 100}, {}])
def test_what_is_asked_for_by_name_is_left_to_nobody(toy, tmp_path, asked):
    lab = long_test(toy, "8.2a")
    grade = grade_of(lab, tmp_path, ["i386/qemu", "i386/bochs"])
    grade.options = Options(**asked)
    evaluate.run(grade, evaluate.silent, machine=FAKE, everywhere=not asked)
    assert {cell for test, cell in grade.results if test == "8.2a"} == {"i386/qemu", "i386/bochs"}


def test_a_free_processor_helps(toy, toy_lab, tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "workers", lambda: 3)
    monkeypatch.setattr(runner, "WORTH", 0.0)
    tests = toy / "grader/tests/lab8/test_toy.py"
    tests.write_text(tests.read_text().replace(
        "def test_second(cell):\n    pass", "def test_second(cell):\n    import time\n    time.sleep(1)"))
    names = set()
    grade = grade_of(toy_lab, tmp_path, ["x86_64/qemu", "i386/bochs"])
    evaluate.run(grade, lambda kind, run, record: names.add(run.name), machine=FAKE)
    assert names >= {"x86_64/qemu", "i386/bochs"} and any(name.endswith(" too") for name in names)
    assert len(grade.results) == grade.expected == 7 and not grade.errors
    names.clear()
    grade.results.clear()
    evaluate.run(grade, lambda kind, run, record: names.add(run.name), machine=FAKE, split=False)
    assert names == {"x86_64/qemu", "i386/bochs"}       # a trial beside others leaves them the processors


def test_first_come_those_that_failed(toy_lab, tmp_path):
    seen = []
    grade = grade_of(toy_lab, tmp_path, ["i386/bochs"])
    evaluate.run(grade, lambda kind, run, record: seen.append(record.get("test"))
                 if kind == "start" else None, machine=FAKE, first={"i386/bochs": ["8.2a"]})
    assert seen == ["8.2a", "8.1a", "8.1b", "8.3a"]


@pytest.mark.parametrize("body, said", [
    ("import os\n    os._exit(3)", "exit code 3"),
    ("raise ValueError('oops')", "ValueError: oops"),
    ("from grader.verdict import Inconclusive\n    raise Inconclusive('who knows')", "who knows"),
    ("import sys\n    sys.exit(0)", "SystemExit"),
])
def test_a_broken_test_is_a_grader_error(toy, toy_lab, tmp_path, body, said):
    tests = toy / "grader/tests/lab8/test_toy.py"
    tests.write_text(tests.read_text().replace(
        "def test_second(cell):\n    pass", f"def test_second(cell):\n    {body}"))
    grade = grade_of(toy_lab, tmp_path, ["i386/bochs"])
    evaluate.run(grade, evaluate.silent, machine=FAKE)
    assert len(grade.results) == grade.expected == 4
    assert grade.results["8.2a", "i386/bochs"].verdict == ERROR
    assert any(said in error for error in grade.errors)


def test_an_unknown_machine_is_a_grader_error(toy_lab, tmp_path):
    grade = grade_of(toy_lab, tmp_path, ["i386/bochs"])
    evaluate.run(grade, evaluate.silent, machine="grader.selftest.none")
    assert grade.errors and {r.verdict for r in grade.results.values()} >= {ERROR}


def test_seed_decides_the_random_numbers(toy_lab, tmp_path, toy):
    tests = toy / "grader/tests/lab8/test_toy.py"
    tests.write_text(tests.read_text().replace(
        'cell.count("tries", 7)', 'cell.count("number", cell.random.getrandbits(32))'))
    numbers = []
    for seed in ("7", "7", "8"):
        grade = grade_of(toy_lab, tmp_path, ["x86_64/qemu", "i386/bochs"])
        grade.seed = seed
        evaluate.run(grade, evaluate.silent, machine=FAKE)
        one, two = (grade.counts[cell]["number"] for cell in grade.cells)
        assert one == two
        numbers.append(one)
    assert numbers[0] == numbers[1] != numbers[2]


def test_a_worker_dies_with_its_parent(toy, toy_lab, tmp_path):
    tests = toy / "grader/tests/lab8/test_toy.py"
    mark = tmp_path / "pid"
    tests.write_text("import os, pathlib, time\n"
                     "def test_answer(cell):\n"
                     f"    pathlib.Path({str(mark)!r}).write_text(str(os.getpid()))\n"
                     "    time.sleep(60)\n")
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from grader.job import Job, JobTest\n"
        "from grader.runner import CellRun, run_cells\n"
        f"job = Job('i386/qemu', '', '', {str(toy_lab.tests_dir)!r}, "
        "[JobTest('8.1a', 'test_toy.py::test_answer')], '7', '', machine="
        f"{FAKE!r})\n"
        "run_cells([CellRun('i386/qemu', job)], lambda *a: None)\n")
    parent = subprocess.Popen([sys.executable, str(script)])
    try:
        pid = _wait_for(mark)
        parent.kill()
        parent.wait()
        end = time.monotonic() + 5
        while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
            if "Z" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3]:
                break
            time.sleep(0.05)
        else:
            assert not Path(f"/proc/{pid}").exists()
    finally:
        parent.kill()


def _wait_for(mark: Path) -> int:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if mark.exists() and mark.read_text():
            return int(mark.read_text())
        time.sleep(0.05)
    raise AssertionError("the worker did not start")


def test_a_silent_listener_and_no_scratch_left(toy_lab, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    import tempfile
    monkeypatch.setattr(tempfile, "tempdir", None)
    job = Job("i386/qemu", "", "", str(toy_lab.tests_dir),
              [JobTest("8.2a", "test_toy.py::test_second")], "7", "", machine=FAKE)
    run_cells([CellRun("i386/qemu", job)], lambda *a: None)
    assert not list(tmp_path.glob("corral-*")) and not processes._children
    assert os.getpid() == job.parent
