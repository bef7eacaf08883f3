"""A student's files: what is refused, by name, and what is made equal."""

import os

import pytest

from grader.course import skeleton
from grader.errors import GraderError
from grader.options import Options
from grader.sources import Refused, check_text, collect, read_folder, seed_of


@pytest.fixture
def mine(toy, toy_lab):
    skeleton.write(toy_lab, force=False)
    return toy / "labs/lab8-toy"


@pytest.mark.parametrize("text, said", [
    ('.incbin "../x"', "a.S:2: .incbin is not allowed"),
    ('. INCBIN "x"', "not allowed"),
    ('.include "/etc/passwd"', ".include is not allowed"),
    ('asm(".inc" "bin \\"x\\"");', "not allowed"),
    ('asm(".inc\\\nbin \\"x\\"");', "not allowed"),
    ('#include "/etc/passwd"', '#include "/etc/passwd" is not allowed'),
    ('#  include <../../solutions/lab1-stack-switch/tss.c>', "lies outside"),
    ("#include MACRO", "write the file's name in quotes"),
])
def test_refused_text(text, said):
    with pytest.raises(Refused) as caught:
        check_text("a.S", "nop\n" + text + "\n")
    assert said in str(caught.value)


def test_honest_text():
    check_text("a.c", '#include "tss.h"\n#include <stdint.h> /* x */\n#include "lab1.h"  // y\n')


def test_line_ends_are_made_equal(mine, toy_lab):
    plain = collect(toy_lab, toy_lab, Options())
    (mine / "toy.c").write_bytes(b"\xef\xbb\xbf" + (mine / "toy.c").read_bytes().replace(
        b"\n", b"\r\n"))
    assert collect(toy_lab, toy_lab, Options()).files == plain.files


def test_symbolic_link(mine):
    (mine / "more.c").symlink_to("/etc/passwd")
    with pytest.raises(Refused, match="more.c is a symbolic link"):
        read_folder(mine)


def test_fifo(mine):
    os.mkfifo(mine / "pipe.c")
    with pytest.raises(Refused, match="pipe.c is not a plain file"):
        read_folder(mine)


def test_missing_file(mine, toy_lab):
    (mine / "toy.c").unlink()
    with pytest.raises(Refused, match="toy.c is missing: `make skeletons` writes it again"):
        collect(toy_lab, toy_lab, Options())


def test_missing_folder(toy_lab):
    toy_lab.root.joinpath("labs/lab8-toy").rmdir()
    with pytest.raises(GraderError, match="is missing: `make skeletons`"):
        collect(toy_lab, toy_lab, Options())


def test_wrong_from(toy_lab):
    with pytest.raises(GraderError, match="FROM=/none is not there"):
        collect(toy_lab, toy_lab, Options(source="/none"))


def test_an_alternate_lies_over_the_reference(toy, toy_lab):
    other = toy / "solutions/lab8-toy/alternates/eight"
    other.mkdir(parents=True)
    (other / "alternate.toml").write_text('title = "eight"\n')
    (other / "extra.c").write_text("int extra;\n")
    source = collect(toy_lab, toy_lab, Options(source=str(other)))
    assert set(source.files) == {"toy.c", "extra.c"} and source.label == "solutions/lab8-toy"


def test_seed(mine, toy_lab):
    first = seed_of([collect(toy_lab, toy_lab, Options())])
    assert first == seed_of([collect(toy_lab, toy_lab, Options())]) and len(first) == 8
    (mine / "toy.c").write_text((mine / "toy.c").read_text() + "\n")
    assert first != seed_of([collect(toy_lab, toy_lab, Options())])
