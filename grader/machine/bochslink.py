"""The wire to one Bochs process: see bochs_fork.c for the other end."""

from __future__ import annotations

import array
import os
import signal
import socket
import struct
from dataclasses import dataclass

from grader.errors import GraderError
from grader.machine.private import peer_of
from grader.machine.types import TraceStep, cpl_of

LENGTH = struct.Struct("<I")
RUN = struct.Struct("<IIIIQ")            # cpu, hold, trace, number of addresses, limit
RAN = struct.Struct("<IIQQ")             # why, number of records, steps, pc
RECORD = struct.Struct("<5Q")            # pc, sp, flags, gs_base, cs
MEMORY = struct.Struct("<IIQ")           # cpu, size, address
PHYSICAL = 0xFFFFFFFF                    # as cpu: the address is physical
COUNT, AT_ADDRESS, HALT, SHUTDOWN, WAS_RESET = range(5)
PART = 1 << 16                           # bytes of memory per request
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


class Link:
    """One process that stands at its debugger's prompt."""

    def __init__(self, connection: socket.socket):
        self._socket = connection
        self._socket.settimeout(TIMEOUT)
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
        data = self.ask(b"G", LENGTH.pack(cpu))
        return struct.unpack(f"<{len(data) // 8}Q", data)

    def set_register(self, cpu: int, index: int, value: int) -> None:
        self.ask(b"P", struct.pack("<QQQ", cpu, index, value & (1 << 64) - 1))

    def interrupt(self, vector: int, cpu: int, mode: int) -> None:
        self.ask(b"I", struct.pack("<III", vector, cpu, mode))

    def run(self, cpu: int, limit: int, addresses: set[int], hold: bool, trace: bool) -> Ran:
        places = sorted(addresses)
        data = self.ask(b"X", RUN.pack(cpu, hold, trace, len(places), limit)
                        + struct.pack(f"<{len(places)}Q", *places))
        why, records, steps, pc = RAN.unpack_from(data)
        steps_seen = [TraceStep(at, cpl_of(cs, flags), sp, flags, gs) for at, sp, flags, gs, cs
                      in RECORD.iter_unpack(data[RAN.size:])] if records else []
        return Ran(why, steps, pc, steps_seen)

    def run_all(self, limit: int, turn: int, addresses: set[int]) -> tuple[int, int, int, int]:
        """Lets all CPUs run, `turn` instructions each in turn: why it ended, which CPU, how many
        instructions of each CPU, where."""
        places = sorted(addresses)
        why, cpu, steps, pc = RAN.unpack(
            self.ask(b"A", struct.pack(f"<{2 + len(places)}Q", limit, turn, *places)))
        return why, cpu, steps, pc

    def read(self, cpu: int, address: int, size: int) -> bytes | None:
        data = b""
        while len(data) < size:
            part = min(PART, size - len(data))
            got = self.ask(b"R", MEMORY.pack(cpu, part, address + len(data)))
            if not got:
                return None
            data += got
        return data

    def write(self, cpu: int, address: int, data: bytes) -> bool:
        return all(self.ask(b"W", MEMORY.pack(cpu, len(data[at:at + PART]), address + at)
                            + data[at:at + PART]) for at in range(0, len(data), PART))

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
        self._socket.settimeout(None)
        while self._socket.recv(4096):
            pass

    def _receive(self) -> bytes:
        return self._exactly(LENGTH.unpack(self._exactly(LENGTH.size))[0])

    def _exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            try:
                part = self._socket.recv(size - len(data))
            except OSError as error:
                raise _dead(error) from None
            if not part:
                raise Ended("Bochs does not answer (it ended): run the grade again")
            data += part
        return bytes(data)


def _dead(why: object) -> GraderError:
    return GraderError(f"Bochs does not answer ({why}): run the grade again")
