"""`make release`: the student's tree works, holds no solution, and loses nobody's work."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from grader.course import handout, leaks, release
from grader.course.handout import Given
from grader.errors import GraderError
from grader.labs import find_labs
from grader.options import parse
from grader.paths import ROOT
from grader.selftest.hostile_repo import IDENTITY
from grader.selftest.intree import run
from grader.selftest.test_pr_sandbox import needs_bwrap

pytestmark = pytest.mark.skipif(not (ROOT / "solutions").is_dir(), reason="needs the references")
CELL = ("ARCH=x86_64", "EMU=bochs")
COURSE = 'labs = [1, 2, 3]\nseed = "7c1e"\n'
REFERENCE = ROOT / "solutions"


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """A release of labs 1 to 3, with labs 1 and 2 compiled."""
    place = tmp_path_factory.mktemp("release")
    (place / "course.toml").write_text(COURSE)
    code, said = run(ROOT, "release", f"DEST={place / 'tree'}", "WITH_BASE=2",
                     CORRAL_COURSE=str(place / "course.toml"))
    assert code == 0 and "no three lines of a solution are in it" in said, said
    return place / "tree"


def report(tree: Path) -> dict:
    return json.loads((tree / "build/report/grade.json").read_text())


@pytest.fixture
def student(tree):
    """The tree, which a test may change: afterwards labs/ is as it was."""
    saved = tree.parent / "labs"
    shutil.copytree(tree / "labs", saved)
    yield tree
    shutil.rmtree(tree / "labs")
    saved.rename(tree / "labs")


def write_reference(tree: Path, slug: str) -> None:
    for path in (REFERENCE / slug).glob("*.[chS]"):
        shutil.copy(path, tree / "labs" / slug)


# ---- what is in it ----

def test_what_is_there_and_what_is_not(tree):
    names = {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}
    for name in ("Makefile", "setup", "README.md", "course.toml", ".gitignore", ".gitattributes",
                 ".github/workflows/grade.yml", "Dockerfile", ".devcontainer/devcontainer.json",
                 "labs/.skeletons.json", "labs/lab3-nmi/nmi64.S", "grader/tests/lab3/lab.toml",
                 "references/lab2-percpu-gs/i386/lab2.o", "docs/labs/lab3.rst"):
        assert name in names, name
    for part in ("solutions/", "alternates/", "mutants.toml", "forgers", "selftest", "lab4-spinlock",
                 "grader/tests/lab4/", "references/lab3", ".ci/", "__pycache__"):
        assert not [name for name in names if part in name], part
    assert "eol=lf" in (tree / ".gitattributes").read_text()
    assert os.access(tree / "setup", os.X_OK)


def test_the_seed_of_record_stays(tree):
    words = (tree / "course.toml").read_text()
    assert "labs = [1, 2, 3]" in words and "7c1e" not in words and "seed" not in words
    assert "7c1e" not in (tree / ".release.json").read_text()


def test_a_compiled_reference_has_neither_debug_information_nor_local_names(tree):
    for path in sorted(tree.glob("references/*/*/*.o")):
        elf = ELFFile(io.BytesIO(path.read_bytes()))
        assert not [s.name for s in elf.iter_sections() if "debug" in s.name or s.name == ".comment"]
        names = {symbol.name for symbol in elf.get_section_by_name(".symtab").iter_symbols()
                 if symbol["st_info"]["bind"] == "STB_LOCAL" and
                 symbol["st_info"]["type"] not in ("STT_SECTION", "STT_FILE")}
        assert not {name for name in names if name and not name.startswith(".L")}, path
        assert b"intr_kernel" not in path.read_bytes()


# ---- the search ----

@pytest.fixture(scope="module")
def secrets():
    return leaks.pieces(find_labs().values())


def stolen() -> list[str]:
    """Three lines of a hole, as they stand."""
    lines = (REFERENCE / "lab1-stack-switch/entry64.S").read_text().splitlines()
    start = next(n for n, line in enumerate(lines) if "%cr2" in line)
    return lines[start:start + 3]


@pytest.mark.parametrize("name, disguise", [
    ("docs/x.rst", lambda lines: "Look::\n\n" + "\n".join(f"    {line}" for line in lines)),
    ("kernel/x.S", lambda lines: "\n".join(f"/* {line.strip()} */" for line in lines)),
    ("labs/x.c", lambda lines: "\n".join(f"    //| {line}" for line in lines)),
    ("docs/x.txt", lambda lines: "\n".join(f"{n:>4}  +{line}" for n, line in enumerate(lines))),
    ("docs/x.json", lambda lines: json.dumps({"text": "\n".join(lines)})),
    ("grader/x.py", lambda lines: "\n".join(repr(line + "\n") for line in lines)),
    ("docs/x.html", lambda lines: "\n".join(
        f"<span class='k'>{line.replace('$', '&#36;')}</span><br>" for line in lines)),
    ("docs/y.html", lambda lines: "".join(f"<td><b>{line}</b></td>" for line in lines)),
    ("docs/x.svg", lambda lines: "\n".join(f"<text x='1'>{line}</text>" for line in lines)),
    ("labs/y.S", lambda lines: "\n\n".join(f"{line}   /* a comment of one's own */"
                                           for line in lines)),
    ("a.md", lambda lines: "\r\n".join(line.replace("    ", "\t") for line in lines)),
    ("references/x.o", lambda lines: "\0\1\2" + "\n".join(lines) + "\0\xff"),
])
def test_three_lines_are_found_in_any_dress(tmp_path, secrets, name, disguise):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(disguise(stolen()).encode("latin-1"))
    found = leaks.search(tmp_path, secrets)
    assert found and found[0].where.startswith(f"{name}:")
    assert found[0].origin.startswith("solutions/lab1-stack-switch/")
    path.write_text("\n".join(stolen()[:2]))
    assert not leaks.search(tmp_path, secrets)


def test_every_reference_with_a_long_hole_is_found(secrets):
    for lab in find_labs().values():
        if lab.exercises and (REFERENCE / lab.slug).is_dir():
            origins = {leak.origin.rpartition(":")[0] for leak in
                       leaks.search(REFERENCE / lab.slug, secrets)}
            assert [o for o in origins if o.startswith(f"solutions/{lab.slug}/")], lab.slug


def test_a_release_with_a_solution_in_it_is_not_written(tmp_path, monkeypatch):
    real = handout.files

    def with_a_leak(the):
        return real(the) | {"docs/notes.rst": Given("\n".join(stolen()).encode())}

    monkeypatch.setattr(handout, "files", with_a_leak)
    with pytest.raises(GraderError, match=r"nothing was written: docs/notes.rst:1 holds lines of "
                                          r"solutions/lab1-stack-switch/entry64.S:\d+"):
        release.release_command(parse({"DEST": str(tmp_path / "tree")}))
    assert not (tmp_path / "tree").exists()


# ---- it works ----

def test_a_skeleton_has_no_points_and_the_reference_has_them(student):
    code, said = run(student, "grade", "LAB=1", "SEED=7", *CELL)
    assert code == 1 and report(student)["score"] == 0 and "not written yet" in said
    write_reference(student, "lab1-stack-switch")
    code, said = run(student, "grade", "LAB=1", "TEST=1.1", *CELL)
    assert code == 0 and report(student)["score"] == 10, said


@pytest.mark.parametrize("words", [
    ("ARCH=i386", "CC=clang"),
    pytest.param(("ARCH=x86_64", "CC=gcc"), marks=pytest.mark.slow)])
def test_a_lab_stands_on_compiled_ones(student, words):
    """3.8 has an IRET that faults, where lab 2's macro has to know the address in lab 1's object."""
    write_reference(student, "lab3-nmi")
    code, said = run(student, "grade", "LAB=3", "TEST=3.8", "EMU=bochs", "BASE=solutions", *words)
    data = report(student)
    assert code == 0 and data["bonus"] == data["bonus_max"] == 10, said
    assert "base: the reference's lab1 and lab2" in said


def test_lab_2_stands_on_a_compiled_lab_1_with_its_own_macros(student):
    """Lab 1's object uses gs.h of lab 2: the student's, also where it is not written yet."""
    code, said = run(student, "grade", "LAB=2", "BASE=solutions", *CELL)
    assert code == 1 and report(student)["score"] == 0 and "labs/lab2-percpu-gs/gs.h" in said
    write_reference(student, "lab2-percpu-gs")
    code, said = run(student, "grade", "LAB=2", "TEST=2.3", "BASE=solutions", *CELL)
    assert code == 0 and report(student)["score"] == report(student)["max"] > 0, said


def test_a_reference_of_another_kernel_is_refused(tree, tmp_path):
    copy = tmp_path / "tree"
    shutil.copytree(tree, copy, ignore=shutil.ignore_patterns("build"))
    header = copy / "kernel/include/entry.h"
    header.write_text(header.read_text() + "\n/* changed */\n")
    code, said = run(copy, "build", "LAB=3", "BASE=solutions", "ARCH=i386")
    assert code == 2 and "was compiled for other files in kernel/include: ask for a new" in said


def test_without_a_reference_a_sentence_says_so(tree):
    code, said = run(tree, "grade", "LAB=1", "FROM=solutions")
    assert code == 2 and "there is no solutions/lab1-stack-switch in this tree" in said
    code, said = run(tree, "grade", "LAB=3", "BASE=2:labs,1:/none")
    assert code == 2 and "BASE=/none is not there" in said


@pytest.mark.parametrize("command", ["mutants", "skeletons", "check-skeletons", "test", "soak",
                                     "release", "bench"])
def test_commands_of_the_instructors_tree_say_so(tree, command):
    code, said = run(tree, command)
    assert code == 2 and said.strip() == (f"corral: `make {command}` needs the instructor's tree: "
                                          "this one has no solutions/")


def test_the_site_builds_without_a_warning(tree):
    done = subprocess.run(["make", "docs"], cwd=tree, text=True, capture_output=True, check=False,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tree / "build/docs/labs/lab4.html").read_text()
    assert "This lab is not part of the course." in page
    assert "This lab is not part" not in (tree / "build/docs/labs/lab3.html").read_text()


@needs_bwrap
def test_a_pull_request_is_graded(tree, tmp_path):
    """As the workflow does it, in a repository made of the release."""
    copy = tmp_path / "tree"
    shutil.copytree(tree, copy, ignore=shutil.ignore_patterns("build"))

    def git(*words: str) -> None:
        subprocess.run(["git", "-C", str(copy), *words], check=True, capture_output=True,
                       env=os.environ | IDENTITY)

    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-q", "-m", "the course")
    git("checkout", "-q", "-b", "work")
    write_reference(copy, "lab1-stack-switch")
    (copy / "course.toml").write_text('[points]\n"1.1a" = 0\n')
    git("commit", "-q", "-a", "-m", "done")
    git("checkout", "-q", "main")
    assert "python3 -m grader pr --base" in (copy / ".github/workflows/grade.yml").read_text()
    code, said = run(copy, "pr", "--base", "main", "--head", "work", "TEST=1.1", *CELL)
    assert code == 0 and report(copy)["score"] == 10, said      # the base's course.toml counts
    assert "not graded: course.toml (not part of the lab: the base's is used)" in said


# ---- DEST ----

@pytest.mark.parametrize("words, said", [
    ([], "DEST is missing: say where, such as `make release DEST=../students`"),
    ([f"DEST={ROOT}/build/students"], "lies in the instructor's tree: choose a folder outside"),
    ([f"DEST={ROOT}"], "lies in the instructor's tree"),
    ([f"DEST={ROOT.parent}"], "holds files and is no release: choose an empty folder"),
    (["DEST=/dev/null"], "DEST=/dev/null is not a folder: choose another"),
    (["DEST=/none", "WITH_BASE=99"], "WITH_BASE=99 is not possible: it is the last lab that goes"),
    (["DEST=/none", "WITH_BASE=two"], "WITH_BASE=two is not possible: 0 to 99"),
])
def test_a_bad_place_is_one_sentence(words, said):
    code, output = run(ROOT, "release", *words)
    assert code == 2 and said in output and len(output.strip().splitlines()) == 1
    assert not Path("/none").exists()


def test_force_does_not_go_over_what_is_no_release(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    for words in ((), ("FORCE=1",)):
        code, said = run(ROOT, "release", f"DEST={tmp_path}", *words)
        assert code == 2 and "holds files and is no release" in said
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_release_is_not_written_twice_without_force(tree):
    code, said = run(ROOT, "release", f"DEST={tree}")
    assert code == 2 and "holds a release already: FORCE=1 updates it and keeps what" in said


def test_labs_below_must_be_there_or_compiled(tmp_path):
    (tmp_path / "course.toml").write_text("labs = [3]")
    code, said = run(ROOT, "release", f"DEST={tmp_path / 'tree'}", "WITH_BASE=1",
                     CORRAL_COURSE=str(tmp_path / "course.toml"))
    assert code == 2 and ("course.toml uses lab 3 and leaves out lab 2, which it stands on: add it, "
                          "or give it compiled with WITH_BASE=2") in said


def given(**files: str) -> dict[str, Given]:
    names = {"tss": "labs/lab1-stack-switch/tss.c", "make": "Makefile", "old": "kernel/old.c"}
    return {names[name]: Given(text.encode()) for name, text in files.items()}


def test_an_update_loses_nothing(tmp_path):
    """Changed files of labs/ stay, others are set aside; what nobody changed is as the new release
    has it."""
    assert not release._lay(tmp_path, given(tss="skeleton", make="make", old="old"), {})
    (tmp_path / "labs/lab1-stack-switch/tss.c").write_text("work")
    (tmp_path / "labs/lab1-stack-switch/mine.c").write_text("more work")
    (tmp_path / "Makefile").write_text("my make")
    before = release._record(tmp_path, force=True)
    said = release._lay(tmp_path, given(tss="new skeleton", make="new make"), before)
    assert len(said) == 2 and not (tmp_path / "kernel/old.c").exists()
    texts = {str(path.relative_to(tmp_path)): path.read_text() for path in tmp_path.rglob("*")
             if path.is_file() and path.name != release.RECORD}
    assert texts == {"labs/lab1-stack-switch/tss.c": "work", "Makefile": "new make",
                     "labs/lab1-stack-switch/tss.c.new": "new skeleton",
                     "labs/lab1-stack-switch/mine.c": "more work", "Makefile.yours": "my make"}
    # Once more, after another change: the first one is still there.
    (tmp_path / "Makefile").write_text("my second make")
    before = release._record(tmp_path, force=True)
    release._lay(tmp_path, given(tss="new skeleton", make="third make"), before)
    assert (tmp_path / "Makefile.yours").read_text() == "my make"
    assert (tmp_path / "Makefile.yours2").read_text() == "my second make"
    assert (tmp_path / "labs/lab1-stack-switch/tss.c").read_text() == "work"


def test_a_removed_file_that_was_changed_stays(tmp_path):
    release._lay(tmp_path, given(old="old", make="make"), {})
    (tmp_path / "kernel/old.c").write_text("changed")
    said = release._lay(tmp_path, given(make="make"), release._record(tmp_path, force=True))
    assert (tmp_path / "kernel/old.c").read_text() == "changed" and "kept: kernel/old.c" in said[0]


def test_a_link_in_the_folder_leads_nowhere(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "labs").symlink_to(outside)
    with pytest.raises(GraderError, match="labs is a symbolic link: move it away"):
        release._lay(tree, given(tss="skeleton"), {})
    assert not list(outside.iterdir())


def test_a_new_repository_of_git_counts_as_empty(tmp_path):
    (tmp_path / ".git").mkdir()
    assert release._record(tmp_path, force=False) == {}


# ---- the container ----

def test_the_image_is_debian_12_with_what_setup_installs(tree):
    """No engine runs here: what can be held is that no second list of packages grows."""
    lines = [line for line in (tree / "Dockerfile").read_text().splitlines()
             if line and not line.startswith("#")]
    assert lines[0] == "FROM --platform=linux/amd64 debian:bookworm"
    copied = next(n for n, line in enumerate(lines) if line.startswith("COPY setup "))
    assert lines[copied + 1].startswith("RUN /opt/corral/setup")
    assert not [line for line in lines if "apt-get install" in line]
    assert (tree / ".dockerignore").read_text().split() == ["*", "!setup"]
    data = json.loads((tree / ".devcontainer/devcontainer.json").read_text())
    build = data["build"]
    assert (tree / ".devcontainer" / build["dockerfile"]).resolve() == (tree / "Dockerfile").resolve()
    assert "--platform=linux/amd64" in build["options"]
