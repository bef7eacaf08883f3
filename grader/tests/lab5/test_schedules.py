"""Exercises 5.1, 5.2, 5.3 and 5.7: every schedule of calls to every CPU."""

from grader.explore.corral import (REST, Calls, calls_region, check_accepted, check_came, corral_region,
                                   notes)
from grader.explore.explore import explore
from grader.explore.ipis import ON, Turns
from grader.explore.region import Memory, Program, Region
from grader.verdict import WRONG, Fail

OFTEN = 260             # calls


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
    other, *absent = scene.others
    for cpu in absent:
        scene.m.write(scene.block_of(cpu) + scene.offset["cpu_online"], b"\0")
    scene.rest(other)
    scene.m.start(0, "probe_calls", OFTEN, flags=ON)
    with scene.told(f"it is one of {OFTEN}"):
        scene.returned(0, rounds=4 * OFTEN, held=absent)
    if scene.m.result(0) != OFTEN:
        raise Fail(WRONG, expected=f"{OFTEN} calls are done", seen=str(scene.m.result(0)))
    cell.park()


def test_more(cell):
    """Three and four CPUs."""
    for cpus in (3, 4):
        cell.use(cpus)
        explore(calls_region(Turns(cell), [cpus - 1]), preemptions=1, most=28, pct=4, walks=4)


def test_two(cell):
    """Both CPUs call at the same time."""
    explore(calls_region(Turns(cell), [0, 1]), most=120, pct=4, walks=4)


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
