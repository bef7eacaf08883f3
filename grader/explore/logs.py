"""Logs for lab 6's tests: probe_log, which the host writes and reads, and what must come of it.

What a log does when it is full is the lab's choice, logring_policy; so is whether each CPU has its
own.  Everything here follows it.
"""

from __future__ import annotations

import struct

from grader.explore.logmodel import (
    BYTES, DISCARD, OVERWRITE, RECORD, Log, Record, Seen, fits, payload)
from grader.explore.nmi import NmiScene
from grader.explore.scene import DISPATCH, HIGH, PASSIVE, flags_for
from grader.verdict import HANG, WRONG, Fail

DEVICE = 7              # a level
POLICIES = {DISCARD: "LOG_DISCARD", OVERWRITE: "LOG_OVERWRITE"}
WRITE, READ, DROPPED = range(3)         # enum probe_log_kind
STEP = struct.Struct(f"<4I{RECORD.size}s")
STEPS = 256                             # PROBE_LOG_STEPS
NOT_DONE = 0xA5A5_A5A5                  # a step's result before the kernel comes to it
CACHE_LINE = 64
LOG_SIZE = 40960                        # LOGRING_SIZE
WORDS = 1 << 32
COME_BACK = 40_000                      # instructions that a way into the log and out may take
WAITS = "it waits for a writer that has begun before and is not done."

Step = tuple                            # (WRITE, Record), (READ,), (DROPPED,)


class LogScene(NmiScene):
    """probe_log with a model of it beside."""

    def __init__(self, cell):
        super().__init__(cell)
        self.at = self.m.elf.address("probe_log")
        elf = self.m.elf
        self.policy = int.from_bytes(elf.read(elf.address("logring_policy"), 4), "little")
        if self.policy not in POLICIES:
            raise Fail(WRONG, expected="logring_policy is LOG_DISCARD or LOG_OVERWRITE",
                       seen=str(self.policy))
        self.own = False
        self.log = Log(self.policy, 0, False)
        self.first = 0
        self.numbers: set[int] = set()
        self.sides: list[tuple[str, int, bytes]] = []

    # ---- a new log ----

    def new(self, room: int, first: int = 0) -> None:
        """An empty log, in memory that is zeroed, with random bytes on both sides of it."""
        side = self.offset["canary_size"]
        begin = -(-side // CACHE_LINE) * CACHE_LINE
        self.m.write(self.at + begin, bytes(LOG_SIZE))
        self.sides = []
        for name, at in (("below", 0), ("above", begin + LOG_SIZE)):
            data = self.random.randbytes(side)
            self.m.write(self.at + at, data)
            self.sides.append((name, self.at + at, data))
        self.first = first % WORDS
        self.m.call(self.random.choice((0, 1)), "logring_init", self.at, room, self.first)
        self.log = Log(self.policy, room, self.own)

    def find_kind(self) -> None:
        """Whether each CPU has room of its own: as many as two CPUs together can write tell it."""
        room = 4
        self.new(room)
        for cpu in (0, 1):
            self.run_steps(cpu, [(WRITE, self.record(cpu, 8)) for _ in range(room)])
        seen = sum(each is not None for each in self.run_steps(0, [(READ,)] * (2 * room + 1)))
        if seen not in (room, 2 * room):
            raise Fail(WRONG, expected=f"a log with room for {room} records, written full on CPU "
                       f"0 and on CPU 1, has {room} in it, or {2 * room} if each CPU has its own",
                       seen=str(seen))
        self.own = seen > room

    def record(self, cpu: int, size: int | None = None, depth: int = 0) -> Record:
        """One with fresh bytes, which no part of another has."""
        while (number := self.random.getrandbits(32) & ~0x3F) in self.numbers or number < 64:
            pass
        self.numbers.add(number)
        size = self.random.randrange(4, BYTES + 1) if size is None else size
        return Record(cpu, number, size, depth)

    # ---- what the CPUs do ----

    def run_steps(self, cpu: int, steps: list[Step], level: int | None = None,
                  interrupts: bool | None = None) -> list:
        """Lets a CPU write and read; gives what each step said: bool, Seen or None, number."""
        if not steps:
            return []
        raw = b"".join(self._pack(*step) for step in steps)
        table = self.m.elf.address("probe_log_steps")
        assert len(steps) <= STEPS
        self.m.write(table, raw)
        writes = all(step[0] == WRITE for step in steps)
        if level is None:
            level = self.random.choice((PASSIVE, DISPATCH, DEVICE, HIGH) if writes else
                                       (PASSIVE, DISPATCH))
        if interrupts is None:
            interrupts = self.random.random() < 0.5
        self.m.start(cpu, "probe_log_play", len(steps), flags=flags_for(level, interrupts))
        try:
            self.back(cpu, "logring_reserve(), logring_commit(), logring_read() and "
                      "logring_dropped() come back", COME_BACK * len(steps))
        except Fail as fail:
            fail.failure.extra += self._stands(steps, self.m.read(table, len(raw)))
            raise
        results = STEP.iter_unpack(self.m.read(table, len(raw)))
        return [self._result(step[0], *result) for step, result in zip(steps, results)]

    def _pack(self, kind: int, record: Record | None = None) -> bytes:
        number, size = (record.number, record.size) if record else (0, 0)
        return STEP.pack(kind, number, size, NOT_DONE, b"")

    def _stands(self, steps: list[Step], raw: bytes) -> list[str]:
        """The log, and the step from which a CPU did not come back."""
        done = sum(result != NOT_DONE for _, _, _, result, _ in STEP.iter_unpack(raw))
        words = ["a record is written", "logring_read()", "logring_dropped()"]
        return [f"logring_init() was given {self.log.room} records and {self.first:#x} as the first "
                "number.", f"Step {done + 1} of {len(steps)}: {words[steps[done][0]]}."
                if done < len(steps) else "All steps were done."]

    def _result(self, kind: int, _kind, _number, _size, result: int, record: bytes):
        if kind == WRITE:
            return bool(result)
        if kind == DROPPED:
            return result
        return Seen(*RECORD.unpack(record)) if result & 0xFF else None

    def back(self, cpu: int, expected: str, budget: int = COME_BACK, cause: str = "") -> None:
        """Runs a CPU until its call is done."""
        stop = self.m.run(cpu, "probe_returned", budget, exact=False)
        if stop.reason != "address":
            fail = self.failed(stop, expected)
            if isinstance(fail, Fail) and cause and fail.failure.reason == HANG:
                fail.failure.cause = cause
            raise fail

    def result_of_read(self) -> Seen | None:
        """What probe_log_read() on CPU 0 gave."""
        if not self.m.result(0) & 0xFF:
            return None
        return Seen(*RECORD.unpack(self.m.read("probe_record", RECORD.size)))

    def reserve(self, cpu: int, size: int) -> int:
        """A record's place that one CPU reserves, or 0."""
        self.m.start(cpu, "logring_reserve", self.at, size)
        self.back(cpu, "logring_reserve() comes back", cause=WAITS)
        return self.m.result(cpu)

    def commit(self, cpu: int, record: Record, at: int) -> None:
        """The same writer fills it, and says that it is whole."""
        self.m.write(at, payload(record.number, record.size))
        self.m.start(cpu, "logring_commit", self.at, at)
        self.back(cpu, "logring_commit() comes back", cause=WAITS)

    def play(self, cpu: int, steps: list[Step], **how) -> None:
        """run_steps(); the model must say the same."""
        for step, seen in zip(steps, self.run_steps(cpu, steps, **how)):
            self.apply(self.log, step, seen)

    def apply(self, log: Log, step: Step, seen) -> None:
        """One step, done to a model; fails where the lab said something else."""
        if step[0] == READ:
            log.took(seen)
        elif step[0] == DROPPED:
            log.counted(seen)
        else:
            self.check_room(log, step[1], log.write(step[1]), seen)

    def check_room(self, log: Log, record: Record, room: bool, seen: bool) -> None:
        """Fails unless logring_reserve() gave a record room, or not, as it had to."""
        if seen == room:
            return
        state = f"LOGRING_BYTES is {BYTES}" if record.size > BYTES else \
            f"{log.found[record]} of {log.room} places were taken before it"
        raise Fail(WRONG, expected=f"logring_reserve() {_room(room)} a record of {record.size} "
                   f"bytes on CPU {record.cpu}", seen=f"it {_room(seen)} it",
                   cause=f"{state}; the policy is {POLICIES[self.policy]}.")

    # ---- the end ----

    def rest(self) -> list[Step]:
        """Steps that read all that can be there, and count."""
        most = self.log.room * (self.m.cpus if self.own else 1) + 1
        return [(DROPPED,), *[(READ,)] * most, (DROPPED,)]

    def settle(self, logs, reader: int = 1) -> Log:
        """Nobody writes: reads all, counts, and says which of the models that fits."""
        steps = self.rest()
        seen = self.run_steps(reader, steps)

        def observe(log: Log) -> None:
            for step, result in zip(steps, seen):
                self.apply(log, step, result)

        self.log = fits(logs, observe)
        self.check_sides()
        return self.log

    def check_sides(self) -> None:
        """Fails if the lab wrote outside its memory in the log."""
        for name, at, data in self.sides:
            if self.m.read(at, len(data)) != data:
                raise Fail(WRONG, expected=f"the bytes {name} the lab's memory in a log untouched",
                           seen="some of them changed",
                           cause="a record lies where the log has no memory.")


def _room(room: bool) -> str:
    return "has room for" if room else "is NULL for"
