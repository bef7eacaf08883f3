"""A client of QEMU's gdbstub: packets, breakpoints, running one CPU."""

from __future__ import annotations

import re
import socket
import struct
import xml.etree.ElementTree as ElementTree
from collections import deque
from dataclasses import dataclass
from itertools import takewhile
from typing import Iterable

from grader.errors import GraderError
from grader.machine.private import time_out
from grader.machine.shared import CPUS, Shared

PACKET = re.compile(rb"\$([^#]*)#..", re.S)
STOPPED = re.compile(rb"T..thread:p01\.([0-9a-f]+);")
CHUNK = 2000                    # bytes of memory per packet; a packet holds 4096 characters
AT_ONCE = 8                     # commands under way at a time
POLL = 0.01                     # how often a wait looks at the time; no wait is shorter
WIDTHS = {1: "B", 2: "H", 4: "I", 8: "Q"}       # of registers that are numbers, as struct says it


@dataclass(frozen=True)
class Slot:
    """Where a register lies in the reply to `g`, and its number for `p` and `P`."""

    number: int
    offset: int
    size: int


def _packet(text: str) -> str:
    """A packet; the leading + acknowledges the reply before it."""
    return f"+${text}#{sum(text.encode()) & 255:02x}"


class Rsp:
    """One connection.  CPUs count from 0 here and from 1 in the packets.

    What the shared memory shows and takes, if QEMU uses it, needs no packet.
    """

    def __init__(self, path: str, shared: Shared, timeout: float = 20.0):
        self.timeout = timeout
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        # The kernel keeps the time and not Python, which would poll before each call; and the + that
        # acknowledges a command, and comes alone, wakes nobody.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 2)
        time_out(self._socket, socket.SO_RCVTIMEO, POLL)
        time_out(self._socket, socket.SO_SNDTIMEO, timeout)
        self._shared = shared
        self._fresh: set[int] = set()   # CPUs whose registers are still those of the last stop
        self._packets: deque[bytes] = deque()
        self._buffer = b""
        self.selected = -1              # the CPU that stopped last, or was chosen since: the stub's
        self._chosen = -1               # .. and the one that the next command is about
        self._moves = [0] * (CPUS + 1)  # by CPU; the last one: of all at once
        self.command("qSupported:multiprocess+;vContSupported+")
        self.slots = self._register_slots()
        # Those before the first that is no number: the others are the FPU's.
        self._numbers = list(takewhile(lambda name: self.slots[name].size in WIDTHS, self.slots))
        self._layout = struct.Struct("<" + "".join(
            WIDTHS[self.slots[name].size] for name in self._numbers))
        shared.want(len(self._numbers))

    def close(self) -> None:
        self._socket.close()

    # ---- packets ----

    def send(self, text: str) -> None:
        """Sends a packet."""
        self._socket.sendall(_packet(text).encode())

    def receive(self, timeout: float) -> str | None:
        """The next packet, or None when none came in time."""
        waited = 0.0
        while not self._packets:
            try:
                data = self._socket.recv(65536)
            except BlockingIOError:
                waited += POLL
                if waited < timeout:
                    continue
                return None
            except OSError as error:
                raise GraderError(f"QEMU closed its debugger port: {error}") from None
            if not data:
                raise GraderError("QEMU ended while the grader used it: run the grade again")
            self._cut(self._buffer + data)
        packet = self._packets.popleft()
        stopped = STOPPED.match(packet)
        if stopped:                     # the stub chooses the CPU that stopped
            self.selected = self._chosen = int(stopped[1], 16) - 1
            if self._shared.ready:
                self._shared.stopped()
                self._fresh.update(range(CPUS))
        return packet.decode("latin-1")

    def _cut(self, data: bytes) -> None:
        """Takes the whole packets, and keeps what is left."""
        end = 0
        for found in PACKET.finditer(data):
            self._packets.append(found[1])
            end = found.end()
        self._buffer = data[end:]

    def command(self, text: str) -> str:
        """Sends a packet and waits for its reply."""
        return self._commands([text])[0]

    def monitor(self, line: str) -> str:
        """A command of QEMU's human monitor on a machine that stands still, and what it printed.

        Much faster than through QMP, which QEMU reads byte by byte.
        """
        self.send(f"qRcmd,{line.encode().hex()}")
        said = ""
        while (reply := self.receive(self.timeout)) is not None:
            if reply.startswith("O") and reply != "OK":
                said += bytes.fromhex(reply[1:]).decode("utf-8", "replace")
            else:
                return said
        raise GraderError("QEMU does not answer: run the grade again")

    def interrupt(self) -> None:
        """Asks a running machine to stop; the stop is the next packet."""
        self._socket.sendall(b"\x03")

    # ---- running ----

    def moves(self, cpu: int) -> int:
        """A number that grows whenever the registers of this CPU may have changed."""
        return self._moves[cpu] + self._moves[-1]

    def moved(self, cpu: int | None = None) -> None:
        """The registers of this CPU may have changed, or those of all."""
        self._moves[-1 if cpu is None else cpu] += 1
        if cpu is None:
            self._fresh.clear()
        else:
            self._fresh.discard(cpu)

    def resume(self, cpu: int | None, insert: Iterable[int] = (), remove: Iterable[int] = ()) -> None:
        """Lets one CPU run, or all; the reply comes when something stops it.  Breakpoints are changed
        before."""
        self.moved(cpu)
        self.breakpoints(insert, remove)
        self.send("vCont;c" if cpu is None else f"vCont;c:p1.{cpu + 1:x}")

    def begin_step(self, cpu: int, halts: bool = False) -> None:
        """Has a CPU execute one instruction; the reply comes when it has.  If that is HLT, only interrupt()
        ends it, and then the stub ends the step of the CPU that it believes to be the current one: any other
        would go on stepping, and stop the timers for all."""
        if halts:
            self.command(f"Hcp1.{cpu + 1:x}")
        self.moved(cpu)
        self.send(f"vCont;s:p1.{cpu + 1:x}")

    def step_mode(self, hold: bool) -> None:
        """How a step treats pending interrupts: masks them, or takes them.  Timers stand still."""
        self.command("Qqemu.sstep=7" if hold else "Qqemu.sstep=5")

    def breakpoints(self, insert: Iterable[int], remove: Iterable[int] = ()) -> None:
        """Changes breakpoints, at the latest when the machine runs next."""
        if self._shared.ready:
            self._shared.change(insert, remove)
        else:
            self._commands([*(f"z1,{address:x},1" for address in remove),
                            *(f"Z1,{address:x},1" for address in insert)])

    def _commands(self, texts: Iterable[str]) -> list[str]:
        """Several commands with one wait, and their replies."""
        packets = [_packet(text) for text in texts]
        if not packets:
            return []
        replies: list[str] = []
        chooses = self._chosen != self.selected
        if chooses:
            packets.insert(0, _packet(f"Hgp1.{self._chosen + 1:x}"))
            self.selected = self._chosen
        for first in range(0, len(packets), AT_ONCE):
            part = packets[first:first + AT_ONCE]
            self._socket.sendall("".join(part).encode())
            for _ in part:
                reply = self.receive(self.timeout)
                if reply is None:
                    raise GraderError("QEMU does not answer: run the grade again")
                replies.append(reply)
        return replies[1:] if chooses else replies

    # ---- registers and memory ----

    def select(self, cpu: int) -> None:
        """Chooses the CPU whose registers and page tables the next commands use."""
        self._chosen = cpu

    def registers(self) -> dict[str, int]:
        """The registers of the chosen CPU that are numbers, by gdb's names: not those of the FPU."""
        if self._chosen in self._fresh:
            values = self._shared.registers(self._chosen, self._layout)
        else:
            values = self._layout.unpack_from(bytes.fromhex(self.command("g").replace("x", "0")))
        return dict(zip(self._numbers, values))

    def register(self, name: str) -> int:
        slot = self.slots[name]
        return int.from_bytes(bytes.fromhex(self.command(f"p{slot.number:x}")), "little")

    def set_register(self, name: str, value: int) -> None:
        self.set_registers({name: value})

    def set_registers(self, values: dict[str, int]) -> None:
        """Sets registers of the chosen CPU, with one wait for all of them."""
        self.moved(self._chosen)
        texts = []
        for name, value in values.items():
            slot = self.slots[name]
            value &= (1 << slot.size * 8) - 1
            texts.append(f"P{slot.number:x}={value.to_bytes(slot.size, 'little').hex()}")
        for name, reply in zip(values, self._commands(texts)):
            if reply != "OK":
                raise GraderError(f"QEMU does not let the grader set {name}")

    def read(self, address: int, size: int) -> bytes | None:
        """Memory through the chosen CPU's page tables; None when some of it is not mapped."""
        replies = self._commands(f"m{address + at:x},{min(CHUNK, size - at):x}"
                                 for at in range(0, size, CHUNK))
        if any(reply.startswith("E") for reply in replies):
            return None
        return bytes.fromhex("".join(replies))

    def write(self, address: int, data: bytes) -> bool:
        return self.write_all([(address, data)])

    def write_all(self, parts: list[tuple[int, bytes]]) -> bool:
        """Bytes at several addresses, with one wait; whether there was memory for all."""
        cut = [(address + at, data[at:at + CHUNK])
               for address, data in parts for at in range(0, len(data), CHUNK)]
        replies = self._commands(f"M{at:x},{len(data):x}:{data.hex()}" for at, data in cut)
        return all(reply == "OK" for reply in replies)

    def _register_slots(self) -> dict[str, Slot]:
        """The layout of `g`, from the target description that the stub serves."""
        slots: dict[str, Slot] = {}
        offset = number = 0
        # The outer document uses a prefix that it does not declare, so no XML parser takes it.
        for name in re.findall(r'xi:include href="([^"]+)"', self._document("target.xml")):
            for entry in ElementTree.fromstring(self._document(name)).iter("reg"):
                number = int(entry.attrib.get("regnum", number))
                size = int(entry.attrib["bitsize"]) // 8
                slots[entry.attrib["name"]] = Slot(number, offset, size)
                offset += size
                number += 1
        return slots

    def _document(self, name: str) -> str:
        text, more = "", True
        while more:
            reply = self.command(f"qXfer:features:read:{name}:{len(text):x},ff0")
            more, text = reply[:1] == "m", text + reply[1:]
        return text
