"""Bundles: a case goes to another machine, and a hostile file gets nowhere."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest

from grader.course import bundle, unbundle
from grader.errors import GraderError
from grader.paths import ROOT
from grader.selftest.intree import run, warm

LAB = "lab1-stack-switch"
NOBODY = ("kernel.elf", "corral.iso", "checker.elf")


def about(**changes) -> bytes:
    """A bundle.json that says something possible, with changes."""
    whole = {"schema": bundle.SCHEMA, "case": "1.1a-1", "test": "1.1a", "text": "", "lab": 1,
             "cell": "x86_64/bochs", "seed": "7", "cpus": 2, "cc": "gcc", "opt": "-O2", "moves": {},
             "sentences": ["FAIL 1.1a"], "versions": {"gcc": "12.2"}, "grader": "0"}
    return json.dumps(whole | changes).encode()


def packed(path: Path, *members: tuple[str, bytes], **about_changes) -> Path:
    """A bundle with all it needs, and more members."""
    whole = [("bundle.json", about(**about_changes)), *((name, b"x") for name in NOBODY), *members]
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, data in whole:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    path.write_bytes(gzip.compress(plain.getvalue()))
    return path


@pytest.mark.parametrize("name", [
    "../evil", "/etc/evil", "tree/../../evil.c", "tree/kernel/../../../evil.c", "tree/labs/x.sh",
    "tree/solutions/lab1/tss.c", "evil", "tree/labs/.hidden.c", "tree/kernel//x.c", "./kernel.elf",
    "tree/labs/a b.c", "tree/labs/\x1b[2J.c", "kernel.elf/x.c", "tree/labs/x..c"])
def test_a_name_that_no_bundle_has(tmp_path, name):
    path = packed(tmp_path / "b.tar.gz", (name, b"evil"))
    with pytest.raises(GraderError, match="is not used: it holds .*, which no bundle has") as caught:
        unbundle.read(path)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE,
                                  tarfile.CHRTYPE, tarfile.DIRTYPE])
def test_only_plain_files(tmp_path, kind):
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        info = tarfile.TarInfo("kernel.elf")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    path = tmp_path / "b.tar.gz"
    path.write_bytes(gzip.compress(plain.getvalue()))
    with pytest.raises(GraderError, match="kernel.elf is no plain file"):
        unbundle.read(path)


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(unbundle, "MOST_BYTES", 1 << 20)
    path = packed(tmp_path / "b.tar.gz", ("tree/labs/x.c", bytes(2 << 20)))
    with pytest.raises(GraderError, match="larger than a bundle can be"):
        unbundle.read(path)


def test_twice_the_same_name(tmp_path):
    path = packed(tmp_path / "b.tar.gz", ("kernel.elf", b"y"))
    with pytest.raises(GraderError, match="holds kernel.elf twice"):
        unbundle.read(path)


def test_a_file_that_is_also_a_folder(tmp_path):
    path = packed(tmp_path / "b.tar.gz", ("tree/labs/x.c", b""), ("tree/labs/x.c/y.c", b""))
    with pytest.raises(GraderError, match="x.c is a file and a folder"):
        unbundle.read(path)


# Names, since gzip puts the time into its bytes: they would be other tests in another process.
@pytest.mark.parametrize("data", [b"", b"text", gzip.compress(b"text" * 600),
                                  gzip.compress(bytes(5000))[:-9]],
                         ids=["nothing", "text", "no tar", "cut off"])
def test_what_is_no_archive(tmp_path, data):
    path = tmp_path / "b.tar.gz"
    path.write_bytes(data)
    with pytest.raises(GraderError, match="is not used: (it is no tar.gz|bundle.json is missing)"):
        unbundle.read(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(GraderError, match="cannot be read .*: `make bundle CASE=..` writes such"):
        unbundle.read(tmp_path / "none")
    with pytest.raises(GraderError, match="cannot be read"):
        unbundle.read(tmp_path)


@pytest.mark.parametrize("changes", [
    {"case": "../../x"}, {"test": "1.1a\n"}, {"cell": "arm/qemu"}, {"lab": "1"}, {"lab": True},
    {"seed": "xyz"}, {"cpus": 1}, {"cpus": True}, {"cpus": 2.0}, {"cc": "sh -c x"},
    {"opt": "-O2 -o /x"}, {"moves": []}, {"text": 7}, {"sentences": [7]}, {"sentences": None},
    {"versions": []}, {"grader": None}])
def test_a_value_that_is_not_possible(changes):
    with pytest.raises(GraderError, match="says something impossible"):
        unbundle.checked(about(**changes))


def test_another_format_and_no_json():
    with pytest.raises(GraderError, match="has the format corral/bundle/v9, this grader reads"):
        unbundle.checked(about(schema="corral/bundle/v9"))
    for data in (b"", b"[]", b"\xff", b"[" * 100_000):
        with pytest.raises(GraderError, match="says something impossible"):
            unbundle.checked(data)


def test_a_kernel_that_is_none_is_a_sentence(tmp_path):
    path = packed(tmp_path / "b.tar.gz")
    code, said = run(ROOT, "replay", f"BUNDLE={path}", CORRAL_BUILD=str(tmp_path / "build"))
    assert code == 2 and "corral: " in said and len(said.strip().splitlines()) <= 4


def test_the_same_members_give_the_same_file():
    assert bundle.packed({"a": b"1"}) == bundle.packed({"a": b"1"})


@pytest.mark.skipif(not (ROOT / "solutions" / LAB).is_dir(), reason="needs the reference of lab 1")
@pytest.mark.parametrize("arch, emu, says", [("x86_64", "bochs", "<bochs:"), ("i386", "qemu", "=> 0x")])
def test_a_case_goes_to_another_machine(tmp_path, arch, emu, says):
    """There: a tree whose labs/ is not what was graded, and a build folder that is empty."""
    here, there = str(warm(tmp_path / "here")), str(tmp_path / "there")
    cell = (f"ARCH={arch}", f"EMU={emu}")
    code, said = run(ROOT, "grade", "LAB=1", "FROM=solutions", "TEST=1.2b", *cell, CORRAL_BUILD=here)
    assert code == 0, said
    code, said = run(ROOT, "bundle", "CASE=1.2b", *cell, CORRAL_BUILD=here)
    assert code == 0 and "bundle-1.2b-1.tar.gz" in said, said
    path = tmp_path / "here/bundle-1.2b-1.tar.gz"
    names = tarfile.open(path).getnames()
    assert "kernel.elf" in names and not [n for n in names if "solutions" in n or ".." in n]
    data = json.loads(tarfile.open(path).extractfile("bundle.json").read())
    assert data["seed"] and data["versions"] and data["cell"] == f"{arch}/{emu}"
    code, said = run(ROOT, "replay", f"BUNDLE={path}", CORRAL_BUILD=there)
    assert code == 0 and says in said and "1.2b-1" in said, said
    assert "note:" not in said and not list((tmp_path / "there").glob("lab*"))     # nothing was built
