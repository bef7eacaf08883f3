"""What is taken out of a hostile head, and what is named and left: no emulator, no build."""

from __future__ import annotations

import hashlib

import pytest

from grader.course.pullrequest import command, layout
from grader.course.pullrequest.objects import Repository
from grader.errors import GraderError
from grader.options import Options
from grader.selftest.hostile_repo import FILE, LINK, MODULE, PLACE, TREE, HostileRepo

CODE = b"int mine;\n"


@pytest.fixture(scope="module")
def repo(tmp_path_factory) -> HostileRepo:
    return HostileRepo(tmp_path_factory.mktemp("pr") / "repo")


ALL_PARTS = layout.PARTS


@pytest.fixture(autouse=True)
def less(monkeypatch):
    """Of the base only what these tests look at: writing the rest takes longer than they do."""
    monkeypatch.setattr(layout, "PARTS", ["grader/tests", "labs"])


def read(repo, head, tmp_path, **options):
    """What `pr` makes of a head: the request, and the tree that would be graded."""
    tree = tmp_path / "tree"
    tree.mkdir()
    request = command.read(Repository(repo.place), repo.base, head, tree, Options(**options))
    return request, tree


def files_of(tree):
    return {str(p.relative_to(tree)): p.read_bytes() for p in tree.rglob("*") if p.is_file()}


def test_the_grader_the_makefile_and_a_lab(repo, tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "PARTS", ALL_PARTS)
    head = repo.commit({
        f"{PLACE}/tss.c".encode(): (FILE, CODE), f"{PLACE}/extra.c".encode(): (FILE, CODE),
        b"grader/evaluate.py": (FILE, b"raise SystemExit(0)\n"), b"Makefile": (FILE, b"all:\n"),
        b"grader/tests/lab1/lab.toml": (FILE, b""), b"kernel/boot/kernel.lds.S": (FILE, b""),
        b"conftest.py": (FILE, b"import os\n"), b"pytest.ini": (FILE, b"[pytest]\n"),
        b"sitecustomize.py": (FILE, b"0/0\n"), b".gdbinit": (FILE, b"shell true\n"),
        b".github/workflows/grade.yml": (FILE, b"on: pull_request_target\n"),
        b"labs/.skeletons.json": (FILE, b"{}\n")})
    request, tree = read(repo, head, tmp_path)
    (tmp_path / "b").mkdir()
    _, plain = read(repo, repo.base, tmp_path / "b", lab="1")
    got, base = files_of(tree), files_of(plain)
    assert request.lab.number == 1 and request.complete
    assert {name for name in got if got[name] != base.get(name)} == {
        f"{PLACE}/tss.c", f"{PLACE}/extra.c"}
    assert base.keys() <= got.keys() and not any(name.startswith("solutions") for name in got)
    assert request.as_json()["new"] == [f"{PLACE}/extra.c"]
    assert set(request.left_out) == {
        "grader/evaluate.py", "Makefile", "grader/tests/lab1/lab.toml", "kernel/boot/kernel.lds.S",
        "conftest.py", "pytest.ini", "sitecustomize.py", ".gdbinit", ".github/workflows/grade.yml",
        "labs/.skeletons.json"}


@pytest.mark.parametrize("mode, data, why", [
    (LINK, b"/etc/passwd", "a symbolic link"),
    (LINK, b"../../solutions/lab1-stack-switch/tss.c", "a symbolic link"),
    (MODULE, b"1" * 40, "a submodule"),
])
def test_no_plain_file(repo, tmp_path, mode, data, why):
    head = repo.commit({f"{PLACE}/tss.c".encode(): (mode, data)})
    request, tree = read(repo, head, tmp_path)
    assert request.left_out == {f"{PLACE}/tss.c": why}
    assert not (tree / PLACE / "tss.c").exists() and not (tree / PLACE / "tss.c").is_symlink()


@pytest.mark.parametrize("path", [b"labs", PLACE.encode()])
@pytest.mark.parametrize("mode, data", [(LINK, b"/etc"), (MODULE, b"1" * 40)])
def test_a_folder_that_is_none(repo, tmp_path, path, mode, data):
    head = repo.commit({path: (mode, data)})
    request, tree = read(repo, head, tmp_path, lab="1")
    assert request.selections[0].files == {} and list((tree / PLACE).glob("*.[chS]")) == []
    assert request.left_out[path.decode()] in ("a symbolic link", "a submodule")


@pytest.mark.parametrize("name", [
    b"..", b".", b".git", b"a/../tss.c", b"/etc/x.c", b"../../grader/cli.c", b"a\nb.c",
    b"\x1b[2J.c", b"\xff\xfe.c", b"-o.c", b"a b.c", b"$(touch x).c", b"`x`.c", b"::error::x.c",
    b"x" * 300 + b".c", "ä.c".encode(), b"<img src=x>.c", b".c",
])
def test_odd_names(repo, tmp_path, name):
    head = repo.commit({f"{PLACE}/tss.c".encode(): (FILE, CODE)},
                       more=[(FILE, name, repo.blob(b"evil"))])
    request, tree = read(repo, head, tmp_path)
    assert set(request.selections[0].files) == {
        path.name for path in (repo.place / PLACE).glob("*.[chS]")}
    assert b"evil" not in files_of(tree).values()
    (shown, why), *others = request.left_out.items()
    assert why == "a name that no file of a lab has" and not others
    assert shown.isascii() and shown.isprintable() and len(shown) < 1100 and "<" not in shown


def test_a_name_that_is_there_twice(repo, tmp_path):
    head = repo.commit({}, more=[(FILE, b"tss.c", repo.blob(b"evil"))])
    request, tree = read(repo, head, tmp_path)
    assert request.left_out == {f"{PLACE}/tss.c": "there twice"}
    assert b"evil" not in files_of(tree).values()


def test_what_is_too_large(repo, tmp_path):
    head = repo.commit({f"{PLACE}/tss.c".encode(): (FILE, b"/" * (2 << 20))}
                       | {f"{PLACE}/f{n}.c".encode(): (FILE, CODE) for n in range(70)})
    request, _ = read(repo, head, tmp_path)
    assert request.left_out[f"{PLACE}/tss.c"] == "larger than 1 MiB"
    assert len(request.selections[0].files) == 64
    assert list(request.left_out.values()).count("more than 64 files") > 10


def test_other_files_of_the_lab_are_named(repo, tmp_path):
    names = ("tss.c", "evil.s", "kernel.lds", "sub/deep.c", "Makefile", ".gitattributes")
    head = repo.commit({f"{PLACE}/{name}".encode(): (FILE, CODE) for name in names})
    request, tree = read(repo, head, tmp_path)
    assert {path.rpartition("/")[2] for path in request.left_out} == {
        "evil.s", "kernel.lds", "sub", "deep.c", "Makefile", ".gitattributes"}
    assert not (tree / PLACE / "sub").exists() and not (tree / PLACE / "evil.s").exists()


def test_a_lab_can_refuse_new_files(repo, tmp_path):
    toml = (repo.place / "grader/tests/lab1/lab.toml").read_bytes()
    closed = repo.commit({b"grader/tests/lab1/lab.toml": (FILE, b"new_files = false\n" + toml)})
    head = repo.commit({f"{PLACE}/extra.c".encode(): (FILE, CODE),
                        f"{PLACE}/tss.c".encode(): (FILE, CODE)}, parent=closed)
    tree = tmp_path / "tree"
    tree.mkdir()
    request = command.read(Repository(repo.place), closed, head, tree, Options())
    assert request.left_out == {f"{PLACE}/extra.c": "new, and lab 1 takes no new files"}
    assert (tree / PLACE / "tss.c").read_bytes() == CODE


def test_a_file_that_is_gone_stays_gone(repo, tmp_path):
    request, tree = read(repo, repo.commit({f"{PLACE}/tss.c".encode(): None}), tmp_path)
    assert not (tree / PLACE / "tss.c").exists() and not request.left_out


def test_no_filter_no_attribute_no_hook(repo, tmp_path):
    """The bytes are those of the object, whatever a checkout would make of them."""
    owned = tmp_path / "owned"
    repo.git("config", "filter.evil.smudge", f"touch {owned}; cat")
    repo.git("config", "filter.evil.clean", f"touch {owned}; cat")
    repo.git("config", "diff.evil.textconv", f"touch {owned}; cat")
    hook = repo.place / ".git/hooks/post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {owned}\n")
    hook.chmod(0o755)
    raw = b"/* $Id$ */\r\nint a;\n"
    head = repo.commit({b".gitattributes": (FILE, b"* filter=evil diff=evil ident eol=crlf\n"),
                        f"{PLACE}/.gitattributes".encode(): (FILE, b"* export-ignore\n"),
                        f"{PLACE}/tss.c".encode(): (FILE, raw)})
    _, tree = read(repo, head, tmp_path)
    assert (tree / PLACE / "tss.c").read_bytes() == raw and not owned.exists()


def test_replaced_objects_are_not_believed(repo, tmp_path):
    """refs/replace can put one object in the place of another, also one of the base."""
    ident = repo.git("rev-parse", f"{repo.base}:grader/tests/lab1/test_tss.py")
    repo.git("replace", ident, repo.blob(b"evil"))
    try:
        _, tree = read(repo, repo.base, tmp_path, lab="1")
        data = (tree / "grader/tests/lab1/test_tss.py").read_bytes()
        assert hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest() == ident
    finally:
        repo.git("replace", "-d", ident)


def test_a_tree_without_end(repo, tmp_path):
    """Ten trees that name ten billion files: what is listed is cut, and the lab is still read."""
    bomb = repo.raw_tree([(FILE, b"f%d" % n, repo.blob(b"x")) for n in range(10)])
    for _ in range(9):
        bomb = repo.raw_tree([(TREE, b"d%d" % n, bomb) for n in range(10)])
    head = repo.commit({b"bomb": (TREE, bomb.encode()), b"labs/bomb": (TREE, bomb.encode()),
                        f"{PLACE}/bomb".encode(): (TREE, bomb.encode()),
                        f"{PLACE}/tss.c".encode(): (FILE, CODE)})
    request, tree = read(repo, head, tmp_path, lab="1")
    assert not request.complete and (tree / PLACE / "tss.c").read_bytes() == CODE
    assert request.left_out[f"{PLACE}/bomb"] == "a folder"
    assert len(request.as_json()["left_out"]) == 40 and request.as_json()["left_out_more"] > 1000


@pytest.mark.parametrize("revision", ["--output=/tmp/x", "-h", "no such", "HEAD:labs",
                                      "HEAD^{tree}", "@{upstream}", ""])
def test_a_revision_that_is_none(repo, revision):
    with pytest.raises(GraderError, match="--head"):
        Repository(repo.place).commit("head", revision)


def test_a_pull_request_without_a_lab(repo, tmp_path):
    with pytest.raises(GraderError, match="changes no lab, so nothing was graded"):
        read(repo, repo.commit({b"Makefile": (FILE, CODE)}), tmp_path)


def test_the_latest_lab_is_graded_on_the_earlier_ones(repo, tmp_path):
    head = repo.commit({f"{PLACE}/tss.c".encode(): (FILE, CODE),
                        b"labs/lab2-percpu-gs/fixup.c": (FILE, CODE)})
    request, tree = read(repo, head, tmp_path)
    assert request.lab.number == 2 and [s.lab.number for s in request.selections] == [1, 2]
    assert (tree / PLACE / "tss.c").read_bytes() == CODE and not request.left_out
    (tmp_path / "b").mkdir()
    request, _ = read(repo, head, tmp_path / "b", lab="1")
    assert request.lab.number == 1 and list(request.left_out) == ["labs/lab2-percpu-gs/fixup.c"]


def test_a_folder_outside_a_repository(tmp_path):
    with pytest.raises(GraderError, match="no git checkout"):
        Repository.around(tmp_path)


def test_the_code_that_runs_is_the_bases(repo, monkeypatch):
    """With the head checked out, its own grader would say what it likes."""
    monkeypatch.setattr(command, "ROOT", repo.place)
    command.check_own_grader(Repository(repo.place), repo.base)
    other = repo.place / "grader/score.py"
    kept = other.read_bytes()
    try:
        other.write_bytes(kept + b"\n")
        with pytest.raises(GraderError, match="grader/score.py here is not that of --base"):
            command.check_own_grader(Repository(repo.place), repo.base)
    finally:
        other.write_bytes(kept)


def test_a_base_that_is_no_course(repo, tmp_path):
    empty = repo.commit_tree(repo.raw_tree([(FILE, b"x", repo.blob(b"x"))]))
    with pytest.raises(GraderError, match="it is no tree of the course"):
        layout.write_base(Repository(repo.place), empty, tmp_path, layout.PARTS)


def test_the_scratch_folder_goes(tmp_path):
    """Others can walk through it to the build, and see neither the tree nor the report."""
    with pytest.raises(ValueError), layout.scratch() as place:
        modes = {p.name: p.stat().st_mode & 0o777 for p in (place, *place.iterdir())}
        assert modes == {place.name: 0o711, "tree": 0o700, "report": 0o700, "build": 0o711}
        raise ValueError
    assert not place.exists()
