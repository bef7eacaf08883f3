"""Figures of the whole kernel: its image, its memory, its boot; and of a ring's item."""

from __future__ import annotations

import re

from elftools.elf.elffile import ELFFile

from grader.bench.bed import Bed
from grader.build import Build
from grader.errors import GraderError
from grader.explore.bench import CALLS, NOTHING, RING, Bench
from grader.machine.machine import Machine

BATCH = 64              # items, which is as many as the ring has slots
FREE = re.compile(rb"(\d+) KiB free")
LOADED_MIB = 16


def image(build: Build) -> dict[str, int]:
    """Bytes of the kernel: what is loaded, and with its zeros."""
    with open(build.elf, "rb") as stream:
        parts = [p for p in ELFFile(stream).iter_segments() if p["p_type"] == "PT_LOAD"]
        return {"image_file": sum(p["p_filesz"] for p in parts),
                "image_memory": sum(p["p_memsz"] for p in parts)}


def memory(machine: Machine) -> int:
    """KiB that are not free when the kernel has started, of the 16 MiB it was given."""
    said = FREE.search(machine.serial())
    if not said:
        raise GraderError("the kernel does not say how much memory is free")
    return LOADED_MIB * 1024 - int(said[1])


def items(bed: Bed) -> dict[str, float]:
    """An item by the ring and by a system call, in a batch of 64, ring 3's part included."""
    bench = Bench(bed.scene())
    around = bench.measure(NOTHING, 0)
    found = {}
    for key, way in (("item_ring", RING), ("item_call", CALLS)):
        bench.measure(way, 1)           # the first takes faults, maybe
        found[key] = round((bench.measure(way, BATCH) - around) / BATCH, 1)
    return found
