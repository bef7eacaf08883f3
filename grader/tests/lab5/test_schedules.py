"""Exercises 5.1, 5.2, 5.3 and 5.7: every schedule of calls to every CPU."""

from contextlib import contextmanager, nullcontext
from dataclasses import replace

from grader.explore.access import site_at
from grader.explore.corral import (REST, Calls, calls_region, check_accepted, check_came, corral_region,
                                   notes)
from grader.explore.explore import explore
from grader.explore.ipis import ON, Turns
from grader.explore.region import Memory, Program, Region
from grader.explore.store_buffer import StoreBuffers
from grader.verdict import WRONG, Fail

OFTEN = 260             # calls
VECTOR_IPI = 0xE0       # kernel/include/layout.h


def test_call(cell):
    """CPU 0 calls; CPU 1 has nothing to do."""
    explore(calls_region(Turns(cell), [0]), most=200, pct=4, walks=4)


def test_again(cell):
    """Two calls, one right behind the other: what the first leaves must not be in the second's way.  And
    more of them than a byte counts."""
    often(cell)
    explore(calls_region(Turns(cell), [0], times=2), preemptions=1, most=64, pct=4, walks=4)


def often(cell):
    """Two CPUs are enough, and the others not online."""
    scene = Turns(cell)
    scene.without(*scene.others[1:])
    scene.rest(*scene.others)
    scene.m.start(0, "probe_calls", OFTEN, flags=ON)
    with scene.told(f"it is one of {OFTEN}"):
        scene.returned(0, rounds=4 * OFTEN)
    if scene.m.result(0) != OFTEN:
        raise Fail(WRONG, expected=f"{OFTEN} calls are done", seen=str(scene.m.result(0)))
    cell.park()


def come_together(cell):
    """CPU 1 comes to a call; at each access on its way CPU 2 comes too, as far as it can, also while what
    CPU 1 writes is late.  When the call is over, an IPI finds nothing to do."""
    scene = Turns(cell)
    scene.rest(*scene.others)
    scene.forget()
    words = scene.fresh_words()
    scene.m.start(0, "probe_call", flags=ON)
    scene.give(0)
    known = set()
    for place in scene.at_each(1, lambda: on_the_way(scene, 1)):
        late = place in known           # the second time
        known.add(place)
        at = replace(scene.m.place(place), label="CPU 1 was at")
        with scene.told("CPU 2 came too while " + (
                "what CPU 1 had written was late" if late else f"CPU 1 was at {at.where}")):
            with held_store(scene, 1, place) if late else nullcontext():
                scene.give(2)
            scene.returned(0)
            scene.accepted(0)
            scene.check_got(words, *scene.cpus)
            for cpu in (1, 2):
                nothing_asked(scene, cpu, at)


def on_the_way(scene, cpu):
    """Where the lab's code touches memory from here until the CPU waits; what writes plainly, twice."""
    found = []
    for place in scene.labs_accesses(cpu):
        if site := site_at(scene.m.elf, place):
            found += [place] * (2 if site.late else 1)
    return found


@contextmanager
def held_store(scene, cpu, place):
    """The CPU executes this store, or read-modify-write without LOCK; the others see it in the end."""
    site, buffers = site_at(scene.m.elf, place), StoreBuffers(scene.m, scene.cpus)
    address = site.where(scene.m.regs(cpu).values, scene.m.width)
    buffers.before_store(cpu, address, site.size)
    scene.m.step(cpu)
    buffers.after_store(cpu, address, site.size)
    buffers.show_memory()
    yield
    buffers.drain_all()


def nothing_asked(scene, cpu, at):
    """Fails if an IPI has a CPU do anything, when nothing is asked of it."""
    scene.settle(cpu)
    scene.forget()
    scene.m.interrupt(cpu, VECTOR_IPI)
    scene.give(cpu)
    if scene.m.pc(cpu) != scene.resting or cpu in scene.ran:
        raise Fail(WRONG, expected=f"an IPI to CPU {cpu} when the call is over: it finds nothing to do",
                   seen="the function runs there again" if cpu in scene.ran else
                   f"CPU {cpu} is at {scene.m.elf.where(scene.m.pc(cpu))}",
                   at=at,
                   cause="something says that it is still asked, as if it had never come.")


def test_more(cell):
    """Three and four CPUs."""
    cell.use(3)
    come_together(cell)
    for cpus in (3, 4):
        cell.use(cpus)
        explore(calls_region(Turns(cell), [cpus - 1]), preemptions=1, most=28, pct=4, walks=4)


def test_two(cell):
    """Both CPUs call at the same time."""
    explore(calls_region(Turns(cell), [0, 1]), most=220, pct=4, walks=4)


def test_all_call(cell):
    """Three CPUs, all of them call."""
    cell.use(3)
    explore(calls_region(Turns(cell), range(3)), preemptions=1, most=32, pct=3, walks=3)


def test_phases(cell):
    """One CPU runs the first phase while the other is held; then both run the second."""
    scene = Turns(cell)
    scene.code(b"")
    words = scene.fresh_words()
    ends = [insn.address for insn in scene.m.elf.function("probe_one") if insn.text.startswith("ret")]

    def begun(run):
        run.notes |= {"one": 0, "over": 0, "all": dict.fromkeys(run.region.cpus, 0)}

    def one(run, cpu):
        run.notes["one"] += 1
        if any(run.notes["all"].values()):
            raise Fail(WRONG, expected="the first phase before the second",
                       seen=f"CPU {cpu} begins the first, and the second has begun")
        for other in run.region.cpus:
            if other != cpu:
                check_came(run, cpu, other, 0)

    def over(run, cpu):
        run.notes["over"] += 1

    def all_of_them(run, cpu):
        run.notes["all"][cpu] += 1
        if not run.notes["over"]:
            raise Fail(WRONG, expected="the second phase when the first is over",
                       seen=f"CPU {cpu} begins the second, and the first is not over")

    def check(run):
        if run.notes["one"] != 1 or set(run.notes["all"].values()) != {1}:
            raise Fail(WRONG, expected="the first phase once, the second once on each CPU",
                       seen=f"{run.notes['one']} and {list(run.notes['all'].values())}")
        scene.check_got(words, *run.region.cpus)
        check_accepted(scene, [0])

    region = corral_region(
        scene, "two phases, two CPUs", {0: ("probe_two_phase", 0)},
        marks={"probe_one": one, "probe_all": all_of_them} | {address: over for address in ends},
        words={"probe_one": "is in the first phase", "probe_all": "is in the second phase"},
        begun=begun, check=check,
        start="two CPUs with interrupts on; CPU 0 is about to call, CPU 1 has nothing to do")
    explore(region, most=120, pct=4, walks=4)


def test_poll(cell):
    """CPU 1 spins with interrupts off for what CPU 0 has, which calls."""
    scene = Turns(cell)
    calls = Calls(scene, [0])

    def rested(run, cpu):
        calls.rested(run, cpu)
        if cpu == 0 and not run.notes.get("gone on"):
            run.notes["gone on"] = True
            run.m.write_u32("probe_go", 1)
            run.poke()

    region = Region(
        scene, "a CPU that spins with interrupts off",
        [Program(0, "probe_then_rest", (scene.m.elf.address("probe_call"), 0), ON, REST),
         Program(1, "probe_spin_wait", (), 0)],
        [*notes(scene), Memory("probe_go", scene.m.elf.address("probe_go"), 4)],
        functions=["probe_spin_wait"],
        marks={"probe_phase": calls.phase, REST: rested}, begun=calls.begun, check=calls.check,
        sends=("ipi_send",), words={REST: "goes on", "probe_phase": "is in the function",
                                    "ipi_send": "sends an IPI"},
        start="CPU 1 waits with interrupts off until CPU 0 goes on; CPU 0 is about to call")
    explore(region, most=100, pct=4, walks=4)
