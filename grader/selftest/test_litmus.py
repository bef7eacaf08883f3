"""The store buffers of the explorer are x86-TSO: each litmus test has the outcomes that it allows and
no others (Sewell and others 2010; SDM 3A 9.2.3), in both emulators and both widths."""

from __future__ import annotations

import itertools
import random
import struct

import pytest

from grader.explore.region import RUN, Memory, Move, Program, Region
from grader.explore.scene import Scene
from grader.explore.schedules import Bounded, Explorer, Failed, Turn, outcomes
from grader.explore.story import schedule_of, tell
from grader.machine import CELLS, boot
from grader.verdict import WRONG, Fail

BITS = (0, 1)
ALL_2 = set(itertools.product(BITS, repeat=2))
ALL_4 = set(itertools.product(BITS, repeat=4))

# What is read, as r0, r1, ..; of the last two what memory holds in the end, as x, y.
READS = {
    "sb": ((0, 1), ALL_2),                              # both loads may pass both stores
    "sbf": ((0, 1), ALL_2 - {(0, 0)}),
    "sbs": ((0, 1), ALL_2),                             # SFENCE keeps stores in order, not loads out
    "sbl": ((0, 1), ALL_2 - {(0, 0)}),
    "sbx": ((0, 1), ALL_2 - {(0, 0)}),
    "mp": ((0, 1), ALL_2 - {(1, 0)}),                   # stores stay in order, and so do loads
    "mpf": ((0, 1), ALL_2 - {(1, 0)}),
    "lb": ((0, 1), ALL_2 - {(1, 1)}),                   # no store passes an earlier load
    "lbf": ((0, 1), ALL_2 - {(1, 1)}),
    "rfi": ((0, 1), {(1, a, 1, b) for a, b in ALL_2}),  # a CPU sees its own store at once
}
ENDS = {
    "2w": ((0, 1), {(1, 2), (2, 1), (2, 2)}),           # stores of a CPU become visible in order
}


@pytest.fixture(scope="module", params=CELLS, ids=str)
def scene(request, kernels):
    folder = kernels[request.param.arch]
    with boot(request.param, folder / "kernel.elf", folder / "corral.iso", cpus=4) as machine:
        cell = type("Cell", (), {"machine": machine, "random": random.Random(1), "replay": None,
                                    "progress": lambda done, limit: None})
        made = Scene(cell)
        made.parked = machine.snapshot()
        yield made


def region_of(scene, functions: list[str]) -> Region:
    """One of the functions on each CPU, which share x and y."""
    m = scene.m
    m.restore(scene.parked)
    memory = [Memory(name, m.elf.address(f"probe_{name}"), 4) for name in "xy"]
    region = Region(scene, functions[0], [Program(cpu, name) for cpu, name in enumerate(functions)],
                    memory, functions=functions)
    results = range(m.elf.address("probe_r"), m.elf.address("probe_r") + 64)
    # What is noted at the end is nobody else's business.
    region.use([site for site in region.candidates.values()
                if not site.size or site.where({"rsp": 0, "esp": 0}, m.width) not in results], [])
    return region


def read_words(scene, symbol: str, count: int) -> tuple[int, ...]:
    return struct.unpack(f"<{count}I", scene.m.read(symbol, 4 * count))


@pytest.mark.parametrize("name", READS)
def test_what_is_read(scene, name):
    cpus, allowed = READS[name]
    region = region_of(scene, [f"litmus_{name}{cpu}" for cpu in cpus])
    found, _ = outcomes(region, lambda: read_words(scene, "probe_r", len(next(iter(allowed)))))
    assert found == allowed


@pytest.mark.parametrize("fenced", ["", "f"], ids=["iriw", "iriwf"])
def test_two_readers_agree(scene, fenced):
    """Stores reach all others at the same time: two CPUs never see two of them in different orders."""
    region = region_of(scene, ["litmus_iriw0", "litmus_iriw1", f"litmus_iriw{fenced}2",
                               f"litmus_iriw{fenced}3"])
    found, _ = outcomes(region, lambda: read_words(scene, "probe_r", 4))
    assert found == ALL_4 - {(1, 0, 1, 0)}


@pytest.mark.parametrize("name", ENDS)
def test_what_is_left(scene, name):
    cpus, allowed = ENDS[name]
    region = region_of(scene, [f"litmus_{name}{cpu}" for cpu in cpus])
    found, _ = outcomes(region, lambda: (scene.m.u32("probe_x"), scene.m.u32("probe_y")))
    assert found == allowed


@pytest.mark.parametrize("name, allowed", [("litmus_inc", {1, 2}), ("litmus_lockinc", {2})])
def test_two_increments(scene, name, allowed):
    """A read-modify-write without LOCK is two steps, one with LOCK is one."""
    found, _ = outcomes(region_of(scene, [name, name]), lambda: scene.m.u32("probe_x"))
    assert found == allowed


def bounded_outcomes(region, look, preemptions):
    """What comes of the schedules with at most so many preemptions, how many were run, and how many
    came to the same as one of these."""
    explorer, schedules, found = Explorer(region), Bounded(region, preemptions), set()
    for planned in schedules:
        assert explorer.try_one(planned) is None
        found.add(look())
    return found, schedules.run, schedules.same


@pytest.mark.parametrize("name", ["sb", "sbl", "rfi", "iriw"])
def test_no_outcome_is_left_out(scene, name, monkeypatch):
    """Of schedules that come to the same one is run, and what is left out brings nothing new."""
    cpus = range(4) if name == "iriw" else READS[name][0]
    region = region_of(scene, [f"litmus_{name}{cpu}" for cpu in cpus])

    def look():
        return read_words(scene, "probe_r", 4), scene.m.read("probe_x", 4), scene.m.read("probe_y", 4)

    fewer, run, same = bounded_outcomes(region, look, 2)
    monkeypatch.setattr(Turn, "same", lambda self, number: False)
    every, all_run, none = bounded_outcomes(region, look, 2)
    assert fewer == every
    assert none == 0 and run <= all_run
    assert same > 0 or name == "sb"


def moves_of(region, number):
    """Where each CPU stood before and after each move, of the first schedules."""
    explorer, found = Explorer(region), []
    for planned in itertools.islice(Bounded(region, 2), number):
        assert explorer.try_one(planned) is None
        found.append([(done.move, done.before, done.after) for done in planned.log])
    return found


def test_functions_get_their_points_in_time(scene, monkeypatch):
    """Points that come when somebody calls a function, and points that are always there: the schedules
    are the same, move by move."""
    elf = scene.m.elf

    def region():
        scene.m.restore(scene.parked)
        called = elf.address("probe_inside")
        return Region(scene, "twice", [Program(cpu, "probe_rounds", (called, 2)) for cpu in range(2)],
                      [Memory("counter", elf.address("probe_shared"), 4)],
                      functions=["probe_inside", "probe_spin_wait"])

    late = region()
    found = moves_of(late, 25)
    assert any(elf.symbol_at(at).name == "probe_inside" for moves in found for _, at, _ in moves)
    assert elf.address("probe_inside") in late.awake
    assert late.asleep == {elf.address("probe_spin_wait")}      # nobody calls it

    everything = {symbol.address for symbol in elf.symbols.values()}
    monkeypatch.setattr(Region, "_entered", lambda self: everything)
    always = region()
    assert not always.asleep and moves_of(always, 25) == found


def test_a_turn_where_the_other_run_failed():
    """A run that fails in a move does not have it; another CPU may take its turn there all the same."""
    turn = Turn([])
    turn.take(0, [])
    assert not turn.same(0)


@pytest.mark.parametrize("name, said", [("sbf", "mfence"), ("sbl", "fence: lock or")])
def test_a_fence_is_told_as_one(scene, name, said):
    """Also that of a compiler which has no MFENCE: nobody asks what it left on the stack."""
    region = region_of(scene, [f"litmus_{name}{cpu}" for cpu in (0, 1)])
    moves = [Move(RUN, cpu) for cpu in (0, 0, 1, 1, 0, 1)]     # both stores and fences, then both loads
    told, _ = tell(region, Failed(1, moves, Fail(WRONG, expected="", seen="")))
    table, _ = schedule_of(region, told)
    rows = [step.text for step in table.steps]
    assert len([row for row in rows if row.startswith(said)]) == 2, rows
    assert "switch: CPU 0 has fenced, has not read y" in rows, rows
