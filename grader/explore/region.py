"""A region: what several CPUs do at the same time, from one state, and how one of them moves.

Each CPU stands before an access to memory that the CPUs share, or before a place that the test has
marked.  A move executes that one instruction and whatever follows it that no other CPU can notice.  So
an order of moves is a schedule, and it is the same in both emulators.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial

from grader.elf import Elf
from grader.explore.access import DRAIN, Site, sites_of
from grader.explore.scene import Scene
from grader.explore.store_buffer import StoreBuffers
from grader.explore.ways import entered_anywhere, ways_back
from grader.labs import lab_in
from grader.machine.types import BUDGET, HALTED, Stop, Unmapped
from grader.members import part_of
from grader.verdict import HANG, Fail

PATIENCE = 80       # moves after which a CPU that goes round in a loop lets the others on
ROUNDS = 6          # turns of such a CPU after which memory is as it was: it gets no further
LONGEST = 1500      # moves of a schedule
PAUSES = 10         # as long as a machine runs from point to point; who pauses longer will never go on
HELD = 250          # moves after which a store reaches memory by itself
NOBODY = -2         # who writes, when stores reach memory by themselves
START_BUDGET = 20_000
STACK = 192         # bytes of a CPU's stack that belong to what it does just now
GAP = 256           # bytes between two ranges that are read at once all the same
LARGEST = 1 << 20   # bytes of a range that can be the CPUs'
GENERAL = {64: ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
                *(f"r{n}" for n in range(8, 16)), "rip", "rflags"),
           32: ("eax", "ebx", "ecx", "edx", "esi", "edi", "ebp", "esp", "eip", "eflags")}
INTERRUPT = "intr_common"
ENTRIES = (INTERRUPT, "trap_common", "nmi_entry")       # an interrupt empties the store buffer

RUN, WAIT, EVENT = "run", "drain", "event"


@dataclass(frozen=True)
class Program:
    """What one CPU does: a function that the host calls there.

    `flags` are those of a mailbox (level, interrupts on).  `rests` names the endless loop in which it
    is done, but for interrupts that it takes there; it never returns.
    """

    cpu: int
    function: str
    args: tuple[int, ...] = ()
    flags: int = 0
    rests: str = ""


@dataclass(frozen=True)
class Memory:
    """A named piece of memory that the CPUs share.  `executed`: as code, so a write to it counts though
    no instruction reads it."""

    name: str
    address: int
    size: int
    executed: bool = False


@dataclass(frozen=True)
class Move:
    """One step of a schedule.

    RUN: the CPU executes its access and runs to its next; with `late`, its stores from here on are
    held.  WAIT: the oldest store of the CPU that is held reaches memory.  EVENT: the region's
    event of this number happens.
    """

    kind: str
    cpu: int
    late: bool = False
    event: int = 0


@dataclass(frozen=True)
class Effect:
    """The bytes that one or several moves read and wrote, by their addresses."""

    read: frozenset[int] = frozenset()
    written: frozenset[int] = frozenset()

    def __or__(self, other: Effect) -> Effect:
        return Effect(self.read | other.read, self.written | other.written)

    def meets(self, other: Effect) -> bool:
        """Whether it matters which of the two comes first."""
        return not (self.written.isdisjoint(other.read | other.written)
                    and self.read.isdisjoint(other.written))


NOTED = Effect(written=frozenset([-1]))         # who comes to a mark before whom


@dataclass
class Done:
    """A move that was made."""

    move: Move
    before: int                 # where the CPU stood
    after: int                  # where it stands then
    waits: bytes | None = None  # it goes round in a loop: the memory that it saw
    round: int = 0              # .. and the moves of the round that led to nothing
    to: tuple[int, ...] = ()    # CPUs to which it sent something
    # What others can notice of it: the bytes that it read and wrote.  None: there may be more.
    effect: Effect | None = None


class Detour(Exception):
    """A run in few stops did not come where a run with all of them did."""


class Region:
    """What is explored.  Everything is known by the time of begin(); a test sets up the machine first.

    `memory` names what the CPUs share: for reports, and to put it back.  `functions` are those of the
    given code whose accesses count; those of the labs from number 4 on always do.  `marks` are places
    where a CPU stops too, with what happens there; `words` says of a mark what the CPU does there.
    `sends` are functions of the given code that send an interrupt to a CPU; they get its struct cpu.
    `noting` are marks at which the test looks at nothing but which CPUs have come to them, in which order.
    """

    def __init__(self, scene: Scene, name: str, programs: Iterable[Program],
                 memory: Iterable[Memory], *, functions: Iterable[str] = (),
                 marks: dict[str, Callable[[Run, int], None]] | None = None,
                 events: Iterable[tuple[str, int, Callable[[], None]]] = (),
                 begun: Callable[[Run], None] | None = None,
                 check: Callable[[Run], None] | None = None,
                 waited: Callable[[Run, int], None] | None = None,
                 columns: dict[str, Callable[[Run], str]] | None = None,
                 words: dict[str, str] | None = None, start: str = "",
                 sends: Iterable[str] = (), noting: Iterable[str] = ()):
        self.scene, self.m, self.name = scene, scene.m, name
        self.programs = {program.cpu: program for program in programs}
        self.cpus = list(self.programs)
        self.memory = list(memory)
        self.changes_code = any(each.executed for each in self.memory)
        self.events = list(events)          # words, CPU, how it happens
        self.begun, self.check, self.waited = begun, check, waited
        self.columns = columns or {}
        self.words = {place_of(scene.m.elf, mark): text for mark, text in (words or {}).items()}
        self.begins = start                 # in words, for a report
        self.sends = {scene.m.elf.address(name) for name in sends}
        self.general = GENERAL[self.m.width]
        self.ip = "rip" if self.m.width == 64 else "eip"
        self.marks = {place_of(self.m.elf, mark): act for mark, act in (marks or {}).items()}
        self.noting = {place_of(self.m.elf, mark) for mark in noting}
        self.resting = {program.cpu: place_of(self.m.elf, program.rests)
                        for program in self.programs.values() if program.rests}
        self.functions = [f for f in functions if f in self.m.elf]
        self.frames: dict[int, tuple[int, int]] = {}    # by CPU: what is on its stack of functions it is in
        self._start()
        self.drains = {self.m.elf.address(name) for name in ENTRIES if name in self.m.elf}
        self.interrupt = self.m.elf.symbols[INTERRUPT].address if INTERRUPT in self.m.elf else -1
        self.sent = False                   # by then a CPU was seen to send something
        self.candidates = {site.address: site for name in self._code() for site in
                           sites_of(self.m.elf, name)}
        self.ways = ways_back(self.m.elf, self._known_code())
        self.sites: dict[int, Site] = {}
        self.points: frozenset[int] = frozenset()
        self.awake = self._entered()                # functions that a CPU was seen in, by their addresses
        # Functions with sites that nobody has called yet: most never are, and each point costs time.
        self.asleep: set[int] = set()
        self.wakeful = entered_anywhere(self.m.elf, tuple(self._code()))
        self.spins: set[int] = set()                # points of loops in which a CPU was seen waiting
        # .. and with few stops, what it was like there: the CPU, its registers, what they all share.
        self.rounds: set[tuple[int, tuple[int, ...], bytes]] = set()
        self._few: tuple[int, frozenset[int]] = (-1, frozenset())       # for so many spins
        self._fewest: dict[int, frozenset[int]] = {}
        self.length = 0                             # moves of a usual run
        self.watched: list[tuple[int, int]] = []    # ranges: what a CPU that waits may wait for
        self.kept: list[tuple[int, bytes]] = []     # memory as it is at the start
        self.use(self.candidates.values(), [(each.address, each.size) for each in self.memory])

    # ---- what counts ----

    def _code(self) -> list[str]:
        """The functions whose accesses to memory are points."""
        return list(dict.fromkeys([*functions_of_labs(self.m.elf), *self.functions]))

    def _known_code(self) -> tuple[str, ...]:
        """The functions of which it is known how a CPU comes to each instruction: none that is written
        over while it runs."""
        elf = self.m.elf
        places = [elf.symbol_at(address) for address in (*self.marks, *self.resting.values())]
        marked = [symbol.name for symbol in places
                  if symbol and place_of(elf, symbol.name) != symbol.address]
        given = [] if self.changes_code else self.functions
        return tuple(dict.fromkeys([*functions_of_labs(elf), *given, *marked]))

    def _entered(self) -> set[int]:
        """The functions that each CPU is in at the start: where it stands, and what it returns to."""
        found = set()
        for cpu in self.cpus:
            first, size = self.frames.get(cpu, (0, 0))
            words = self.m.read(first, size, cpu) if size and self._is_there(first, size) else b""
            step = self.m.width // 8
            places = [int.from_bytes(words[at:at + step], "little") for at in range(0, size, step)]
            symbols = map(self.m.elf.symbol_at, [self.registers[cpu][self.ip], *places])
            found |= {symbol.address for symbol in symbols if symbol}
        return found

    def everywhere(self) -> frozenset[int]:
        """All points, but of functions that nobody has called yet only where they begin."""
        return self.points

    def few(self) -> frozenset[int]:
        """The points at which a run must stop that nobody interrupts any more."""
        if self._few[0] != len(self.spins):
            self._few = (len(self.spins), frozenset([
                *self.marks, *self.ends.values(), *self.drains, *self.spins, *self.resting.values(),
                *self.sends, *self.asleep]))
        return self._few[1]

    def fewest(self, target: int) -> frozenset[int]:
        """The points at which a run must stop of which all is known until this one."""
        if target not in self._fewest:
            self._fewest[target] = frozenset([*self.marks, *self.ends.values(), *self.drains, target,
                                              *self.asleep])
        return self._fewest[target]

    def hop(self, cpu: int, points: Callable[[], frozenset[int]]) -> Stop | None:
        """As Machine.hop(); a function that nobody has called before gets its points as it is called."""
        while (stop := self.m.hop(cpu, points(), self.ways)) is None:
            at = self.m.pc(cpu)
            if at not in self.asleep:
                break
            self.awake.add(at)
            self._set_points()
            if at in points():
                break
        return stop

    def _set_points(self) -> None:
        """What follows from the sites and from who is awake."""
        functions = {site: self.m.elf.symbol_at(site).address for site in self.sites}
        self.asleep = set(functions.values()) - self.awake - self.wakeful
        sites = [site for site, function in functions.items() if function not in self.asleep]
        self.points = frozenset([*sites, *self.asleep, *self.marks, *self.ends.values(), *self.drains,
                                 *self.resting.values(), *self.sends])
        self._few, self._fewest = (-1, frozenset()), {}

    def keep(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Puts these ranges back too before each run."""
        self.m.restore(self.start)
        ranges = [each for each in (*ranges, *self.frames.values(),
                                    *((at, len(data)) for at, data in self.kept))
                  if self._is_there(*each)]
        self.kept = [(address, self.m.read(address, size)) for address, size in
                     joined(ranges, GAP)]

    def _is_there(self, address: int, size: int) -> bool:
        """Whether there is memory: a student's pointer, to a stack say, may lead anywhere."""
        if not 0 < size <= LARGEST:
            return False
        try:
            self.m.read(address, size)
        except Unmapped:
            return False
        return True

    def use(self, sites: Iterable[Site], ranges: Iterable[tuple[int, int]]) -> None:
        """Takes these instructions as points, and these ranges as what the CPUs share."""
        self.sites = {site.address: site for site in sites}
        self.spins, self.rounds = set(), set()
        self._set_points()
        ranges = [*ranges, *((each.address, each.size) for each in self.memory)]
        self.watched = joined((each for each in ranges if self._is_there(*each)), 0)
        self.kept = []
        self.keep([*ranges, *self._to_first_points()])

    def of_each(self, ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        """The same ranges, and where one lies in a CPU's block, the same in the block of each CPU: all of
        them execute the same code."""
        first, size = self.scene.block_of(0), self.scene.offset["cpu_size"]
        found = []
        for address, length in ranges:
            number, offset = divmod(address - first, size)
            blocks = self.cpus if 0 <= number < self.m.cpus else [number]
            found += [(first + cpu * size + offset, length) for cpu in blocks]
        return found

    def learn_from(self, other: Region) -> None:
        """Takes the points of another region, and what its CPUs share and write."""
        self.use(other.sites.values(), other.watched)
        self.keep((at, len(data)) for at, data in other.kept)
        self.length = other.length

    def _to_first_points(self) -> list[tuple[int, int]]:
        """What a CPU does before its first access nobody can notice: it is done before the start.
        Gives what is on the stacks by then.

        To come to a mark is a move, since the test takes note of it: a CPU that touches nothing before
        one begins at its function.
        """
        stays: set[int] = set()
        stacks = self._hop_first(stays)
        while marked := {cpu for cpu in self.cpus if cpu not in stays
                         and self.registers[cpu][self.ip] in self.marks}:
            stays |= marked
            stacks = self._hop_first(stays)
        self.start = self.m.snapshot()
        return stacks

    def _hop_first(self, stays: set[int]) -> list[tuple[int, int]]:
        """Takes each CPU but those to its first point."""
        self.m.restore(self.called)
        stacks = []
        self.raised = {}
        for cpu in self.cpus:
            before = self.m.regs(cpu)
            top = before.sp
            hops = cpu not in stays and before.pc not in self.points
            stop = self.hop(cpu, self.everywhere) if hops else None
            if stop is not None:
                raise self.scene.failed(stop, f"the first access to memory of CPU {cpu}")
            now = self.m.regs(cpu)
            self.registers[cpu] = {name: now.values[name] for name in self.general}
            if now.cr8 != before.cr8:       # the host cannot set the level: its own way leads there
                self.raised[cpu] = {name: before.values[name] for name in self.general}
            stacks.append((now.sp, top - now.sp))
        return stacks

    # ---- the state in which it begins ----

    def _start(self) -> None:
        """Brings each CPU to the first instruction of its function, and keeps that state."""
        self.ends: dict[int, int] = {}
        self.registers: dict[int, dict[str, int]] = {}
        self.raised: dict[int, dict[str, int]] = {}     # of CPUs whose level changes before that
        for program in self.programs.values():
            self.m.start(program.cpu, program.function, *program.args, flags=program.flags)
            at_rest = program.function == program.rests
            until = self.resting[program.cpu] if at_rest else program.function
            stop = self.m.run(program.cpu, until, START_BUDGET)
            if stop.reason != "address":
                raise self.scene.failed(stop, f"{program.function}() called on CPU {program.cpu}")
            now = self.m.regs(program.cpu)
            self.ends[program.cpu] = self.m.ptr(now.sp, program.cpu)
            self.registers[program.cpu] = {name: now.values[name] for name in self.general}
        self.called = self.start = self.m.snapshot()

    def begin(self, fresh: bool) -> Run:
        """A run from the start: from the snapshot, or from the end of one that went well."""
        if fresh:
            self.m.restore(self.start)
        else:
            for cpu, wanted in (self.registers | self.raised).items():
                now = self.m.regs(cpu).values
                changed = {name: value for name, value in wanted.items() if now[name] != value}
                if changed:
                    self.m.set_regs(cpu, **changed)
            self.m.write_all(self.kept)
            for cpu in self.raised:
                self.hop(cpu, partial(self.fewest, self.registers[cpu][self.ip]))
        run = Run(self)
        if self.begun:
            self.begun(run)
        return run

    def targets(self, cpu: int) -> tuple[int, ...]:
        """The CPUs to which one that is about to call a function of `sends` sends: its argument."""
        size = self.scene.offset["cpu_size"]
        number, rest = divmod(self.scene.argument(0, cpu) - self.scene.block_of(0), size)
        return (number,) if number in self.programs and not rest else tuple(self.cpus)

    def look(self) -> bytes:
        """All that the CPUs share, as it is now."""
        return self.m.read_all(self.watched)

    # ---- words ----

    def name_of(self, address: int) -> str:
        """An address in a report's words."""
        for each in self.memory:
            if each.address <= address < each.address + each.size:
                offset = address - each.address
                return each.name + (f"+{offset}" if offset else "")
        for cpu in range(self.m.cpus):
            base = self.scene.block_of(cpu)
            if base <= address < base + self.scene.offset["cpu_size"]:
                return f"CPU {cpu}'s block+{address - base:#x}"
        best = max((s for s in self.m.elf.symbols.values() if s.kind == "STT_OBJECT"
                    and s.address <= address < s.address + s.size),
                   key=lambda symbol: symbol.address, default=None)
        if best:
            return best.name + part_of(self.m.elf, best.address, address - best.address)
        return f"{address:#x}"


class Run:
    """One schedule while it runs."""

    def __init__(self, region: Region):
        self.region, self.m = region, region.m
        self.buffers = StoreBuffers(region.m, region.cpus)
        self.at = {cpu: registers[region.ip] for cpu, registers in region.registers.items()}
        self.log: list[Done] = []
        self.current = -1                       # whose turn it is
        self.turn = 0                           # moves in it
        self._anew = True                       # the next move begins one, whoever makes it
        self.notes: dict = {}                   # for the test
        self.stops = region.everywhere          # where it stops
        self._asked: Counter[int] = Counter()   # by CPU: what was sent to it and may not have come
        self._memory: bytes | None = None       # what the CPUs share, if nothing has moved since
        self._seen: dict[tuple, list] = {}      # in this turn: states of the CPU
        self._passed: list[int] = []            # .. and where it was
        self._stood: dict[int, tuple] = {}      # by CPU: its state after its last move
        self._writes = 0
        self._halted: set[int] = set()          # CPUs in HLT, with nothing pending
        # CPUs that go round in a loop: the memory they saw; or that have nothing to do.
        self._waiting: dict[int, bytes] = {cpu: b"" for cpu in region.cpus if self._idle(cpu)}
        self._stale: set[int] = set()           # .. since when somebody wrote
        self._round = 0                         # moves of the last round of a loop
        # CPUs whose turn ended for no better reason: how often in a row, and memory then.
        self._tired: dict[int, tuple[int, bytes]] = {}
        self._doubtful: set[int] = set()        # CPUs that may not wait after all: their turn tells
        self._doubted: set[tuple] = set()       # states in which that was asked
        self._held_since = 0                    # the number of the move from which on stores are held
        self.pending: Move | None = None        # the move that is being made
        self.watch: Callable[[int, Site, dict], None] | None = None

    @property
    def everywhere(self) -> bool:
        """Whether it stops at all points."""
        return self.stops == self.region.everywhere

    # ---- whose turn it can be ----

    def over(self, cpu: int) -> bool:
        """Whether a CPU's function has returned."""
        return self.at[cpu] == self.region.ends[cpu]

    def rests(self, cpu: int) -> bool:
        """Whether a CPU is in the loop in which it has nothing more to do."""
        return self.at[cpu] == self.region.resting.get(cpu)

    def _idle(self, cpu: int) -> bool:
        """Whether a CPU has nothing to do, or halts, and nothing was sent to it: a turn would change nothing.

        Only where it is known how the others send: else its next turn tells.
        """
        return self.region.sent and not self._asked[cpu] and self._sleeps(cpu)

    def _sleeps(self, cpu: int) -> bool:
        """Whether a CPU has nothing to do, or halts: it waits for an interrupt, whatever is in memory."""
        return self.rests(cpu) or cpu in self._halted

    def waits(self, cpu: int) -> bool:
        """Whether a CPU goes round in a loop, and nobody has written since."""
        return cpu in self._waiting and cpu not in self._stale

    def ready(self) -> list[int]:
        """The CPUs whose turn it can be."""
        return [cpu for cpu in self.region.cpus if not self.over(cpu) and not self.waits(cpu)]

    def finished(self) -> bool:
        """Whether all have done what they had to; a CPU that can never go on is a Fail."""
        if self.ready():
            return False
        if not self.buffers.empty:
            self.buffers.drain_all()
            self._changed(NOBODY)
            return False
        return self._end()

    def _end(self) -> bool:
        stuck = [cpu for cpu in self.region.cpus if not self.over(cpu) and not self.rests(cpu)]
        if not stuck:
            return True
        tired = [cpu for cpu in stuck if cpu in self._tired and self._tired[cpu][0] < ROUNDS]
        if tired or self._doubts(stuck):
            self._stale.update(tired or stuck)
            self._anew = True
            return False
        where = "; ".join(self._position(cpu) for cpu in self.region.cpus)
        who = f"CPU {stuck[0]} waits" if len(stuck) == 1 else "each of them waits"
        raise Fail(HANG, expected="every CPU gets to its end", seen=f"deadlock: {where}",
                   went_wrong=self.m.place(self.at[stuck[0]]),
                   cause=f"{who} for what nobody will do any more.")

    def _doubts(self, stuck: list[int]) -> bool:
        """Whether these CPUs get another turn before it is a deadlock, once in each state: one may have
        read what nobody knows the CPUs share."""
        state = (*self.at.values(), self._look())
        if state in self._doubted:
            return False
        self._doubted.add(state)
        self._doubtful.update(stuck)
        return True

    def _position(self, cpu: int) -> str:
        """Where a CPU is when nobody can go on."""
        if self.over(cpu):
            return f"CPU {cpu} is done"
        if self.rests(cpu):
            return f"CPU {cpu} has nothing to do"
        line = self.m.elf.line(self.at[cpu])
        at = f" ({line.file.rpartition('/')[2]}:{line.line})" if line else ""
        return f"CPU {cpu} waits at {self.m.elf.where(self.at[cpu])}{at}"

    def settle(self) -> None:
        """Before a choice that is forced: a CPU that waits for memory that is as it was still waits.

        Of one that rests memory says nothing: it waits for interrupts.  While what they share is being
        learnt, memory says nothing of anybody.
        """
        if self.watch:
            return
        candidates = [cpu for cpu in self._stale if not self.rests(cpu)
                      and cpu not in self._tired and cpu not in self._doubtful]
        if candidates and self.buffers.empty:
            memory = self._look()
            self._stale -= {cpu for cpu in candidates if self._waiting[cpu] == memory}

    def _look(self) -> bytes:
        """All that the CPUs share, as the one whose turn it is sees it."""
        if self._memory is None:
            self._memory = self.region.look()
        return self._memory

    def poke(self, *cpus: int) -> None:
        """Something was sent to these CPUs, or to all: none of them waits any more."""
        for cpu in cpus or self.region.cpus:
            self._waiting.pop(cpu, None)
            self._stale.discard(cpu)
            self._asked[cpu] += 1
        self._seen = {}

    # ---- moving ----

    def make(self, move: Move) -> None:
        """Makes one move.  Raises Fail when something goes wrong."""
        if len(self.log) > LONGEST:
            raise Fail(HANG, expected=f"every CPU at its end within {LONGEST} accesses to memory",
                       seen="they go on", went_wrong=self.m.place(self.at[move.cpu]),
                       cause="livelock: they keep each other busy, and nobody gets further.")
        self.pending = move
        self._memory = None
        before, to, effect = self.at.get(move.cpu, 0), (), None
        if move.kind == WAIT:
            self.buffers.drain_one(move.cpu)
            self._changed(move.cpu)
        elif move.kind == EVENT:
            self.region.events[move.event][2]()
            self.poke()
        else:
            effect = self._effect(move)
            to = self._run(move)
            effect = self._with_end(move.cpu, None if to else effect)
        self.pending = None
        if self.buffers.empty:
            self._held_since = len(self.log)
        elif len(self.log) - self._held_since >= HELD:
            self.buffers.drain_all()
            self._changed(NOBODY)
        waits = self._waiting.get(move.cpu) if move.kind == RUN else None
        self.log.append(Done(move, before, self.at.get(move.cpu, 0), waits,
                             self._round if waits else 0, to, effect))
        if move.kind == RUN:
            mark = self.region.marks.get(self.at[move.cpu])
            if mark:
                mark(self, move.cpu)
                self._memory = None

    def _effect(self, move: Move) -> Effect | None:
        """What the CPU is about to do that others can notice; None where that is not so plain."""
        region, site = self.region, self.region.sites.get(self.at[move.cpu])
        if not self.everywhere or move.late:
            return None
        if site is None:
            return Effect()
        held = bool(self.buffers.held(move.cpu))
        if site.kind == DRAIN or not site.whole or site.writes and (held or region.changes_code):
            return None
        first = site.where(self.m.regs(move.cpu).values, self.m.width)
        touched = frozenset(range(first, first + site.size))
        return Effect(touched if site.reads else frozenset(), touched if site.writes else frozenset())

    def _with_end(self, cpu: int, effect: Effect | None) -> Effect | None:
        """The same, with what comes of it that the CPU stands where it does now."""
        at, region = self.at[cpu], self.region
        if effect is None or at in region.drains or at in region.marks and at not in region.noting:
            return None
        return effect | NOTED if at in region.noting else effect

    def _run(self, move: Move) -> tuple[int, ...]:
        """The CPU runs to its next point; gives the CPUs to which it has sent something."""
        cpu, region = move.cpu, self.region
        if cpu != self.current or self._anew:
            self.current, self.turn, self._writes, self._anew = cpu, 0, 0, False
            self._seen = {self._stood[cpu]: [0, None, 0, None]} if cpu in self._stood else {}
            self._passed.clear()
        self._waiting.pop(cpu, None)
        self._stale.discard(cpu)
        self._doubtful.discard(cpu)
        self.turn += 1
        site = region.sites.get(self.at[cpu])
        self.buffers.see(cpu)
        to = region.targets(cpu) if self.at[cpu] in region.sends else ()
        if to or site and site.drains:
            self._drain(cpu)
        address = None
        if site and site.late and (move.late or self.buffers.held(cpu)):
            address = site.where(self.m.regs(cpu).values, self.m.width)
            try:
                self.buffers.before_store(cpu, address, site.size)
            except Unmapped:
                address = None      # it is about to fault
        if self.watch and site:
            self.watch(cpu, site, self.m.regs(cpu).values)
        self._halted.discard(cpu)
        stop = self._hop(cpu)
        if stop is not None:
            if stop.reason == HALTED:
                self._halted.add(cpu)
            if not self.everywhere and stop.reason in (BUDGET, HALTED):
                raise Detour
            if not self._gives_way(cpu, stop):
                raise self._stopped(stop)
        if address is not None:
            self.buffers.after_store(cpu, address, site.size)
        registers = self.m.regs(cpu).values
        rested = self.rests(cpu)
        self.at[cpu] = registers[region.ip]
        if self.at[cpu] in region.drains:
            self._drain(cpu)
            self._seen = {}         # an interrupt was taken: what looks like before is not
            self._taken(cpu, self.at[cpu] == region.interrupt)
        # With few stops nobody knows what it wrote on its way, but where it only rests.
        unknown = not self.everywhere and not (rested and self.rests(cpu))
        if unknown or site is not None and site.writes:
            self._writes += 1
            self._changed(cpu)
        if to:
            self.poke(*to)
        if stop is not None:
            self._wait(cpu, b"", 0)
        elif not self.over(cpu):
            self._look_round(cpu, registers)
        return to

    def _hop(self, cpu: int) -> Stop | None:
        """To the CPU's next point.  If nobody else can go on, it may have made a long pause before."""
        stop = self.region.hop(cpu, self.stops)
        for _ in range(PAUSES if self.everywhere else 0):
            if stop is None or stop.reason != BUDGET or self.region.m.dead or self._others_go_on(cpu):
                break
            stop = self.region.hop(cpu, self.stops)
        return stop

    def _gives_way(self, cpu: int, stop: Stop) -> bool:
        """Whether a CPU that has halted, or gone round for long without an access to what is shared, lets the
        others have their turns: it may be a pause, which ends, and be for them.  Its turn comes again when
        somebody has written, or when nobody else can go on."""
        return stop.reason in (BUDGET, HALTED) and not self.region.m.dead and self._others_go_on(cpu)

    def _others_go_on(self, cpu: int) -> bool:
        """Whether there is another CPU whose turn it can be, or a store that is on its way."""
        return not self.buffers.empty or any(other != cpu for other in self.ready())

    def express(self, prefix: list[Done]) -> None:
        """Makes the moves with which another run began, all of them RUN, with as few stops as can be."""
        region = self.region
        while prefix:
            cpu = prefix[0].move.cpu
            number = next((n for n, done in enumerate(prefix) if done.move.cpu != cpu), len(prefix))
            turn, prefix = prefix[:number], prefix[number:]
            target = turn[-1].after
            self.current, self.turn = cpu, number
            self.stops = partial(region.fewest, target)
            # A round that led to nothing is left out, if no test takes note of it.
            rounds = turn[-1].round
            if any(done.after in region.marks for done in turn[len(turn) - rounds:]):
                rounds = 0
            left = sum(done.after == target for done in turn[:len(turn) - rounds])
            while left:
                if region.hop(cpu, self.stops) is not None:
                    raise Detour
                self.at[cpu] = self.m.regs(cpu).values[region.ip]
                left -= self.at[cpu] == target
                mark = region.marks.get(self.at[cpu])
                if mark:
                    mark(self, cpu)
            self.log += turn
            self._stood.pop(cpu, None)
            self._waiting.pop(cpu, None)
            self._stale.discard(cpu)
            self._memory = None
            self._taken(cpu, sum(done.after == region.interrupt for done in turn))
            if turn[-1].waits is not None:
                self._wait(cpu, turn[-1].waits, turn[-1].round)
            for done in turn:
                if done.to:
                    self.poke(*done.to)
            if any(site.writes for done in turn if (site := region.sites.get(done.before))):
                self._changed(cpu)
        self.stops = region.everywhere
        self._anew = True           # .. and its own count of loops

    def _taken(self, cpu: int, number: int) -> None:
        """So many of the interrupts that were sent to a CPU have come."""
        self._asked[cpu] = max(0, self._asked[cpu] - number)

    def _drain(self, cpu: int) -> None:
        if self.buffers.held(cpu):
            self.buffers.drain(cpu)
            self._changed(cpu)

    def _stopped(self, stop) -> Exception:
        """What came instead of an access to memory, or the end."""
        fail = self.region.scene.failed(
            stop, f"CPU {stop.cpu} comes to its next access to memory, or to its end")
        if isinstance(fail, Fail) and fail.failure.reason == HANG and stop.reason == "budget":
            fail.failure.seen = f"CPU {stop.cpu} goes round and reads nothing that another CPU writes"
            fail.failure.cause = ("a loop waits for what no CPU will ever write: a copy that was read before "
                                  "the loop, or the wrong word.")
        return fail

    def _changed(self, cpu: int) -> None:
        """Somebody wrote: what the others wait for may have come."""
        self._memory = None
        if cpu != self.current:
            self._seen = {}
        self._stale.update(other for other in self._waiting
                           if other != cpu and not self._idle(other))

    def _look_round(self, cpu: int, registers: dict[str, int]) -> None:
        """Whether this CPU is where it was before, in the same state: then it waits."""
        self._passed.append(self.at[cpu])
        # With few stops, at a loop in which a CPU was seen waiting: what it is about to load does not
        # matter, and since a round may have written, only memory tells that it led to nothing.
        known = not self.everywhere and self.at[cpu] in self.region.spins
        site = self.region.sites.get(self.at[cpu]) if known else None
        fills = site.fills if site else ""
        key = self._stood[cpu] = tuple(registers[name] for name in self.region.general[:-1]
                                       if name != fills)
        if self._idle(cpu):
            self._wait(cpu, b"", 0)
            return
        old = self._seen.get(key)
        if old is None:
            memory = self._look() if known else None
            if known and not self._asked[cpu] and (cpu, key, memory) in self.region.rounds:
                self._wait(cpu, memory, 0)          # it did so in another schedule
                return
            self._seen[key] = [self._writes, memory, self.turn, None]
        elif old[0] == self._writes:
            if self._surely(cpu, old):
                self._wait(cpu, self._look(), self.turn - old[2])
        else:
            memory = self._look()
            if old[1] != memory:
                self._seen[key] = [self._writes, memory, self.turn, None]
            elif self._surely(cpu, old):
                self._wait(cpu, memory, self.turn - old[2])
                if known:
                    self.region.rounds.add((cpu, key, memory))
        if self.turn >= PATIENCE and cpu not in self._waiting:
            times, memory = self._tired.get(cpu, (0, b""))
            now = self._look()
            self._tired[cpu] = (times + 1 if memory == now else 1, now)
            self._wait(cpu, b"", PATIENCE)

    def _surely(self, cpu: int, old: list) -> bool:
        """Whether nothing on its stack has changed either since it was there: a loop may count there, and
        in 32 bits the arguments of a function are there.  Of a loop that is known it is believed."""
        if self.at[cpu] in self.region.spins:
            return True
        before, old[2] = old[3], self.turn if old[3] is None else old[2]
        try:
            old[3] = self.m.read(self.m.regs(cpu).sp, STACK, cpu)
        except Unmapped:
            old[3] = b""        # so near its top
        if before is not None and before != old[3]:
            old[2] = self.turn
        return before == old[3]

    def _wait(self, cpu: int, memory: bytes, moves: int) -> None:
        """The CPU waits: it has gone round in a loop, in so many moves, or it has nothing to do."""
        self._waiting[cpu] = memory
        self._stale.discard(cpu)
        self._round = moves
        if self._sleeps(cpu):
            self._asked[cpu] = 0
        if self.everywhere and moves < PATIENCE:
            self.region.spins |= set(self._passed[len(self._passed) - moves:])
        if self.region.waited and memory:
            self.region.waited(self, cpu)


def place_of(elf: Elf, mark: str | int) -> int:
    """Where a mark is: the address, or of a function its first instruction; if that is a NOP the next,
    which QEMU leaves without a step."""
    if isinstance(mark, int):
        return mark
    body = elf.function(mark)
    return body[1].address if len(body) > 1 and body[0].text == "nop" else elf.address(mark)


def lab_of(elf, address: int) -> int:
    """The number of the lab whose file an instruction comes from; 0 for given code."""
    if not any(map(lab_in, elf.files(address))):
        return 0
    line = elf.line(address)
    return lab_in(line.file) if line else 0


@lru_cache(maxsize=4)
def functions_of_labs(elf: Elf) -> tuple[str, ...]:
    """The functions of the labs in which CPUs share memory, from number 4 on."""
    return tuple(symbol.name for symbol in elf.symbols.values()
                 if symbol.kind in ("STT_FUNC", "STT_NOTYPE") and elf.code(symbol.address, 1)
                 and lab_of(elf, symbol.address) >= 4)


def joined(ranges: Iterable[tuple[int, int]], gap: int) -> list[tuple[int, int]]:
    """Ranges in order, those that touch or are less than `gap` bytes apart as one."""
    found: list[list[int]] = []
    for start, size in sorted(ranges):
        if found and start <= found[-1][1] + gap:
            found[-1][1] = max(found[-1][1], start + size)
        else:
            found.append([start, start + size])
    return [(start, end - start) for start, end in found]
