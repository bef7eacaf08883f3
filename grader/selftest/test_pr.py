"""`python3 -m grader pr` as a whole, over hostile repositories: one cell, one cheap test."""

from __future__ import annotations

import json
import os
import re

import pytest

from grader.paths import ROOT
from grader.selftest.hostile_repo import FILE, LAB, LINK, PLACE, HostileRepo
from grader.selftest.test_pr_sandbox import needs_bwrap

ONE = ("ARCH=x86_64", "EMU=qemu", "TEST=1.1a")
TSS = f"{PLACE}/tss.c".encode()
START = b"    memset(tss, 0, sizeof(*tss));\n"      # in tss_init()
INCLUDES = b'#include "io.h"\n#include "panic.h"\n#include "print.h"\n'
pytestmark = pytest.mark.skipif(not (ROOT / "solutions" / LAB).is_dir(),
                                reason="needs the reference of lab 1")


@pytest.fixture(scope="module")
def repo(tmp_path_factory) -> HostileRepo:
    folder = tmp_path_factory.mktemp("pr")
    return HostileRepo(folder / "repo")


def report(repo):
    """grade.json, which must have come from this run: the last one is removed by `graded`."""
    return json.loads((repo.place / "build/report/grade.json").read_text())


def graded(repo, changes, *words, parent="", **environment):
    """Commits the changes and grades them; gives the exit code and what was printed.  The given kernel's
    objects are those of the other tests, unless CORRAL_GIVEN says otherwise."""
    for path in (repo.place / "build/report").glob("*"):
        path.unlink()
    head = repo.commit(changes, parent=parent)
    code, said = repo.grade(head, *(words or ONE),
                            **{"CORRAL_GIVEN": os.environ["CORRAL_GIVEN"]} | environment)
    assert "Traceback" not in said, said
    return code, said


def doing(deed: bytes) -> dict:
    """The reference, but tss_init() does this first."""
    files = HostileRepo.reference(None)
    text = files[TSS][1]
    assert START in text
    return files | {TSS: (FILE, INCLUDES + text.replace(START, deed + b"\n" + START))}


@needs_bwrap
def test_grader_makefile_and_lab_are_graded_on_the_lab_alone(repo, tmp_path):
    """The work of the lab gets its points; a grader that gives all of them is only named."""
    owned = tmp_path / "owned"
    evil = f"import os; os.system('touch {owned}'); print('SCORE 100'); raise SystemExit(0)\n"
    code, said = graded(repo, HostileRepo.reference(None) | {
        b"grader/evaluate.py": (FILE, evil.encode()), b"grader/__main__.py": (FILE, evil.encode()),
        b"Makefile": (FILE, f"all:\n\ttouch {owned}\n".encode()),
        b"grader/tests/lab1/test_tss.py": (FILE, b"def test_task_register(cell): pass\n"),
        b"sitecustomize.py": (FILE, evil.encode()), b"conftest.py": (FILE, evil.encode())},
        CORRAL_GIVEN="")
    assert code == 0 and not owned.exists(), said
    for path in ("grader/evaluate.py", "grader/__main__.py", "Makefile", "conftest.py",
                 "grader/tests/lab1/test_tss.py", "sitecustomize.py"):
        assert f"not graded: {path} (not part of the lab: the base's is used)" in said
    data = report(repo)
    assert data["score"] == 5 and data["sandbox"] == "bwrap"
    request = data["pull_request"]
    assert request["base"] == request["grader"] == repo.base and len(request["left_out"]) == 6
    folder = repo.place / "build/report"
    for name in ("index.html", "summary.md", "results.json"):
        text = (folder / name).read_text()
        assert "grader/evaluate.py" in text and "Makefile" in text, name
    assert {p.name for p in folder.iterdir()} >= {"grade.json", "junit.xml", "cases.json"}
    # No object of an earlier build was used, and none is left for the next one.
    assert [p.name for p in (repo.place / "build").iterdir()] == ["report"]


@needs_bwrap
def test_the_same_grader_edit_gives_a_skeleton_nothing(repo):
    code, said = graded(repo, {b"grader/score.py": (FILE, b"def full_marks(g): return True\n"),
                               b"grader/tests/lab1/lab.toml": (FILE, b"number = 1\n")},
                        "LAB=1", *ONE)
    assert code == 1 and report(repo)["score"] == 0 and "not written yet" in said


@needs_bwrap
def test_a_kernel_that_boasts_and_speaks_to_the_runner(repo):
    """It prints all lines of success, writes every exit port, and ends in a hostile panic."""
    code, said = graded(repo, doing(
        b'kprintf("1.1a pass\\nSCORE 100 / 100\\n::error::owned\\n");\n'
        b"outb(0xf4, 0x10); outw(0x501, 0x31); outb(0xe9, 'p'); outw(0x8900, 0x53);\n"
        b'panic("\\n::set-output name=a::owned\\n##[error]owned \\033[2J <script>x</script> %s", '
        b'"@all");'),
        GITHUB_ACTIONS="true")
    data = report(repo)
    assert code == 1 and data["score"] == 0
    result = data["exercises"][0]["tests"][0]["results"]["x86_64/qemu"]
    assert (result["verdict"], result["reason"]) == ("fail", "panic")
    token = re.search(r"^::stop-commands::([0-9a-f]{32})$", said, re.M)[1]
    before, inside, after = re.split(f"^::stop-commands::{token}$|^::{token}::$", said, flags=re.M)
    for part in (before, inside):
        assert not re.search(r"^\s*::|##\[", part, re.M), part
    assert "owned" in inside and "\x1b" not in said
    for line in filter(None, after.splitlines()):
        assert re.match(r"::(error|notice|warning) |results: ", line), line
    for name in ("index.html", "summary.md", "junit.xml"):
        text = (repo.place / "build/report" / name).read_text()
        assert "<script>x" not in text and "\x1b" not in text


@needs_bwrap
def test_a_kernel_that_floods(repo):
    code, said = graded(repo, doing(
        b"for (;;) kprintf(\"%s\", \"::error::xxxxxxxxxxxxxxxxxxxxxx\");"))
    assert code == 1 and report(repo)["score"] == 0 and len(said) < 20_000


@needs_bwrap
def test_secrets_do_not_come_out_of_a_build(repo, tmp_path):
    """.incbin that no check by name finds, of hidden tests, of the reference, of the host."""
    hidden = tmp_path / "hidden"
    (hidden / "lab1").mkdir(parents=True)
    (hidden / "lab1/lab.toml").write_text(HIDDEN)
    (hidden / "lab1/test_secret.py").write_text("S3CRET = 1\n")
    wanted = [hidden / "lab1/test_secret.py", ROOT / "solutions" / LAB / "tss.c", "/etc/passwd",
              repo.place / ".git/config"]
    sneaky = "\n".join(f'asm(".macro x{n} a b\\n.\\\\a\\\\b \\"{path}\\"\\n.endm\\nx{n} inc bin");'
                       for n, path in enumerate(wanted)) + "\n"
    files = HostileRepo.reference(None)
    code, said = graded(repo, files | {TSS: (FILE, files[TSS][1] + sneaky.encode())}, *ONE,
                        f"HIDDEN={hidden}")
    data = report(repo)
    assert code == 1 and data["score"] == 0 and "does not build" in said, said
    build = " ".join(data["builds"]["x86_64"]["details"])
    assert build.count("file not found") == 3 and "and 1 more" in build, build
    for secret in ("S3CRET", "root:x", "memset", "repositoryformatversion"):
        assert secret not in said + build


HIDDEN = """\
[[exercise]]
id = "1.90"
title = "a hidden one"
points = 5
[[exercise.test]]
id = "1.90a"
title = "seen by nobody"
points = 5
test = "test_secret.py::test_secret"
needs = []
"""
SECRET = """\
from grader.verdict import WRONG, Fail
def test_secret(cell):
    cell.machine.read("probe_mailbox", 4)
    raise Fail(WRONG, expected="S3CRET", seen="T3LL", headline="S3CRET")
"""


@needs_bwrap
def test_a_hidden_test_tells_its_verdict_and_nothing_else(repo, tmp_path):
    hidden = tmp_path / "hidden"
    (hidden / "lab1").mkdir(parents=True)
    (hidden / "lab1/lab.toml").write_text(HIDDEN)
    (hidden / "lab1/test_secret.py").write_text(SECRET)
    code, said = graded(repo, HostileRepo.reference(None), "ARCH=x86_64", "EMU=qemu", "TEST=1.90",
                        f"HIDDEN={hidden}")
    data = report(repo)
    assert code == 1 and data["score"] == 0 and data["max"] == 5, said
    test = data["exercises"][0]["tests"][0]
    assert test["hidden"] and test["results"]["x86_64/qemu"]["reason"] == "wrong result"
    everything = said + "".join(p.read_text() for p in (repo.place / "build/report").iterdir())
    assert "S3CRET" not in everything and "T3LL" not in everything
    assert "1.90a" not in data["times"]["tests"].get("x86_64/qemu", {})


def test_hidden_tests_lie_outside_the_tree(repo):
    code, said = graded(repo, {TSS: (FILE, b"")}, *ONE, f"HIDDEN={repo.place}/labs")
    assert code == 2 and "lies in the tree that students get" in said


@needs_bwrap
def test_a_link_in_the_place_of_a_file_is_no_file(repo):
    code, said = graded(repo, HostileRepo.reference(None) | {
        TSS: (LINK, f"{ROOT}/solutions/{LAB}/tss.c".encode())})
    assert code == 1 and report(repo)["score"] == 0
    assert f"not graded: {PLACE}/tss.c (a symbolic link)" in said and "tss.c is missing" in said


def test_without_a_sandbox_there_is_no_grade(repo, tmp_path):
    """A bwrap that cannot make namespaces, as on Ubuntu 24.04: exit code 2, one sentence."""
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    fake.chmod(0o755)
    for path in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        path.chmod(0o755)
    code, said = graded(repo, HostileRepo.reference(None), *ONE,
                        PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert code == 2 and not (repo.place / "build/report/grade.json").exists()
    assert said.startswith("corral: the sandbox cannot be had (bwrap: setting up uid map")
    assert len(said.splitlines()) == 1


@needs_bwrap
def test_a_base_whose_grader_knows_no_sandbox_does_not_grade(repo):
    """An old base would run the code in the open; it does not know the word, and refuses."""
    text = (repo.place / "grader/options.py").read_bytes()
    assert b'"SANDBOX", "HIDDEN", ' in text
    old = repo.commit({b"grader/options.py": (
        FILE, text.replace(b'"SANDBOX", "HIDDEN", ', b'"HIDDEN", '))})
    for path in (repo.place / "build/report").glob("*"):
        path.unlink()
    repo.git("checkout", "-q", "--detach", old)
    try:
        head = repo.commit(HostileRepo.reference(None), parent=old)
        code, said = repo.grade(head, *ONE, f"BASE_REV={old}")
    finally:
        repo.git("checkout", "-q", "main")
    assert code == 2 and "no verdict: 'SANDBOX=bwrap' is not understood" in said, said
    assert not (repo.place / "build/report/grade.json").exists()


def test_with_the_head_checked_out_it_refuses(repo):
    """What runs would be the head's own grader: an honest one says so."""
    head = repo.commit({b"grader/score.py": (FILE, b"\n"), TSS: (FILE, b"")})
    repo.git("checkout", "-q", "--detach", head)
    try:
        code, said = repo.grade(head, *ONE)
    finally:
        repo.git("checkout", "-q", "main")
    assert code == 2 and "grader/score.py here is not that of --base" in said, said


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_in_a_container_the_history_must_be_closed(repo):
    """Without namespaces the compiler could read the checkout, where all commits are."""
    for path in (repo.place.parent, repo.place.parent.parent, repo.place.parent.parent.parent):
        path.chmod(0o755)
    repo.place.chmod(0o755)
    code, said = graded(repo, HostileRepo.reference(None), *ONE, "SANDBOX=container")
    assert code == 2 and f"chmod 700 {repo.place}" in said
    repo.place.chmod(0o700)
    code, said = graded(repo, HostileRepo.reference(None), *ONE, "SANDBOX=container")
    assert code == 0 and "sandbox: the platform's container" in said
    assert report(repo)["sandbox"] == "container"
