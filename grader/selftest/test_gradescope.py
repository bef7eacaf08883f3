"""The zip for Gradescope, and what runs inside it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from grader.course import gradescope
from grader.errors import GraderError
from grader.options import Options
from grader.paths import ROOT
from grader.selftest.hostile_repo import LAB


def test_the_zip(private_build, tmp_path):
    (tmp_path / "h/lab1").mkdir(parents=True)
    (tmp_path / "h/lab1/lab.toml").write_text(
        '[[exercise]]\nid = "1.90"\ntitle = "t"\npoints = 1\n[[exercise.test]]\nid = "1.90a"\n'
        'title = "t"\npoints = 1\ntest = "test_s.py::test_s"\n')
    (tmp_path / "h/lab1/test_s.py").write_text("def test_s(cell): pass\n")
    assert gradescope.gradescope_command(Options(lab="1", hidden=str(tmp_path / "h"))) == 0
    with zipfile.ZipFile(private_build / "gradescope-lab1.zip") as packed:
        names = packed.namelist()
        run = packed.read("run_autograder").decode()
        nothing = json.loads(packed.read("no-verdict.json"))
        packed.extractall(tmp_path / "out")
    assert {"setup.sh", "run_autograder", "hidden/lab1/test_s.py", "corral/setup",
            "corral/grader/cli.py", "corral/kernel/kernel.mk"} <= set(names)
    assert not any("solutions" in name or "__pycache__" in name for name in names)
    assert "autograde LAB=1 FROM=/autograder/submission" in run and "SANDBOX=container" in run
    assert "HIDDEN=/autograder/source/hidden" in run and nothing["score"] == 0
    for name in ("setup.sh", "run_autograder"):
        assert subprocess.run(["sh", "-n", str(tmp_path / "out" / name)]).returncode == 0


def test_the_knobs_go_along(private_build, tmp_path, monkeypatch):
    (tmp_path / "record.toml").write_text('[tell]\nrecord = "verdict"\n')
    monkeypatch.setenv("CORRAL_COURSE", str(tmp_path / "record.toml"))
    assert gradescope.gradescope_command(Options(lab="1")) == 0
    with zipfile.ZipFile(private_build / "gradescope-lab1.zip") as packed:
        assert packed.read("corral/course.toml") == (tmp_path / "record.toml").read_bytes()


def test_the_reference_is_not_given_away(private_build):
    with pytest.raises(GraderError, match="holds no solutions"):
        gradescope.gradescope_command(Options(lab="1", base={0: "solutions"}))


def autograde(tmp_path, *words, **environment):
    """Runs `autograde` over tmp_path/submission; gives the exit code and results.json."""
    target = tmp_path / "results/results.json"
    own = os.environ | {"CORRAL_RESULTS": str(target), "CORRAL_REPORT": str(tmp_path / "report"),
                        "CORRAL_BUILD": "/tmp/corral-selftest-gradescope"} | environment
    done = subprocess.run([sys.executable, "-m", "grader", "autograde", "LAB=1",
                           f"FROM={tmp_path}/submission", *words], cwd=ROOT, env=own,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900)
    shutil.rmtree("/tmp/corral-selftest-gradescope", ignore_errors=True)
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, json.loads(target.read_text())


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_a_submission(tmp_path):
    """Loose files, as Gradescope has them, graded without namespaces."""
    (tmp_path / "submission").mkdir()
    for path in (ROOT / "solutions" / LAB).glob("*.[chS]"):
        shutil.copy(path, tmp_path / "submission")
    code, told = autograde(tmp_path, "SANDBOX=container", "ARCH=x86_64", "EMU=bochs", "TEST=1.1a")
    assert code == 0 and told["score"] == 5, told["output"]
    assert [test["status"] for test in told["tests"]] == ["passed"]
    assert "the platform's container" in told["output"] and not told["extra_data"]["grader_error"]


def test_a_failure_of_the_grader_is_told(tmp_path):
    """The file is there, the score is 0, and the words say whose fault it is."""
    (tmp_path / "submission").mkdir()
    code, told = autograde(tmp_path, "SANDBOX=bwrap", PATH="/nowhere")
    assert code == 0 and told["score"] == 0 and told["extra_data"] == {"grader_error": True}
    assert "says nothing about your code" in told["output"]
    assert "bwrap is not installed" in told["output"]


def test_no_sandbox_no_grade(tmp_path):
    (tmp_path / "submission").mkdir()
    _, told = autograde(tmp_path)
    assert told["score"] == 0 and "SANDBOX is missing" in told["output"]


def test_a_folder_that_is_a_link(tmp_path):
    """A submission cannot name another's work, or the reference, as its own."""
    from grader.labs import find_labs
    from grader.sources import Refused, collect
    (tmp_path / "submission").mkdir()
    (tmp_path / "submission/labs").symlink_to(Path(ROOT) / "solutions")
    lab = find_labs()[1]
    with pytest.raises(Refused, match="labs is a symbolic link|is a symbolic link"):
        collect(lab, lab, Options(source=str(tmp_path / "submission")))
