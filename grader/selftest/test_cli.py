"""The command line as a person meets it: one sentence, the right exit code, no traceback."""

import os
import subprocess
import sys

import pytest

from grader.paths import ROOT


def corral(*arguments, **environment):
    """Runs `python -m grader`; gives (exit code, everything printed)."""
    clean = {k: v for k, v in os.environ.items() if k not in ("LAB", "ARCH", "EMU", "FROM")}
    done = subprocess.run([sys.executable, "-m", "grader", *arguments], cwd=ROOT, text=True,
                          capture_output=True, check=False, env={**clean, **environment},
                          stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("arguments, said", [
    (["grade", "LAB=99"], "LAB=99 is unknown: the labs are"),
    (["grade", "LAB=8", "ARCH=arm"], "ARCH=arm is unknown: it is x86_64 or i386"),
    (["grade", "LAB=8", "EMU=vmware"], "EMU=vmware is unknown: it is qemu or bochs"),
    (["grade", "LAB=8", "TEST=nope"], "TEST=nope is unknown: the exercises of lab 8 are 8.1"),
    (["build", "LAB=8", "CC=tcc"], "CC=tcc is unknown: it is gcc or clang"),
    (["build", "LAB=8", "FROM=/none"], "FROM=/none is not there"),
    (["run", "LAB=8", "CPUS=9"], "CPUS=9 is not possible: 1 to 8"),
    (["grade", "LAB=8", "TEST=8.3", "EMU=qemu"], "8.3a does not run in x86_64/qemu, i386/qemu"),
    (["replay", "CASE=1.1a-1"], "nothing was graded yet"),
    (["frobnicate"], "the commands are build, grade"),
    ([], "the commands are build, grade"),
])
def test_a_bad_value_is_one_sentence(toy, private_build, arguments, said):
    code, output = corral(*arguments)
    assert code == 2 and said in output
    assert "Traceback" not in output and len(output.strip().splitlines()) == 1


def test_a_build_folder_that_is_a_file(toy, tmp_path):
    (tmp_path / "file").write_text("")
    code, output = corral("build", "LAB=8", "FROM=solutions", CORRAL_BUILD=str(tmp_path / "file"))
    assert code == 2 and "Traceback" not in output and "file" in output


def test_a_missing_tool_is_a_sentence(toy, private_build, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/make").symlink_to("/usr/bin/true")
    code, output = corral("build", "LAB=8", "FROM=solutions", PATH=str(tmp_path / "bin"))
    assert code == 2 and "is not installed: run ./setup" in output


def test_an_old_python_says_what_to_do():
    done = subprocess.run(
        [sys.executable, "-I", "-c",
         "import sys; sys.path.insert(0, %r); import grader.__main__ as m; "
         "m.missing = lambda: ['capstone']; m.SYSTEM = '/none'; sys.exit(m.main())" % str(ROOT)],
        capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "capstone: run ./setup" in done.stderr
