"""A variable's parts are told by their names, whichever compiler wrote the debug information."""

from __future__ import annotations

import io
import random
import shutil
import subprocess

import pytest
from elftools.elf.elffile import ELFFile

from grader.elf import Elf
from grader.members import part_of

CODE = """
struct node { struct node *next; volatile unsigned ticket; };
typedef struct { unsigned go, arrived; union { unsigned short half; unsigned all; }; } call_t;
extern call_t call;
call_t call;
struct { struct node nodes[3]; char room[8]; call_t const *of; unsigned grid[2][2]; } all;
unsigned plain, many[4];
void *_start(void) { return all.nodes[1].next ? (void *)&call : many[1] ? (void *)&plain : 0; }
"""
PARTS = [("call", 0, ".go"), ("call", 4, ".arrived"), ("call", 8, ".half"), ("call", 10, ".all+2"),
         ("all", 0, ".nodes[0].next"), ("all", 24, ".nodes[1].ticket"), ("all", 50, ".room+2"),
         ("all", 56, ".of"), ("all", 68, ".grid+4"), ("plain", 0, ""), ("plain", 1, "+1"), ("many", 8, "[2]"),
         ("all", 4096, "+4096")]


@pytest.fixture(scope="module", params=["gcc", "clang"])
def elf(request, tmp_path_factory):
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    place = tmp_path_factory.mktemp("members")
    (place / "labs/lab1-call").mkdir(parents=True)
    (place / "labs/lab1-call/call.c").write_text(CODE)
    subprocess.run([request.param, "-gdwarf-4", "-O1", "-ffreestanding", "-nostdlib", "-static", "-fno-pie",
                    "-no-pie", "-o", "kernel.elf", "labs/lab1-call/call.c"], cwd=place, check=True)
    return Elf(place / "kernel.elf")


@pytest.mark.parametrize("name, offset, said", PARTS)
def test_part(elf, name, offset, said):
    assert part_of(elf, elf.address(name), offset) == said


def test_another_address(elf):
    """Where no variable of a lab begins only the distance is told."""
    assert part_of(elf, 0x1000, 12) == "+12"


def test_debug_information_that_is_wrong(elf, tmp_path):
    """A student's assembly may hold any: it costs the names, and nothing else."""
    good = elf.path.read_bytes()
    file = ELFFile(io.BytesIO(good))
    sections = [file.get_section_by_name(name) for name in (".debug_info", ".debug_abbrev")]
    places = [at for each in sections for at in range(each["sh_offset"], each["sh_offset"] + each["sh_size"])]
    for seed in range(150):
        rng, bad = random.Random(seed), bytearray(good)
        for at in rng.sample(places, 12):
            bad[at] = rng.randrange(256)
        (tmp_path / "kernel.elf").write_bytes(bad)
        wrong = Elf(tmp_path / "kernel.elf")
        for name, offset, _ in PARTS:
            assert isinstance(part_of(wrong, elf.address(name), offset), str)
