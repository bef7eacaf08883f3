"""A region around a log: two CPUs write at the same time, or one writes and the other reads."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from grader.explore.region import Memory, Program, Region, Run, joined
from grader.explore.ringregion import AT_DISPATCH, CANARY, copies
from grader.explore.rings import WORDS
from grader.explore.scene import Scene
from grader.verdict import WRONG, Fail

WRITER, OTHER = 0, 1                    # CPUs
BUDGET = 20_000
ARGUMENTS = 4                           # of a call by the mailbox
LINE = 64
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
        """An empty log, to which each of the CPUs `old` writes a record, in this order."""
        self.scene, self.m, self.records, self.reads = scene, scene.m, records, reads
        self.policy = struct.unpack("<I", self.m.elf.read(
            self.m.elf.address("logring_policy"), 4))[0]
        self.log, self.size = self.m.elf.address("probe_log"), self.m.elf.size("probe_log")
        self.at = self.log + CANARY
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
        self.m.write(self.log, bytes(self.size))
        self.m.write_u32("probe_record_count", 0)
        first = WORDS - self.scene.random.randrange(1, self.records + 1)    # numbers in it wrap
        self.m.call(0, "logring_init", self.log, self.records, first)

    def _use(self) -> list[tuple[int, int]]:
        """Which parts of its memory the log uses: what is not zero when each CPU has filled it."""
        self._empty()
        for cpu in range(self.m.cpus):
            for number in range(self.records + 1):
                self.m.call(cpu, "probe_log_write", 0xA5A5A5A5, 4)
        now = self.m.read(self.log, self.size)
        return joined(((self.log + n, LINE) for n in range(0, self.size, LINE)
                       if any(now[n:n + LINE])), LINE)

    def memory(self) -> list[Memory]:
        """Its words, by their offset in logring_area()."""
        return [Memory(f"log+{word - self.at}", word, 4) for at, size in self.used
                for word in range(at, at + size, 4)]

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
        call_again(run, WRITER, "probe_log_read_all", RECORDS_MAX)
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
        call_again(run, WRITER, "logring_dropped", self.log)
        dropped = result(run, WRITER) % WORDS
        if dropped != len(lost):
            raise Fail(WRONG, seen=f"{dropped}",
                       expected=f"{len(self.tried)} records were tried and {len(seen)} read, so "
                       f"{len(lost)} are counted as dropped")

    def _check_order(self, seen: list[Record]) -> None:
        for cpu in range(self.m.cpus):
            mine = [record for record in seen if record.cpu == cpu]
            if mine != [record for record in self.tried if record in mine]:
                raise Fail(WRONG, seen="another order",
                           expected=f"the records of CPU {cpu} in the order of their writing")

    def _check_lost(self, lost: list[Record], refused: set[Record]) -> None:
        """Only what the policy says may be lost, and not more than there was no room for."""
        most = max(0, len(self.tried) - self.records)
        if len(lost) > most:
            raise Fail(WRONG, expected=f"a log with room for {self.records} records keeps so many "
                       f"of {len(self.tried)}" if most else "there is room for all of them",
                       seen=f"lost: {'; '.join(map(str, lost))}")
        for record in lost:
            if record in refused:
                continue
            if self.policy == DISCARD:
                raise Fail(WRONG, expected=f"{record}: logring_reserve() gave it room",
                           seen="it is never read",
                           cause="two may have been given the same place.")
            mine = [each for each in self.tried if each.cpu == record.cpu and each not in refused]
            if any(each not in lost for each in mine[:mine.index(record)]):
                raise Fail(WRONG, expected="LOG_OVERWRITE: the oldest record gives way",
                           seen=f"{record} is lost, and an older one is read")
        if self.policy == OVERWRITE and refused and not self.reads:
            raise Fail(WRONG, seen="logring_reserve() gave NULL",
                       expected="LOG_OVERWRITE: the oldest record is whole and gives way")


def result(run: Run, cpu: int) -> int:
    """What the function gave from which a CPU has returned."""
    return run.m.regs(cpu).values[run.region.general[0]]


def call_again(run: Run, cpu: int, function: str, argument: int) -> None:
    """Lets a CPU whose function has returned call another one."""
    m, region = run.m, run.region
    sp, end = m.regs(cpu).sp, region.ends[cpu]
    on_stack = m.read(sp, ARGUMENTS * m.word, cpu)      # 32 bits: the next run finds them there
    m.write_ptr(sp - m.word, end, cpu)
    if m.width == 64:
        m.set_regs(cpu, rip=m.elf.address(function), rsp=sp - m.word, rdi=argument)
    else:
        m.write_ptr(sp, argument, cpu)
        m.set_regs(cpu, eip=m.elf.address(function), esp=sp - m.word)
    stop = m.run(cpu, end, BUDGET, exact=False)
    if stop.reason != "address":
        raise region.scene.failed(stop, f"{function}() when both CPUs are done")
    m.write(sp, on_stack, cpu)


def log_region(scene: Scene, name: str, records: int, old: Iterable[int],
               reads: int = 0) -> Region:
    """CPU 0 writes a record; CPU 1 writes one too, or reads so many.  The log has room for
    `records`, and each of the CPUs `old` has written one."""
    old = list(old)
    log = Log(scene, records, old, reads)
    programs = []
    for cpu in (WRITER, OTHER)[:1 if reads else 2]:
        record = log.next(cpu)
        programs.append(Program(cpu, "probe_log_write", (record.number, record.size), AT_DISPATCH))
    if reads:
        programs.append(Program(OTHER, "probe_log_read_all", (reads,), AT_DISPATCH))
    m = scene.m
    there = f"{len(old)} are written" if old else "it is empty"
    return Region(
        scene, name, programs,
        [*log.memory(), *(Memory(each, m.elf.address(each), m.elf.size(each))
                          for each in ("probe_record_count", "probe_records", "probe_record"))],
        functions=("probe_log_write", "fill"), marks={"memcpy": copies},
        words={"memcpy": "memcpy()"}, check=log.check,
        start=f"a log with room for {records} records, {there}; CPU 0 is about to write one, "
        f"CPU 1 to {'read' if reads else 'write another'}")
