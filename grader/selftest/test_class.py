"""`python3 -m grader class` as a whole: a small class in one cell, killed in the middle, resumed."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from grader import sandbox
from grader.cli import main
from grader.paths import ROOT
from grader.selftest import handedin
from grader.selftest.test_pr_sandbox import needs_bwrap

pytestmark = [needs_bwrap, pytest.mark.skipif(not (ROOT / "solutions" / handedin.SLUG).is_dir(),
                                              reason="needs the reference of lab 1")]


def command(*words, **environment):
    own = {name: value for name, value in os.environ.items()
           if not name.startswith(("CORRAL_", "LABS_PATH"))}
    return subprocess.Popen([sys.executable, "-m", "grader", "class", *map(str, words)], cwd=ROOT,
                            env=own | environment, text=True, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)


def said_by(process, seconds=900):
    said, _ = process.communicate(timeout=seconds)
    assert "Traceback" not in said, said
    return process.returncode, said


def marks(out):
    with open(out / "marks.csv", newline="", encoding="utf-8") as stream:
        return {row["id"]: row for row in csv.DictReader(stream)}


def outcomes(out):
    return {path.parent.name: (path.stat().st_ino, path.stat().st_mtime_ns)
            for path in (out / "grades").glob("[!.]*/outcome.json")}


def kill_in_the_middle(process, out, after):
    """kill -9 as soon as so many are graded; gives what was there."""
    deadline = time.monotonic() + 600
    while len(outcomes(out)) < after:
        assert process.poll() is None and time.monotonic() < deadline, process.stdout.read()
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    return outcomes(out)


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory):
    """Eight submissions, and the folder of records after a kill and a second start."""
    top = tmp_path_factory.mktemp("class")
    expected = handedin.write(top / "submissions", 8)
    (top / "roster.csv").write_text("id,name\n" + "".join(
        f"{ident},Name of {ident}\n" for ident in expected if ident != "slip") + "away,=1+1\n")
    words = (top / "submissions", "--out", top / "out", "--roster", top / "roster.csv",
             *handedin.WORDS)
    before = kill_in_the_middle(command(*words), top / "out", 2)
    code, said = said_by(command(*words))
    return top, expected, words, before, code, said


def test_killed_and_resumed_the_table_is_right(handed_in):
    top, expected, _, before, code, said = handed_in
    assert code == 0, said
    wanted = expected | {"away": handedin.Expected("no submission", 0, "no submission")}
    assert handedin.wrong_rows(wanted, marks(top / "out")) == []
    assert before.items() <= outcomes(top / "out").items(), "graded twice"
    assert "not on the roster: slip" in said and "away" in said
    assert marks(top / "out")["away"]["name"] == "'=1+1"
    assert "\r" not in said and "\x1b" not in said, "a progress bar is for terminals"


def test_started_again_nothing_is_graded(handed_in):
    top, _, words, _, _, said = handed_in
    was = outcomes(top / "out"), (top / "out/marks.csv").read_bytes()
    code, again = said_by(command(*words))
    assert code == 0 and "8 submissions, 0 to grade, seed 7c1e" in again
    assert was == (outcomes(top / "out"), (top / "out/marks.csv").read_bytes())
    assert again.split("\n\n")[1:] == said.split("\n\n")[1:]


def test_the_pages(handed_in):
    top, *_ = handed_in
    text = (top / "out/index.html").read_text()
    assert 'href="grades/ref/index.html"' in text and "alternate copy" in text
    assert (top / "out/grades/ref/index.html").is_file()
    for secret in ("root:x", "<script"):
        assert secret not in text
    data = json.loads((top / "out/grades/ref/grade.json").read_text())
    assert data["sandbox"] == "bwrap" and data["seed"] == "7c1e"


def test_other_words_are_another_class(handed_in):
    _, _, words, *_ = handed_in
    code, said = said_by(command(*words[:-1], "SEED=8"))
    assert code == 2 and "was begun with LAB=1" in said and "name another folder" in said


def test_handed_in_again(handed_in, tmp_path):
    """Whose files have changed is graded again, and nobody else; the old grade is kept."""
    top, _, words, *_ = handed_in
    for name in ("submissions", "out"):
        shutil.copytree(top / name, tmp_path / name, symlinks=True)
    place = tmp_path / "submissions/broken"
    for name, data in handedin.reference().files.items():
        (place / name).write_bytes(data)
    before = outcomes(tmp_path / "out")
    code, said = said_by(command(tmp_path / "submissions", "--out", tmp_path / "out",
                                 *handedin.WORDS))
    after = outcomes(tmp_path / "out")
    assert code == 0 and "1 to grade" in said and marks(tmp_path / "out")["broken"]["score"] == "10"
    assert {ident for ident in after if after[ident] != before[ident]} == {"broken"}
    old = json.loads((tmp_path / "out/superseded/broken.1/grade.json").read_text())
    assert old["score"] == 0


def test_regrade_one_test(handed_in, tmp_path):
    """One old verdict is made wrong: the regrade puts it right, says so, and keeps the record."""
    top, *_ = handed_in
    shutil.copytree(top / "out", tmp_path / "out", symlinks=True)
    path = tmp_path / "out/grades/zip/grade.json"
    data = json.loads(path.read_text())
    test = data["exercises"][0]["tests"][0]
    test["results"][handedin.CELL]["verdict"] = "fail"
    test["score"], data["exercises"][0]["score"], data["score"], data["full"] = 0, 5, 5, False
    path.write_text(json.dumps(data))
    for ident in ("ref", "slip", "linked", "skeleton", "broken"):      # fewer to run
        shutil.rmtree(tmp_path / f"out/grades/{ident}")
    words = ("--out", tmp_path / "out", *handedin.WORDS)
    code, said = said_by(command("--out", tmp_path / "out", "--regrade", "1.1a"))
    assert code == 0 and "\nzip: 5 -> 10\n1 of 2 scores moved\n" in said, said
    assert json.loads(path.read_text())["score"] == 10 == float(marks(tmp_path / "out")["zip"]["score"])
    assert json.loads(path.with_name("before-regrade-1.json").read_text()) == data
    code, said = said_by(command(*words, "--regrade", "9.9"))
    assert code == 2 and "TEST=9.9 is unknown" in said


@pytest.mark.parametrize("words, said", [
    ((), "say where the records of the class are kept: --out DIR"),
    (("{in}",), "say where the records of the class are kept: --out DIR"),
    (("--out", "{out}"), "say where the submissions are"),
    (("{in}/none", "--out", "{out}"), "is no folder"),
    (("{in}", "--out", "{in}/out"), "lie in each other"),
    (("{in}", "--out", "{full}"), "holds other things, and no class"),
    (("{in}", "--out", "{full}/x"), "is a file"),
    (("{in}", "--out", "{out}", "LAB=99"), "LAB=99 is unknown"),
    (("{in}", "--out", "{out}", "TEST=9.9"), "TEST=9.9 is unknown"),
    (("{in}", "--out", "{out}", "--jobs", "many"), "JOBS=many is not possible"),
    (("{in}", "--out", "{out}", "--on", "moon"), "ON=moon is unknown: it is here or slurm"),
    (("{in}", "--out", "{out}", "--roster", "{in}/none.csv"), "cannot be read"),
    (("{in}", "--out", "{out}"), "holds no submission"),
    (("--out", "{out}", "--regrade", "1.1a"), "holds no grades: grade the class first"),
])
def test_wrong_words(tmp_path, words, said, capsys, monkeypatch):
    monkeypatch.setenv("CORRAL_BUILD", str(tmp_path / "build"))
    (tmp_path / "in").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full/x").write_text("")
    places = {name: tmp_path / name for name in ("in", "out", "full")}
    lab = () if any(word.startswith("LAB=") for word in words) else ("LAB=1",)
    try:
        code = main(["class", *(word.format(**places) for word in words), *lab])
    finally:
        sandbox.use(sandbox.OWN)
    printed = "".join(capsys.readouterr())
    assert code == 2 and said in printed, printed
    assert printed.startswith("corral: ") and len(printed.strip().splitlines()) == 1
