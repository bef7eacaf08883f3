"""What is taken out of what students hand in: generous in finding, strict in taking."""

from __future__ import annotations

import io
import os
import struct
import tarfile
import zipfile

import pytest

from grader import sandbox
from grader.course.classroom import unpack
from grader.course.classroom.intake import entries, read_one
from grader.course.classroom.listing import Unreadable, of_entry
from grader.course.classroom.record import Classroom
from grader.errors import GraderError
from grader.labs import find_labs
from grader.selftest.test_pr_sandbox import needs_bwrap

SLUG = "lab8-toy"
CODE = b"int a;\n"


def read(room, *paths, lab=8):
    every = find_labs()
    ident = paths[0].name.partition(".")[0]
    return read_one(Classroom(room), ident, list(paths), [every[lab]], every)


def taken(room, submission):
    folder = room / "taken" / submission.id / "labs" / SLUG
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}


def write(top, files):
    for name, data in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(data)
    return top


def zipped(path, files):
    with zipfile.ZipFile(path, "w") as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return path


def tarred(path, *members, mode="w:gz"):
    with tarfile.open(path, mode) as packed:
        for name, data in members:
            info = tarfile.TarInfo(name)
            if isinstance(data, bytes):
                info.size = len(data)
                packed.addfile(info, io.BytesIO(data))
            else:
                info.type, info.linkname = data
                packed.addfile(info)
    return path


@pytest.mark.parametrize("inside", [
    f"labs/{SLUG}/", f"{SLUG}/", "", "corral-main/labs/lab8-toy/", "Ann's work/Lab8-Toy/", "a/b/c/"])
@pytest.mark.parametrize("form", ["folder", "zip", "tar"])
def test_found_wherever_it_lies(toy, tmp_path, inside, form):
    files = {f"{inside}toy.c": CODE, f"{inside}more.h": b"", f"{inside}notes.pdf": b"%",
             "README.md": b"", "kernel/main.c": b"int evil;\n", "solutions/lab8-toy/toy.c": b"no",
             "build/lab8-x86_64-1/tree/labs/lab8-toy/toy.c": b"old", "__MACOSX/._toy.c": b"\0"}
    path = {"folder": lambda: write(tmp_path / "ann", files),
            "zip": lambda: zipped(tmp_path / "ann.zip", files),
            "tar": lambda: tarred(tmp_path / "ann.tar.gz", *files.items())}[form]()
    submission = read(tmp_path / "out", path)
    assert not submission.problem and taken(tmp_path / "out", submission) == {
        "toy.c": CODE, "more.h": b""}
    assert submission.new == [f"{SLUG}/more.h"] and submission.id == "ann"


def test_the_same_files_have_the_same_digest(toy, tmp_path):
    one = read(tmp_path / "out", write(tmp_path / "ann", {"toy.c": CODE}))
    two = read(tmp_path / "out", zipped(tmp_path / "bob.zip", {f"x/{SLUG}/toy.c": CODE}))
    three = read(tmp_path / "out", write(tmp_path / "eve", {"toy.c": CODE + b"\n"}))
    assert one.digest == two.digest != three.digest


def test_two_places_are_no_choice_of_ours(toy, tmp_path):
    submission = read(tmp_path / "out", write(tmp_path / "ann", {
        f"old/{SLUG}/toy.c": CODE, f"new/{SLUG}/toy.c": CODE}))
    assert "which of them counts?" in submission.problem and not submission.digest


def test_files_of_another_lab_are_not_this_labs(toy, tmp_path):
    """offsets.c is a name that several labs have."""
    place = write(tmp_path / "ann", {"lab2-percpu-gs/offsets.c": CODE})
    assert "holds neither lab1-stack-switch/" in read(tmp_path / "out", place, lab=1).problem


def test_links_pipes_and_odd_names_in_a_folder(toy, tmp_path):
    place = write(tmp_path / "ann", {f"{SLUG}/toy.c": CODE, f"{SLUG}/a b.c": CODE,
                                     f"{SLUG}/big.c": b" " * (unpack.MAX_FILE + 1)})
    os.symlink("/etc/passwd", place / SLUG / "link.c")
    os.symlink("/etc", place / "folder")
    os.mkfifo(place / SLUG / "pipe.c")
    submission = read(tmp_path / "out", place)
    assert taken(tmp_path / "out", submission) == {"toy.c": CODE}
    assert submission.refused == {
        f"{SLUG}/link.c": "a symbolic link", "folder": "a link", f"{SLUG}/pipe.c": "no plain file",
        f"{SLUG}/big.c": "larger than 1 MiB", f"{SLUG}/a\\x20b.c": "a name that no file of a lab has"}


def test_a_folder_that_is_a_link(toy, tmp_path):
    """Its files are somebody else's."""
    write(tmp_path / "other", {"toy.c": b"secret"})
    place = write(tmp_path / "ann", {"x.txt": b""})
    os.symlink(tmp_path / "other", place / SLUG)
    submission = read(tmp_path / "out", place)
    assert submission.problem and submission.refused == {SLUG: "a link"}


@needs_bwrap
@pytest.mark.parametrize("name", ["../toy.c", "/toy.c", "a/../../toy.c", "..\\toy.c", "C:toy.c"])
def test_names_that_lead_out(toy, tmp_path, name, monkeypatch):
    """They are named, nothing is written for them, and the rest is read."""
    sandbox.use(sandbox.BWRAP)
    try:
        for path in (zipped(tmp_path / "ann.zip", {name: b"evil", f"{SLUG}/toy.c": CODE}),
                     tarred(tmp_path / "bob.tar.gz", (name, b"evil"), (f"{SLUG}/toy.c", CODE))):
            submission = read(tmp_path / "out", path)
            assert taken(tmp_path / "out", submission) == {"toy.c": CODE}
            assert list(submission.refused.values()) == ["a name that leads out of the archive"]
    finally:
        sandbox.use(sandbox.OWN)
    assert not (tmp_path / "toy.c").exists()


def test_links_in_a_tar(toy, tmp_path):
    """Of both kinds, also a folder that is a link with a file "in" it."""
    submission = read(tmp_path / "out", tarred(
        tmp_path / "ann.tar.gz", (SLUG, (tarfile.SYMTYPE, "/etc")), (f"{SLUG}/toy.c", CODE),
        (f"{SLUG}/hard.c", (tarfile.LNKTYPE, "/etc/passwd")),
        (f"{SLUG}/soft.c", (tarfile.SYMTYPE, "toy.c")), (f"{SLUG}/dev.c", (tarfile.CHRTYPE, ""))))
    assert taken(tmp_path / "out", submission) == {"toy.c": CODE}
    assert submission.refused == {
        SLUG: "a link", f"{SLUG}/hard.c": "a symbolic link", f"{SLUG}/soft.c": "a symbolic link",
        f"{SLUG}/dev.c": "no plain file"}


def test_a_link_in_a_zip(toy, tmp_path):
    with zipfile.ZipFile(tmp_path / "ann.zip", "w") as packed:
        info = zipfile.ZipInfo("toy.c")
        info.create_system, info.external_attr = 3, 0o120777 << 16
        packed.writestr(info, "/etc/passwd")
        packed.writestr("other.c", CODE)
    submission = read(tmp_path / "out", tmp_path / "ann.zip")
    assert submission.refused == {"toy.c": "a link"} and submission.problem


def test_the_same_name_twice(toy, tmp_path):
    submission = read(tmp_path / "out", tarred(
        tmp_path / "ann.tar.gz", ("toy.c", CODE), ("toy.c", b"int b;\n")))
    assert submission.problem == "toy.c is there twice"


@needs_bwrap
@pytest.mark.parametrize("make, said", [
    (lambda path: tarred(path, ("zeros", bytes(600 << 20))), "unpacks to more than 512 MiB"),
    (lambda path: tarred(path, *((f"f{n}", b"") for n in range(20_001))), "more than 20000 names"),
    (lambda path: tarred(path, *((f"f{n}.c", bytes(1 << 20)) for n in range(17))),
     "source files are larger than 16 MiB"),
    (lambda path: path.write_bytes(b"\x1f\x8b no more"), "no zip or tar"),
    (lambda path: path.write_bytes(b""), "no zip or tar"),
    (lambda path: path.write_bytes(b"PK\5\6" + struct.pack("<HHHHLLH", 0, 0, 9, 9, 1 << 31, 5, 0)),
     "no zip or tar"),
], ids=["zeros", "names", "sources", "cut", "empty", "directory"])
def test_bombs_and_broken_archives(toy, tmp_path, make, said):
    path = tmp_path / "ann.tar.gz"
    make(path)
    sandbox.use(sandbox.BWRAP)
    try:
        with pytest.raises(Unreadable, match=said):
            of_entry(path)
        submission = read(tmp_path / "out", path)
    finally:
        sandbox.use(sandbox.OWN)
    assert said in submission.problem and not (tmp_path / "out").exists()


def test_a_zip_bomb_costs_a_file_at_most(toy, tmp_path):
    """What it says of a file's size is not believed, and only so much is unpacked."""
    with zipfile.ZipFile(tmp_path / "ann.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("toy.c", CODE)
        packed.writestr("zero.c", bytes(200 << 20))
        packed.writestr("zeros", bytes(200 << 20))
    submission = read(tmp_path / "out", tmp_path / "ann.zip")
    assert taken(tmp_path / "out", submission) == {"toy.c": CODE}
    assert submission.refused == {"zero.c": "larger than 1 MiB"}


def test_a_folder_of_submissions(tmp_path):
    for name in ("ann", "eve"):
        (tmp_path / name).mkdir()
    for name in ("bob.zip", "cy.TAR.GZ", "ann.zip", "notes.txt", ".hidden", "=1+1.zip"):
        (tmp_path / name).write_bytes(b"")
    os.symlink("/etc", tmp_path / "link")
    os.mkfifo(tmp_path / "pipe.zip")
    found, left = entries(tmp_path)
    assert {ident: len(paths) for ident, paths in found.items()} == {
        "ann": 2, "eve": 1, "bob": 1, "cy": 1}
    assert sorted(left) == ["=1+1.zip", "link", "notes.txt", "pipe.zip"]
    both = read_one(Classroom(tmp_path / "out"), "ann", found["ann"], [], {})
    assert both.problem == "it is there twice, as ann and ann.zip: which of them counts?"


def test_no_submissions(tmp_path):
    with pytest.raises(GraderError, match="holds no submission"):
        entries(tmp_path)
    with pytest.raises(GraderError, match="is no folder"):
        entries(tmp_path / "none")
