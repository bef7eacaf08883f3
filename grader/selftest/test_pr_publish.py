"""What a second job makes of a report that a first one uploaded, and how the two are written."""

from __future__ import annotations

import json
import os
import re

import pytest

from grader.course.pullrequest import publish
from grader.course.pullrequest.objects import Repository
from grader.options import Options
from grader.paths import ROOT
from grader.report import model
from grader.selftest.hostile_repo import FILE, PLACE, HostileRepo
from grader.selftest.invented import grade

HEAD = "c" * 40
WORKFLOWS = ROOT / ".github/workflows"


@pytest.fixture
def good():
    data = model.assemble(grade())
    return json.loads(json.dumps(data | {"sandbox": "bwrap", "selected": "", "got": 17,
                                         "pull_request": {"head": HEAD}}))


def told(data, tmp_path, head=HEAD):
    """The report as a file, read as the second job does."""
    path = tmp_path / "grade.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return publish.status_of(publish.read(path, head))


def test_an_honest_report(good, tmp_path):
    status = told(good, tmp_path)
    assert status["state"] == "failure" and status["context"] == "corral/grade"
    assert status["description"] == (f"lab {good['lab']['number']}: {good['score']:g} / "
                                     f"{good['max']:g}, bonus 5 / 5")


def first_test(data):
    return data["exercises"][0]["tests"][0]


@pytest.mark.parametrize("forge", [
    lambda d: d.update(score=d["max"]), lambda d: d.update(score=1e9, max=1e9),
    lambda d: d.update(score=-1), lambda d: d.update(score=float("nan")),
    lambda d: d.update(score=float("inf"), max=float("inf")), lambda d: d.update(score="100"),
    lambda d: d.update(score=True), lambda d: d.update(schema="corral/grade/v9"),
    lambda d: d["pull_request"].update(head="d" * 40), lambda d: d.pop("pull_request"),
    lambda d: d["lab"].update(number="3\n::error::x"), lambda d: d["lab"].update(number=10**9),
    lambda d: d.update(got=0), lambda d: d.update(exercises={}), lambda d: d.update(exercises=7),
    lambda d: first_test(d).update(score=999), lambda d: d.update(sandbox=""),
    lambda d: d.update(selected="1.1a"), lambda d: d.update(errors="x"),
])
def test_a_forged_report(good, tmp_path, forge):
    forge(good)
    with pytest.raises(publish.Unfit) as caught:
        told(good, tmp_path)
    assert re.fullmatch(r"[a-z ,.]+", str(caught.value))


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "[" * 100_000, '{"schema": 1}', "\0",
                                  '"' + "x" * (9 << 20) + '"'])
def test_what_is_no_report(tmp_path, text):
    with pytest.raises(publish.Unfit):
        told(text, tmp_path)


@pytest.mark.parametrize("make", [lambda p: p.symlink_to("/etc/passwd"), os.mkfifo,
                                  lambda p: p.mkdir(), lambda p: None])
def test_what_is_no_file(tmp_path, make):
    make(tmp_path / "grade.json")
    with pytest.raises(publish.Unfit):
        publish.read(tmp_path / "grade.json", HEAD)


def test_no_text_of_the_report_goes_on(good, tmp_path):
    good["lab"]["title"] = good["failures"][0]["failure"]["headline"] = "EVIL"
    good["errors"] = ["EVIL"]
    status = told(good, tmp_path)
    assert status["state"] == "error" and "EVIL" not in json.dumps(status)


def test_a_changed_workflow_publishes_nothing(tmp_path, monkeypatch, capsys, good):
    repo = HostileRepo(tmp_path / "repo")
    monkeypatch.chdir(repo.place)
    monkeypatch.setenv("CORRAL_REPORT", str(tmp_path / "report"))
    for changes, state in (({f"{PLACE}/tss.c".encode(): (FILE, b"")}, "failure"),
                           ({b".github/workflows/grade.yml": (FILE, b"")}, "error")):
        head = repo.commit(changes)
        good["pull_request"]["head"] = head
        (tmp_path / "grade.json").write_text(json.dumps(good))
        assert publish.publish_command(Options(base_rev="main", head_rev=head,
                                               artifact=str(tmp_path / "grade.json"))) == 0
        status = json.loads((tmp_path / "report/status.json").read_text())
        assert status["state"] == state, status
    assert "an instructor has to grade it" in capsys.readouterr().out
    with pytest.raises(publish.Unfit):
        publish.refuse_changed_workflow(Repository(repo.place), repo.base, repo.commit(
            {b".github": (b"120000", b"/tmp")}))


@pytest.mark.skipif(not WORKFLOWS.is_dir(), reason="this tree has no workflows")
@pytest.mark.parametrize("name", ["grade.yml", "publish.yml"])
def test_a_workflow_gives_nothing_away(name):
    text = (WORKFLOWS / name).read_text()
    code = "\n".join(line.partition(" #")[0] for line in text.splitlines()
                     if not line.lstrip().startswith("#"))
    uses = re.findall(r"- uses: (\S+)", code)
    assert uses and all(re.fullmatch(r"actions/(checkout|upload-artifact)@[0-9a-f]{40}", use)
                        for use in uses)
    assert "secrets." not in code and "pull_request_target" not in code and "cache" not in code
    assert "write-all" not in code and code.count("persist-credentials: false") == 1
    scripts = re.findall(r"run: (?:\|\n((?: {10}.*\n?)+)|(.*))", code)
    assert scripts and not any("${{" in part for script in scripts for part in script)
    rights = dict(re.findall(r"^  (\w+): (read|write)$", code, re.M))
    assert rights == ({"contents": "read"} if name == "grade.yml" else
                      {"actions": "read", "contents": "read", "statuses": "write"})
    # The head is never checked out: its name reaches git fetch and the grader, nothing else.
    assert not re.search(r"ref: .*head", code) and "git checkout" not in code
