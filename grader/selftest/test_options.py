"""Bad values give one sentence that lists the right ones."""

import pytest

from grader.errors import GraderError
from grader.options import CELLS, gather, parse


@pytest.mark.parametrize("name, value, said", [
    ("ARCH", "arm", "x86_64"), ("EMU", "vmware", "bochs"), ("CC", "tcc", "clang"),
    ("CPUS", "9", "1 to 8"), ("CPUS", "two", "1 to 8"), ("SEED", "xyz", "hexadecimal"),
    ("OPT", "-O9", "-O2"), ("AS", "html", "text"), ("BASE", "x:labs", "1:labs"),
])
def test_bad_value(name, value, said):
    with pytest.raises(GraderError, match=said) as caught:
        parse({name: value})
    assert name in str(caught.value) and value in str(caught.value)
    assert "\n" not in str(caught.value)


def test_arguments_win_over_the_environment():
    values = gather(["ARCH=i386"], {"ARCH": "x86_64", "SEED": "7C1E", "HOME": "/"})
    options = parse(values)
    assert options.arches == ("i386",) and options.seed == "7c1e"
    assert options.cells == ["i386/qemu", "i386/bochs"]


def test_unknown_variable():
    with pytest.raises(GraderError, match="the variables are LAB"):
        gather(["COLOUR=red"], {})


def test_defaults():
    options = parse({})
    assert options.cells == list(CELLS) and options.source == "labs" and options.cpus == 0


def test_base_for_each_lab():
    assert parse({"BASE": "1:labs,2:solutions"}).base == {1: "labs", 2: "solutions"}
    assert parse({"BASE": "solutions"}).base == {0: "solutions"}
