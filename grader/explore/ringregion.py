"""Regions around a ring and around a log: one puts in and another takes out; two write at a time."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from grader.explore.region import Memory, Program, Region, Run, joined
from grader.explore.rings import (DESCRIPTOR, DISPATCH, DOORBELL, FULL, MASKED, PUSHED, SEQUENCE,
                                  WORDS, RingScene, Sunk, fnv, say)
from grader.explore.scene import Scene, flags_for
from grader.machine.types import Unmapped
from grader.verdict import WRONG, Fail

PROGRAM, KERNEL = 0, 1                  # the CPU that puts in, and the one that takes out
AT_DISPATCH = flags_for(DISPATCH, True)
LONGEST = 12                            # bytes that a descriptor names, at most
FIELDS = ("handle", "offset", "length", "cookie")
NOT_WHOLE = "what comes out is what was put in"
BUDGET = 20_000
LINE = 64
CANARY, LAB6_AREA = 64, 512             # kernel/include/layout.h


# ---- a ring ----

class Traffic:
    """What one CPU puts into a ring while another takes out; follows both."""

    def __init__(self, scene: RingScene, slots: int, waiting: int, count: int, first: int,
                 armed: bool):
        """`waiting` descriptors are in the ring already, `count` will be put in."""
        self.scene, self.waiting, self.count, self.first = scene, waiting, count, first
        self.slots = slots
        self.room = scene.form.room(slots)
        scene.made(slots, first)
        data = scene.fill()
        handle = scene.grant(0, len(data))
        self.descriptors: list[tuple[int, int, int, int]] = []
        self.expected: list[Sunk] = []
        cookies = scene.random.sample(range(1, 1 << 16), waiting + count + 1)
        for cookie in cookies:
            length = scene.random.randrange(1, LONGEST + 1)
            offset = scene.random.randrange(len(data) - length)
            self.descriptors.append((handle, offset, length, cookie))
            self.expected.append(scene.good(data[offset:offset + length], cookie))
        scene.describe(self.descriptors)
        self.before = 0
        if not armed:               # one goes through: then nobody asks for a doorbell any more
            self._through(1)
        if scene.push(self.before, waiting) != waiting:
            raise Fail(WRONG, expected=f"a ring of {slots} slots has room for {waiting} descriptors",
                       seen="it is full")
        scene.forget()

    def _through(self, number: int) -> None:
        """Puts in the last of the descriptors, and takes it out again."""
        index = len(self.descriptors) - 1
        pushed, taken = self.scene.push(index, number), self.scene.drain()
        if (pushed, taken) != (number, number):
            raise Fail(WRONG, expected="one descriptor goes through the ring, which is empty",
                       seen=f"ring_push() put in {pushed}, ring_drain() gave {taken}")
        self.first = (self.first + number) % WORDS

    # ---- while it runs ----

    def begun(self, run: Run) -> None:
        run.notes["out"], run.notes["pushes"] = 0, 0
        run.notes["may be full"] = []

    def pushes(self, run: Run, cpu: int) -> None:
        """The program is about to call ring_push(): could the ring be full, for all that it sees?

        The kernel's count only grows, so if it is not full now, it is not full later in this call.
        """
        run.buffers.show_memory()
        put = self.waiting + run.notes["pushes"]
        run.notes["pushes"] += 1
        wrap = self.slots if self.scene.form.kind == MASKED else WORDS
        inside = (self.first + put - self.scene.consumed()) % wrap
        run.notes["may be full"].append(inside >= self.room)

    def sinks(self, run: Run, cpu: int) -> None:
        """The kernel gives a descriptor to its sink: is it the next one, and whole?"""
        number = run.notes["out"]
        run.notes["out"] += 1
        put = self.waiting + run.notes["pushes"]
        if number >= put:
            raise Fail(WRONG, expected=f"{put} descriptors come out: no more were put in",
                       seen="one more comes out")
        length, cookie = self.scene.argument(1, cpu) % WORDS, self.scene.argument(2, cpu) % WORDS
        wanted = self.expected[number]
        try:
            data = run.m.read(self.scene.argument(0, cpu), min(length, LONGEST), cpu)
        except Unmapped:
            data = b""
        self._compare(number, Sunk(True, cookie, length, fnv(data)), wanted)

    def refuses(self, run: Run, cpu: int) -> None:
        """The kernel refuses a descriptor: here each of them is good."""
        number = run.notes["out"]
        wanted = self.expected[min(number, len(self.expected) - 1)]
        self._compare(number, self.scene.bad(self.scene.argument(0, cpu) % WORDS), wanted)

    def _compare(self, number: int, seen: Sunk, wanted: Sunk) -> None:
        if seen == wanted:
            return
        others = [n for n, each in enumerate(self.expected) if each == seen]
        what = f"descriptor {others[0]} again" if others and others[0] < number \
            else f"descriptor {others[0]}" if others else say(seen)
        raise Fail(WRONG, expected=f"{NOT_WHOLE}; next is descriptor {number}: {say(wanted)}",
                   seen=what)

    # ---- at the end ----

    def end(self, run: Run) -> tuple[int, int, list[int]]:
        """How many are in, how many came out, and what ring_push() said of each; fails if what is in
        the ring's pages is not what is left."""
        scene, form = self.scene, self.scene.form
        calls, out = run.notes["pushes"], run.notes["out"]
        raw = run.m.read(run.m.elf.address("probe_pushed") + 4 * self.waiting, 4 * calls)
        said = [word - 1 for (word,) in struct.iter_unpack("<I", raw)]
        for number, word in enumerate(said):
            if word not in (FULL, PUSHED, DOORBELL):
                raise Fail(WRONG, expected="ring_push() gives one of enum ring_pushed",
                           seen=f"{word}")
            if word == FULL and not run.notes["may be full"][number]:
                raise Fail(WRONG, expected=f"a ring with room for {self.room} descriptors takes "
                           "another one: there was room all the time", seen="RING_FULL")
        put = self.waiting + sum(word != FULL for word in said)
        if out > put:
            raise Fail(WRONG, expected=f"{put} descriptors come out: no more were put in",
                       seen=f"{out}")
        self._check_count("the kernel's count", scene.consumed(), out)
        if form.kind != SEQUENCE:
            self._check_count("the program's count", run.m.u32(scene.user + form.produced), put)
        for number in range(out, put):
            self._check_left(run, number)
        return put, out, said

    def _check_count(self, name: str, seen: int, number: int) -> None:
        wanted = self.scene.form.count(self.first + number, self.slots)
        if seen != wanted:
            raise Fail(WRONG, expected=f"{name} is {wanted:#x} at the end", seen=f"{seen:#x}")

    def _check_left(self, run: Run, number: int) -> None:
        """A descriptor that has not come out must lie in its slot."""
        form, at = self.scene.form, self.scene.slot(self.first + number)
        seen = DESCRIPTOR.unpack(run.m.read(at + form.descriptor, DESCRIPTOR.size))
        if seen != self.descriptors[number]:
            raise Fail(WRONG, expected=f"descriptor {number} has come out, or lies in its slot",
                       seen="neither")
        if form.kind == SEQUENCE:
            word, wanted = run.m.u32(at + form.sequence), (self.first + number + 1) % WORDS
            if word != wanted:
                raise Fail(WRONG, expected=f"descriptor {number} has come out, or its slot says "
                           f"{wanted:#x}", seen=f"it says {word:#x}")

    def whole(self, run: Run) -> None:
        """At the end: what is not out is in the ring."""
        self.end(run)

    def awake(self, run: Run) -> None:
        """At the end: nothing lies in the ring of which the kernel does not know."""
        put, out, said = self.end(run)
        if out == put:
            return
        if out < self.waiting:
            raise Fail(WRONG, expected="ring_arm() is true when nothing waits",
                       seen="it is, and a descriptor has waited from the start")
        if said[out - self.waiting] == DOORBELL:
            return
        raise Fail(WRONG, expected=f"the kernel takes descriptor {out}, or ring_push() says "
                   "RING_DOORBELL",
                   seen="it lies in the ring, ring_push() said RING_PUSHED, and ring_arm() let the "
                   "kernel go", cause="a lost wake-up: neither saw the other.")


def ring_memory(scene: RingScene) -> list[Memory]:
    """The words of both pages by their names, what each side keeps for itself, and the probe's notes."""
    form, m = scene.form, scene.m
    found = []
    if form.kind != SEQUENCE:
        found.append(Memory("produced", scene.user + form.produced, 4))
    for number in range(scene.slots):
        at = scene.user + form.slots + number * form.slot_size
        if form.kind == SEQUENCE:
            found.append(Memory(f"slot {number}.sequence", at + form.sequence, 4))
        found += [Memory(f"slot {number}.{name}", at + form.descriptor + 4 * n, 4)
                  for n, name in enumerate(FIELDS)]
    found += [Memory("consumed", scene.kernel + form.consumed, 4),
              Memory("armed", scene.kernel + form.armed, 4),
              Memory("the kernel's own part", scene.ring + scene.field["lab6"] + CANARY, LAB6_AREA)]
    return found + [Memory("the program's own part", m.elf.address("probe_producer"),
                           m.elf.size("probe_producer")),
                    Memory("probe_sunk_count", m.elf.address("probe_sunk_count"), 4)]


def traffic_region(scene: RingScene, name: str, slots: int, count: int, taker: tuple, *,
                   waiting: int = 0, armed: bool = True, doorbell: bool = False) -> Region:
    """CPU 0 puts in `count` descriptors, CPU 1 runs `taker`: a function of the probe's and its
    arguments.  With `doorbell` nothing may be left behind of which nobody knows."""
    first = WORDS - scene.random.randrange(1, 4)        # counts wrap
    traffic = Traffic(scene, slots, waiting, count, first, armed)
    function, *args = taker
    state = "it is empty" if not waiting else f"{waiting} of {traffic.room} are in"
    return Region(
        scene, name, [Program(PROGRAM, "probe_push", (waiting, count)),
                      Program(KERNEL, function, tuple(args), AT_DISPATCH)],
        ring_memory(scene),
        marks={"ring_push": traffic.pushes, "probe_sunk": traffic.sinks,
               "probe_refused": traffic.refuses, "memcpy": copies},
        words={"probe_push": "begins", "ring_push": "calls ring_push()", "probe_sunk": "ring_sink() has it",
               "probe_refused": "ring_refuse() has it", "memcpy": "memcpy()"},
        begun=traffic.begun, check=traffic.awake if doorbell else traffic.whole,
        columns={"out": lambda run: str(run.notes["out"])},
        start=f"a ring of {slots} slots, {state}; CPU 0 is about to put in {count}, CPU 1 to take out"
        + ("" if not doorbell else "; a doorbell is asked for" if armed
           else "; no doorbell is asked for"))


def copies(run: Run, cpu: int) -> None:
    """A CPU is about to copy: another one may come first."""


# ---- a log ----

DISCARD, OVERWRITE = range(2)           # enum logring_policy
RECORD = struct.Struct("<2I40s")        # struct log_record
RECORDS_MAX = 16                        # PROBE_RECORDS_MAX


@dataclass(frozen=True)
class Record:
    """What a CPU writes: its number says the bytes."""

    cpu: int
    number: int
    size: int

    @property
    def data(self) -> bytes:
        """As fill() of the probe's writes it."""
        words = b"".join(((self.number + n) % WORDS).to_bytes(4, "little")
                         for n in range(0, self.size - self.size % 4, 4))
        return words + bytes((self.number + n) % 256 for n in range(len(words), self.size))

    def __str__(self) -> str:
        return f"CPU {self.cpu}'s record of {self.size} bytes ({self.data[:8].hex(' ', 4)}..)"


class Log:
    """A log of a few records: what was tried, and what must come of it, whichever design it is."""

    def __init__(self, scene: Scene, records: int, old: Iterable[int], reads: int):
        """An empty log, and a record in it from each of the CPUs `old`, in this order."""
        self.scene, self.m, self.records, self.reads = scene, scene.m, records, reads
        self.policy = struct.unpack("<I", self.m.elf.read(
            self.m.elf.address("logring_policy"), 4))[0]
        self.at, self.size = self.m.elf.address("probe_log"), self.m.elf.size("probe_log")
        self.numbers = scene.random.sample(range(1 << 8, 1 << 16, 64), RECORDS_MAX)
        self.tried: list[Record] = []           # in their order, for each CPU
        self.refused: set[Record] = set()
        self.used = self._use()
        self._empty()
        for cpu in old:
            record = self.next(cpu)
            if not self.m.call(cpu, "probe_log_write", record.number, record.size) & 0xFF:
                self.refused.add(record)
        self.old = len(self.tried)

    def _empty(self) -> None:
        self.m.write(self.at, bytes(self.size))
        self.m.write_u32("probe_record_count", 0)
        first = WORDS - self.scene.random.randrange(1, self.records + 1)    # numbers in it wrap
        self.m.call(0, "logring_init", self.at, self.records, first)

    def _use(self) -> list[tuple[int, int]]:
        """Which parts of its memory the log uses: what is not zero when each CPU has filled it."""
        self._empty()
        for cpu in range(self.m.cpus):
            for number in range(self.records + 1):
                self.m.call(cpu, "probe_log_write", 0xA5A5A5A5, 4)
        now = self.m.read(self.at, self.size)
        return joined(((self.at + n, LINE) for n in range(0, self.size, LINE)
                       if any(now[n:n + LINE])), LINE)

    def next(self, cpu: int) -> Record:
        """A record that this CPU will write."""
        size = self.scene.random.choice((7, 8, 9, 12))
        self.tried.append(Record(cpu, self.numbers[len(self.tried)], size))
        return self.tried[-1]

    def read(self) -> list[Record]:
        """What has been read so far, in order; fails if it is nothing that was written."""
        count = self.m.u32("probe_record_count")
        if count > RECORDS_MAX:
            raise Fail(WRONG, expected=f"{len(self.tried)} records at most: no more were written",
                       seen=f"{count} are read")
        raw = self.m.read("probe_records", RECORD.size * count)
        return [self._known(*each) for each in RECORD.iter_unpack(raw)]

    def _known(self, size: int, cpu: int, data: bytes) -> Record:
        for record in self.tried:
            if data == record.data.ljust(len(data), b"\0") and size == record.size:
                if cpu != record.cpu:
                    raise Fail(WRONG, expected=f"{record}", seen=f"it says that it is CPU {cpu}'s")
                return record
        shown = data[:16].hex(" ", 4)
        raise Fail(WRONG, expected="each record is read as it was written: " + "; ".join(
            map(str, self.tried)), seen=f"one of {size} bytes: {shown}",
            cause="it was read before it was whole, or two wrote into one place.")

    def check(self, run: Run) -> None:
        """At the end, when what is left has been read: nothing torn, twice or lost unnoticed."""
        refused = self.refused | {record for record in self.tried[self.old:]
                                  if not result(run, record.cpu) & 0xFF}
        call_again(run, PROGRAM, "probe_log_read_all", RECORDS_MAX)
        seen = self.read()
        for record in seen:
            if seen.count(record) > 1:
                raise Fail(WRONG, expected="each record is read once", seen=f"twice: {record}")
            if record in refused:
                raise Fail(WRONG, expected=f"{record} is not there: logring_reserve() gave NULL",
                           seen="it is read")
        lost = [record for record in self.tried if record not in seen]
        self._check_order(seen)
        self._check_lost(lost, refused)
        call_again(run, PROGRAM, "logring_dropped", self.at)
        dropped = result(run, PROGRAM) % WORDS
        if dropped != len(lost):
            raise Fail(WRONG, expected=f"{len(self.tried)} records were tried and {len(seen)} read, so "
                       f"{len(lost)} are counted as dropped", seen=f"{dropped}")

    def _check_order(self, seen: list[Record]) -> None:
        for cpu in range(self.m.cpus):
            mine = [record for record in seen if record.cpu == cpu]
            if mine != [record for record in self.tried if record in mine]:
                raise Fail(WRONG, expected=f"the records of CPU {cpu} in the order in which it wrote "
                           "them", seen="another order")

    def _check_lost(self, lost: list[Record], refused: set[Record]) -> None:
        """Only what the policy says may be lost, and not more than there was no room for."""
        most = max(0, len(self.tried) - self.records)
        if len(lost) > most:
            raise Fail(WRONG, expected=f"a log with room for {self.records} records keeps so many of "
                       f"{len(self.tried)}" if most else "there is room for all of them",
                       seen=f"lost: {'; '.join(map(str, lost))}")
        for record in lost:
            if record in refused:
                continue
            if self.policy == DISCARD:
                raise Fail(WRONG, expected=f"{record}: logring_reserve() gave it room",
                           seen="it is never read", cause="two may have been given the same place.")
            mine = [each for each in self.tried if each.cpu == record.cpu and each not in refused]
            if any(each not in lost for each in mine[:mine.index(record)]):
                raise Fail(WRONG, expected="LOG_OVERWRITE: the oldest record gives way",
                           seen=f"{record} is lost, and an older one is read")
        if self.policy == OVERWRITE and refused and not self.reads:
            raise Fail(WRONG, expected="LOG_OVERWRITE: the oldest record is whole, so it gives way to "
                       "the new one", seen="logring_reserve() gave NULL")


def result(run: Run, cpu: int) -> int:
    """What the function gave from which a CPU has returned."""
    return run.m.regs(cpu).values[run.region.general[0]]


def call_again(run: Run, cpu: int, function: str, argument: int) -> None:
    """Lets a CPU whose function has returned call another one."""
    m, region = run.m, run.region
    sp, end = m.regs(cpu).sp, region.ends[cpu]
    names = {64: ("rip", "rsp"), 32: ("eip", "esp")}[m.width]
    if m.width == 64:
        m.set_regs(cpu, rdi=argument)
    else:
        m.write_ptr(sp, argument, cpu)
    m.write_ptr(sp - m.word, end, cpu)
    m.set_regs(cpu, **dict(zip(names, (m.elf.address(function), sp - m.word))))
    stop = m.run(cpu, end, BUDGET, exact=False)
    if stop.reason != "address":
        raise region.scene.failed(stop, f"{function}() when both CPUs are done")


def log_region(scene: Scene, name: str, records: int, old: Iterable[int], reads: int = 0) -> Region:
    """CPU 0 writes a record; CPU 1 writes one too, or reads so many.  The log has room for `records`
    and holds one from each of the CPUs `old`."""
    old = list(old)
    log = Log(scene, records, old, reads)
    programs = []
    for cpu in (PROGRAM, KERNEL)[:1 if reads else 2]:
        record = log.next(cpu)
        programs.append(Program(cpu, "probe_log_write", (record.number, record.size), AT_DISPATCH))
    if reads:
        programs.append(Program(KERNEL, "probe_log_read_all", (reads,), AT_DISPATCH))
    m = scene.m
    there = f"{len(old)} are written" if old else "it is empty"
    return Region(
        scene, name, programs,
        [*(Memory("log" if at == log.at else f"log+{at - log.at}", at, size)
           for at, size in log.used),
         *(Memory(each, m.elf.address(each), m.elf.size(each))
           for each in ("probe_record_count", "probe_records", "probe_record"))],
        functions=("probe_log_write", "fill"), marks={"memcpy": copies},
        words={"memcpy": "memcpy()"}, check=log.check,
        start=f"a log with room for {records} records, {there}; CPU 0 is about to write one, "
        f"CPU 1 to {'read' if reads else 'write another'}")
