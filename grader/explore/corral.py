"""Regions around calls to every CPU: who has come, who is in the function, who may go."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from grader.explore.ipis import LINE, ON, Turns
from grader.explore.region import Memory, Program, Region, Run
from grader.verdict import WRONG, Fail

REST = "probe_rest"
NORMAL = ("probe_rest", "probe_step", "probe_normal", "probe_patched_round", "probe_patched",
          "probe_poked_round", "probe_poked", "probe_patch_site", "probe_poke_site", "probe_poke_target")
NEAR = 8192             # bytes: half of a CPU's stack, on which its argument lies
NOTES = ("probe_got", "probe_steps", "probe_seen", "probe_then")


class Calls:
    """Follows the calls of a run: each CPU's function begins and ends once for each of them."""

    def __init__(self, scene: Turns, callers: Iterable[int], times: int = 1):
        self.scene = scene
        self.callers = list(callers)
        self.times = times
        self.wanted = times * len(self.callers)
        self.words = scene.fresh_words()

    def begun(self, run: Run) -> None:
        run.notes["began"] = dict.fromkeys(run.region.cpus, 0)
        run.notes["ended"] = {cpu: [] for cpu in run.region.cpus}       # the arguments of the calls

    def phase(self, run: Run, cpu: int) -> None:
        """A CPU is at probe_phase(): the function begins there, or is about to return."""
        if self.scene.argument(0, cpu):
            run.notes["ended"][cpu].append(self.scene.argument(1, cpu))
            return
        number = run.notes["began"][cpu]
        run.notes["began"][cpu] += 1
        for other in run.region.cpus:
            if len(run.notes["ended"][other]) < number:
                raise Fail(WRONG, expected=f"call {number + 1} begins when call {number} is over "
                           "everywhere", seen=f"CPU {other} is still in call {number}")
            if other != cpu and run.notes["began"][other] <= number:
                check_came(run, cpu, other, number)

    def rested(self, run: Run, cpu: int) -> None:
        """A CPU is at the end of what it does, or back there after an interrupt."""
        if cpu not in self.callers or run.notes.get(("back", cpu)):
            return
        run.notes["back", cpu] = True
        sp = run.m.regs(cpu).sp
        for other, ended in run.notes["ended"].items():
            if sum(abs(arg - sp) < NEAR for arg in ended) < self.times:
                raise Fail(WRONG, expected="a call returns when its function is over on every CPU",
                           seen=f"CPU {cpu}'s has returned, and CPU {other} is still in it",
                           cause="the argument may be on the caller's stack, and is gone then.")

    def check(self, run: Run) -> None:
        """At the end: the function has run once on each CPU for each call, with the argument."""
        for cpu in run.region.cpus:
            seen = run.notes["began"][cpu]
            if seen != self.wanted:
                raise Fail(WRONG, expected=f"the function runs {_times(self.wanted)} on CPU {cpu}",
                           seen=f"it ran {_times(seen)}")
        self.scene.check_got(self.words, *run.region.cpus)
        check_accepted(self.scene, self.callers)


def _times(number: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number} times")


def check_accepted(scene: Turns, callers: Iterable[int]) -> None:
    """Fails unless each caller's call was done: it said so, and came back once."""
    for cpu in callers:
        check_back(scene, cpu)
        if not scene.line("probe_then", cpu)[0] & 0xFF:
            raise Fail(WRONG, expected=f"CPU {cpu}'s call is done and returns true",
                       seen="it was refused")


def check_back(scene: Turns, cpu: int) -> None:
    """Fails unless what a CPU was to call came back, once."""
    if scene.line("probe_then", cpu)[1] != 1:
        raise Fail(WRONG, expected=f"CPU {cpu} comes back from what it called",
                   seen="it did not come back")


def check_came(run: Run, cpu: int, other: int, number: int) -> None:
    """Fails if the other CPU still runs what it ran before the call."""
    symbol = run.m.elf.symbol_at(run.at[other])
    if symbol and symbol.name in NORMAL:
        raise Fail(WRONG, expected=f"no CPU begins before CPU {other} has come",
                   seen=f"CPU {cpu} begins, and CPU {other} is still at "
                   f"{run.m.elf.where(run.at[other])}",
                   cause="without an arrive barrier the function runs beside the code that it is to "
                   "keep still.")


def notes(scene: Turns) -> list[Memory]:
    """The kernel's notes and the lab's areas, which are as they were before each run."""
    m = scene.m
    found = [Memory(name, m.elf.address(name), LINE * m.cpus) for name in NOTES]
    found += [Memory(f"CPU {cpu}'s area", scene.block_of(cpu) + scene.offset["cpu_lab5"]
                     + scene.offset["canary_size"], scene.offset["area5_size"])
              for cpu in scene.cpus]
    return found


def corral_region(scene: Turns, name: str, doing: dict[int, tuple[str, int]], *,
                  marks: dict[str, Callable[[Run, int], None]] | None = None,
                  begun: Callable[[Run], None] | None = None,
                  check: Callable[[Run], None] | None = None, words: dict[str, str] | None = None,
                  events=(), start: str = "", memory: Iterable[Memory] = (),
                  functions: Iterable[str] = ()) -> Region:
    """Each CPU calls a function with a number and then rests, or rests from the start; all take
    interrupts."""
    programs = []
    for cpu in scene.cpus:
        if cpu in doing:
            function, number = doing[cpu]
            programs.append(Program(cpu, "probe_then_rest",
                                    (scene.m.elf.address(function), number), ON, REST))
        else:
            programs.append(Program(cpu, REST, (), ON, REST))
    return Region(scene, name, programs, [*notes(scene), *memory], functions=functions,
                  marks=marks, events=events, begun=begun, check=check, sends=("ipi_send",),
                  words={REST: "has nothing to do", "ipi_send": "sends an IPI"} | (words or {}),
                  start=start)


def calls_region(scene: Turns, callers: Iterable[int], times: int = 1, name: str = "") -> Region:
    """CPUs that call a function on every CPU, so often each."""
    calls = Calls(scene, callers, times)
    function = ("probe_calls", times) if times > 1 else ("probe_call", 0)
    who = "one CPU calls" if len(calls.callers) == 1 else f"{len(calls.callers)} CPUs call"
    number = {2: "two", 3: "three", 4: "four"}[scene.m.cpus]
    return corral_region(
        scene, name or f"{who}, {number} there", {cpu: function for cpu in calls.callers},
        marks={"probe_phase": calls.phase, REST: calls.rested}, begun=calls.begun,
        check=calls.check, words={"probe_phase": "is in the function"},
        start=f"{number} CPUs with interrupts on; " + ", ".join(
            f"CPU {cpu} is about to call" for cpu in calls.callers))
