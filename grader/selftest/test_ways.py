"""What the explorer takes from the machine code of a lab: where functions are entered, and how a CPU comes
back to an instruction."""

from __future__ import annotations

import subprocess

import pytest

from grader.elf import Elf
from grader.explore.ways import entered_anywhere, ways_back

PLAIN = """
int taken;
static __attribute__((noinline)) int look(void) { return __atomic_load_n(&taken, 0); }
void acquire(void) { while (look()) { } __atomic_store_n(&taken, 1, 0); }
void release(void) { __atomic_store_n(&taken, 0, 0); }
"""
LABELLED = """
extern int taken;
void labelled(int again)
{
    if (again == 5)
        __asm__ volatile("labelled_here: nop");
    while (__atomic_load_n(&taken, 0)) { }
}
"""
HIDDEN = """
    .text
    .globl hidden, behind
    .type hidden, @function
hidden:
    call .Lwait
    ret
behind:
    ret
.Lwait:
    cmpl $0, taken
    jne .Lwait
    ret
"""
RECURSIVE = """
extern int taken;
int deep(int n)
{
    int more = n ? deep(n - 1) : 0;
    return more + __atomic_load_n(&taken, 0);
}
"""
TWINS = """
extern int taken;
static __attribute__((noipa)) int wait_for(void) { return __atomic_load_n(&taken, 0); }
int %s(void) { return wait_for(); }
"""


@pytest.fixture(params=["-m64", "-m32"], ids=["x86_64", "i386"])
def link(request, tmp_path):
    """Builds a program of these files; gives its Elf."""
    def made(**files: str) -> Elf:
        names = []
        for name, text in files.items():
            path = tmp_path / name.replace("_", ".")
            path.write_text(text)
            names.append(path.name)
        subprocess.run(["gcc", request.param, "-g", "-O2", "-ffreestanding", "-nostdlib", "-static",
                        "-fno-pic", "-no-pie", "-fno-optimize-sibling-calls", "-Wl,-e,0", "-o", "program",
                        *names], cwd=tmp_path, check=True)
        return Elf(tmp_path / "program")
    return made


def names_of(elf: Elf, addresses) -> set[str]:
    return {elf.symbol_at(address).name for address in addresses}


def test_functions_of_c_are_entered_at_their_first_instruction(link):
    elf = link(a_c=PLAIN)
    assert entered_anywhere(elf, ("look", "acquire", "release")) == frozenset()


def test_a_label_inside_a_function_is_another_way_in(link):
    elf = link(a_c=PLAIN, b_c=LABELLED)
    found = names_of(elf, entered_anywhere(elf, ("acquire", "labelled")))
    assert found == {"labelled", "labelled_here"}


def test_assembly_may_be_entered_anywhere(link):
    elf = link(a_c=PLAIN, b_S=HIDDEN)
    assert names_of(elf, entered_anywhere(elf, ("hidden", "behind"))) == {"hidden", "behind"}


def behind_calls(elf: Elf, name: str) -> set[int]:
    body = elf.function(name)
    return {insn.address for before, insn in zip(body, body[1:]) if before.mnemonic.startswith("call")}


def test_a_function_that_is_in_itself_returns_there_more_than_once(link):
    elf = link(a_c=PLAIN, b_c=RECURSIVE)
    known = ways_back(elf, ("acquire", "look", "deep")).keys()
    assert behind_calls(elf, "acquire") & known
    assert behind_calls(elf, "deep") and not behind_calls(elf, "deep") & known


def test_two_files_may_have_a_function_of_one_name_each(link):
    elf = link(a_c=PLAIN, b_c=TWINS % "first", c_c=TWINS % "second")
    twins = {name for name in elf.symbols if name.startswith("wait_for")}
    assert twins in ({"wait_for", "wait_for@b.c"}, {"wait_for", "wait_for@c.c"})
    assert len({elf.address(name) for name in twins}) == 2
    for name in twins:
        first = elf.address(name)
        assert elf.find(elf.where(first + len(elf.function(name)[0].data))) is not None
        assert elf.symbol_at(first).name == name
