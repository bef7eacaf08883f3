"""CPUs that take turns, for lab 5's tests: what one waits for, another does in its own turn."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from grader.explore.access import touches
from grader.explore.region import lab_of
from grader.explore.scene import INTERRUPTS_ON as ON
from grader.explore.scene import Scene
from grader.verdict import WRONG, Fail

LAB = 5
WALKED = 400            # instructions of a call, at most, until its CPU waits
TURN = 3000             # instructions of a turn: more than one call takes on one CPU
ROUNDS = 60             # of turns, before somebody hangs
SHORT = 800             # instructions of a turn where all have theirs until somebody comes somewhere
MOST_TURNS = 2000       # of each CPU, which may be as short as a few instructions
ARG = struct.Struct("<4I")
LINE = 64               # struct probe_line: kernel/include/probe_ipis.h
OLD, NEW = 4, 0x40       # what probe_patched() gives
NEW_CODE = bytes.fromhex("0410") * 4        # add $0x10,%al four times
OLD_CODE = bytes.fromhex("0401") * 4
FUNCTIONS = ("probe_phase", "probe_all")        # what all CPUs run
NOP = bytes.fromhex("0f1f440000")


class Turns(Scene):
    """A scene with all CPUs."""

    def __init__(self, cell):
        super().__init__(cell)
        self.cpus = range(self.m.cpus)
        self.others = range(1, self.m.cpus)
        self.m.write_u32("probe_new_result", NEW)
        self.functions = {self.m.elf.address(name) for name in FUNCTIONS}
        self.resting = self.m.elf.address("probe_rest")     # each round of the loop comes there
        self.ran: set[int] | None = None        # CPUs that were seen in one, since turns are given

    # ---- making a state ----

    def rest(self, *cpus: int) -> None:
        """These CPUs have nothing to do, with interrupts on."""
        for cpu in cpus:
            self.m.start(cpu, "probe_rest", flags=ON)
            self.run_until(cpu, "probe_rest", "a CPU that rests")

    def set_online(self, cpu: int, online: bool) -> None:
        """Whether a CPU is online, from here on."""
        self.m.write(self.block_of(cpu) + self.offset["cpu_online"], bytes([online]))

    def without(self, *cpus: int) -> None:
        """These CPUs are not online, and have no turns from here on."""
        for cpu in cpus:
            self.set_online(cpu, False)
        self.cpus = [cpu for cpu in self.cpus if cpu not in cpus]
        self.others = [cpu for cpu in self.others if cpu not in cpus]

    def fresh_words(self) -> tuple[int, ...]:
        """Fresh words that the next call is to pass on."""
        words = tuple(self.random.getrandbits(32) for _ in range(4))
        self.m.write("probe_arg", ARG.pack(*words))
        return words

    def code(self, data: bytes) -> None:
        """What text_patch() or text_poke() is to write next."""
        self.m.write("probe_new_bytes", data)
        self.m.write_u32("probe_new_size", len(data))

    def jump(self, site: str = "probe_poke_site", target: str = "probe_poke_target") -> bytes:
        """`jmp target`, for a site."""
        site, target = map(self.m.elf.address, (site, target))
        return b"\xe9" + struct.pack("<i", target - site - 5)

    # ---- running ----

    def run_until(self, cpu: int, until, expected: str, budget: int = 40_000):
        """Runs one CPU alone to an address."""
        stop = self.m.run(cpu, until, budget, exact=False)
        if stop.reason != "address":
            raise self.failed_on(stop, expected)
        return stop

    def at_each(self, cpu: int, places: Callable[[], Iterable[int]]) -> Iterator[int]:
        """Takes the CPU, from here, to each of these places in turn; in the end all is as it was.
        places() is asked once, and may run the CPU."""
        start, first = self.m.snapshot(), self.m.pc(cpu)
        for place in places():
            self.m.restore(start)
            if place != first:
                self.run_until(cpu, place, "the way that it went before")
            yield place
        self.m.restore(start)

    def accesses(self, cpu: int, until, limit: int) -> list[int]:
        """Where the CPU touches memory on its way there, and where it ends."""
        steps, _ = self.m.walk(cpu, until, limit)
        return [pc for pc in dict.fromkeys(step.pc for step in steps)
                if touches(self.m.elf, pc) or pc == steps[-1].pc]

    def labs_accesses(self, cpu: int, until=()) -> list[int]:
        """Those of the lab's own code, on the CPU's way from here, as long as a call may be until it waits."""
        return [place for place in self.accesses(cpu, until, WALKED)
                if lab_of(self.m.elf, place) == LAB]

    def failed_on(self, stop, expected: str) -> Exception:
        """The failure that a stop of any CPU is."""
        self.cpu = stop.cpu
        return self.failed(stop, expected)

    def give(self, cpu: int, until=(), turn: int = TURN) -> bool:
        """One turn of a CPU; whether it stands at one of the addresses.  The turn is over, too, when it
        comes to where it rests, or halts: nothing was sent to it that has not come by then.

        Notes whether it comes through a function that all CPUs are to run: what these leave in
        memory anybody may write."""
        asked = [until] if isinstance(until, (int, str)) else until
        wanted = {self.m.elf.address(each) for each in asked}
        if self.ran is None:
            self.ran = set()
        while True:
            functions = self.functions if cpu not in self.ran else set()
            stop = self.m.run(cpu, wanted | functions | {self.resting}, turn, exact=False)
            if stop.reason == "address" and stop.pc in self.functions:
                self.ran.add(cpu)
            if stop.reason == "budget" or stop.pc in wanted:
                return stop.reason == "address"
            if stop.reason == "halted" or stop.reason == "address" and stop.pc == self.resting:
                return False
            if stop.reason != "address":
                raise self.failed_on(stop, "the CPU goes on")

    def together(self, wanted: dict[int, object], expected: str, held=(), turn=lambda: SHORT,
                 rounds: int = ROUNDS * TURN // SHORT, stay: bool = True) -> None:
        """All CPUs but the `held` ones take turns, until each of `wanted` has come to its address;
        there it stays, or it goes on.  Short turns, since who waits uses up all of them."""
        missing = dict(wanted)
        for _ in range(rounds):
            for cpu in self.cpus:
                if cpu in held or stay and cpu in wanted and cpu not in missing:
                    continue
                if self.give(cpu, missing.get(cpu, ()), turn()):
                    missing.pop(cpu, None)
            if not missing:
                return
        cpu = min(missing)
        raise self.failed_on(self.m.run(cpu, (), 1), f"{expected} (CPU {cpu})")

    def returned(self, *cpus: int, **details) -> None:
        """Runs all, until the calls of these CPUs are over."""
        self.together({cpu: "probe_returned" for cpu in cpus}, "the call returns", **details)

    def by_turns(self, calls: set[int], turn: int) -> Iterator[int]:
        """All CPUs in turn, so many instructions each, until the calls of these are over, which are taken out;
        who is done rests.  Gives the CPU that has just had its turn."""
        for _ in range(MOST_TURNS):
            for cpu in self.cpus:
                if self.give(cpu, "probe_returned" if cpu in calls else (), turn):
                    calls.remove(cpu)
                    self.accepted(cpu)
                    self.m.start(cpu, "probe_rest", flags=ON)
                yield cpu
            if not calls:
                break

    def then_rest(self, cpu: int, function: str, arg: int = 0) -> None:
        """The CPU is to call a function, and to rest when that is over."""
        self.m.start(cpu, "probe_then_rest", self.m.elf.address(function), arg, flags=ON)

    def rested(self, *cpus: int, **details) -> list[int]:
        """Runs all, until these CPUs' calls are over and they rest; the results."""
        self.together({cpu: "probe_rest" for cpu in cpus}, "the call returns", stay=False,
                      **details)
        return [self.line("probe_then", cpu)[0] for cpu in cpus]

    @contextmanager
    def told(self, where: str) -> Iterator[None]:
        """What fails in this is told with the words: what the test had done before."""
        try:
            yield
        except Fail as fail:
            fail.failure.expected += f"; {where}"
            raise

    def settle(self, *cpus: int) -> None:
        """A turn more for each of these: what they are in the middle of is over."""
        for cpu in cpus:
            self.give(cpu)

    # ---- looking ----

    def line(self, name: str, cpu: int = 0) -> tuple[int, ...]:
        """A CPU's notes in one of the kernel's tables."""
        return struct.unpack("<16I", self.m.read(self.m.elf.address(name) + LINE * cpu, LINE))

    def forget(self) -> None:
        """Clears all notes."""
        self.ran = None
        for name in ("probe_got", "probe_steps", "probe_seen", "probe_polls", "probe_then"):
            self.m.write(name, bytes(LINE * 8))
        self.m.write("probe_one_got", bytes(LINE))

    def accepted(self, *cpus: int) -> None:
        """Fails unless the calls of these CPUs were not refused."""
        for cpu in cpus:
            if not self.m.result(cpu) & 0xFF:
                raise Fail(WRONG, expected=f"CPU {cpu}'s call is done: interrupts are on and the "
                           "level is PASSIVE", seen="it was refused")

    def check_level(self, cpu: int, level: int, interrupts: bool = True) -> None:
        """Fails unless the last call of this CPU left its level and its interrupts as they were."""
        seen = self.line("probe_then", cpu)[4:6]
        if seen != (level, interrupts):
            raise Fail(WRONG, expected=f"after the call CPU {cpu} is at level {level}, interrupts "
                       f"{'on' if interrupts else 'off'}, as before",
                       seen=f"it is at level {seen[0]}, interrupts {'on' if seen[1] else 'off'}")

    def check_got(self, words: tuple[int, ...], *cpus: int) -> None:
        """Fails unless the function read these words on each of the CPUs."""
        for cpu in cpus:
            got = self.line("probe_got", cpu)[:4]
            there = self.ran is None or cpu in self.ran
            if got == words and there:
                continue
            if got == (0,) * 4 or not there:
                seen = "it did not run there"
            elif got == (0xDEADBEEF,) * 4:
                seen = "words that the caller wrote after its call had returned"
            else:
                seen = " ".join(f"{word:x}" for word in got)
            raise Fail(WRONG, expected=f"the function on CPU {cpu}, with the caller's argument",
                       seen=seen)

    def check_seen(self, first: int, names: tuple[str, str], *cpus: int) -> tuple[int, int]:
        """Fails if code that was written over did something else on a CPU; the old and new ones."""
        old = new = 0
        for cpu in cpus:
            seen = self.line("probe_seen", cpu)[first:first + 3]
            if seen[2]:
                raise Fail(WRONG, expected=f"{names[0]} or {names[1]}, whole, on CPU {cpu}",
                           seen=f"{seen[2]} times something else",
                           cause="it executed some of the old bytes and some of the new ones.")
            old, new = old + seen[0], new + seen[1]
        return old, new
