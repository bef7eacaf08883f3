"""The wire to one Bochs process: see bochs_fork.c for the other end."""

from __future__ import annotations

import array
import os
import signal
import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from grader.errors import GraderError
from grader.machine.private import peer_of, time_out
from grader.machine.types import TraceStep, cpl_of

LENGTH = struct.Struct("<I")
RUN = struct.Struct("<IIIIQ")            # cpu, hold, trace, number of addresses, limit
RAN = struct.Struct("<IIQQ")             # why, number of records, steps, pc
RECORD = struct.Struct("<5Q")            # pc, sp, flags, gs_base, cs
MEMORY = struct.Struct("<IIQ")           # cpu, size, address
PHYSICAL = 0xFFFFFFFF                    # as cpu: the address is physical
COUNT, AT_ADDRESS, HALT, SHUTDOWN, WAS_RESET = range(5)
PART = 1 << 16                           # bytes of memory per request
AT_ONCE = 15                             # requests that are sent together: so many parts fit into a frame
TIMEOUT = 120.0                          # only to notice a process that hangs


class Ended(GraderError):
    """The process is gone."""


@dataclass(frozen=True)
class Ran:
    """How a run ended."""

    why: int
    steps: int
    pc: int
    trace: list[TraceStep]
    registers: tuple[int, ...] = ()         # of a run that was not traced, as registers() gives them


class Link:
    """One process that stands at its debugger's prompt."""

    def __init__(self, connection: socket.socket):
        self._socket = connection
        self._socket.settimeout(None)
        for way in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            time_out(self._socket, way, TIMEOUT)
        self._buffer = b""
        self._receive()                     # it is there
        self.pid = peer_of(connection)

    def close(self, kill: bool = True) -> None:
        """Ends the process."""
        if kill:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self._socket.close()

    def ask(self, letter: bytes, body: bytes = b"") -> bytes:
        self.tell(letter, body)
        return self._receive()

    def ask_all(self, requests: Iterable[bytes]) -> Iterator[bytes]:
        """The replies to several requests of one reply each, with one wait for AT_ONCE of them.  When the
        caller takes no more, the others are not sent."""
        requests = iter(requests)
        while part := [LENGTH.pack(len(each)) + each for each in islice(requests, AT_ONCE)]:
            self.tell(b"M", b"".join(part))
            yield from [self._receive() for _ in part]

    def tell(self, letter: bytes, body: bytes = b"") -> None:
        """Sends a request that this process does not answer itself."""
        try:
            self._socket.sendall(LENGTH.pack(1 + len(body)) + letter + body)
        except OSError as error:
            raise _dead(error) from None

    def command(self, text: str) -> str:
        """A command for Bochs' debugger, and what it printed."""
        return self.ask(b"D", text.encode()).decode("latin-1")

    def name_registers(self, names: list[str]) -> None:
        self.ask(b"N", " ".join(names).encode())

    def registers(self, cpu: int) -> tuple[int, ...]:
        return _numbers(self.ask(b"G", LENGTH.pack(cpu)))

    def set_registers(self, cpu: int, values: Iterable[tuple[int, int]]) -> None:
        """Sets registers, by their places in the list of names."""
        list(self.ask_all(b"P" + struct.pack("<QQQ", cpu, index, value & (1 << 64) - 1)
                          for index, value in values))

    def interrupt(self, vector: int, cpu: int, mode: int) -> None:
        self.ask(b"I", struct.pack("<III", vector, cpu, mode))

    def run(self, cpu: int, limit: int, addresses: set[int], hold: bool, trace: bool) -> Ran:
        places = sorted(addresses)
        data = self.ask(b"X", RUN.pack(cpu, hold, trace, len(places), limit)
                        + struct.pack(f"<{len(places)}Q", *places))
        why, _, steps, pc = RAN.unpack_from(data)
        if not trace:
            return Ran(why, steps, pc, [], _numbers(data[RAN.size:]))
        return Ran(why, steps, pc, [TraceStep(at, cpl_of(cs, flags), sp, flags, gs)
                                    for at, sp, flags, gs, cs in RECORD.iter_unpack(data[RAN.size:])])

    def run_all(self, limit: int, turn: int, addresses: set[int]) -> tuple[int, int, int, int]:
        """Lets all CPUs run, `turn` instructions each in turn: why it ended, which CPU, how many
        instructions of each CPU, where."""
        places = sorted(addresses)
        why, cpu, steps, pc = RAN.unpack(
            self.ask(b"A", struct.pack(f"<{2 + len(places)}Q", limit, turn, *places)))
        return why, cpu, steps, pc

    def read(self, cpu: int, ranges: Iterable[tuple[int, int]]) -> bytes | None:
        """Memory, several ranges one behind the other; None when some of it is not there."""
        found = []
        for data in self.ask_all(b"R" + MEMORY.pack(cpu, min(PART, address + size - at), at)
                                 for address, size in ranges
                                 for at in range(address, address + size, PART)):
            if not data:
                return None
            found.append(data)
        return b"".join(found)

    def write(self, cpu: int, parts: Iterable[tuple[int, bytes]]) -> bool:
        """Bytes at several addresses; whether there was memory for all."""
        cut = ((address + at, data[at:at + PART])
               for address, data in parts for at in range(0, len(data), PART))
        return all(self.ask_all(b"W" + MEMORY.pack(cpu, len(data), at) + data for at, data in cut))

    def fork(self, listener: socket.socket) -> Link:
        """A copy of this process, which itself stays as it is."""
        self.tell(b"F")
        try:
            connection, _ = listener.accept()
        except OSError as error:
            raise _dead(error) from None
        return Link(connection)

    def hand_over(self, descriptors: list[int]) -> None:
        """Gives the process a terminal; from now on it answers no requests."""
        self.tell(b"H")
        self._socket.sendmsg([b"h"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                       array.array("i", descriptors))])

    def wait_for_end(self) -> None:
        """Returns when the process is gone."""
        time_out(self._socket, socket.SO_RCVTIMEO, 0)
        while self._socket.recv(4096):
            pass

    def _receive(self) -> bytes:
        """The next reply."""
        data = self._buffer
        while len(data) < LENGTH.size or len(data) < (end := LENGTH.size + LENGTH.unpack_from(data)[0]):
            try:
                part = self._socket.recv(PART)
            except OSError as error:
                raise _dead(error) from None
            if not part:
                raise Ended("Bochs does not answer (it ended): run the grade again")
            data += part
        self._buffer = data[end:]
        return data[LENGTH.size:end]


def _numbers(data: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(data) // 8}Q", data)


def _dead(why: object) -> GraderError:
    return GraderError(f"Bochs does not answer ({why}): run the grade again")
