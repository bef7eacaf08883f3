"""Code that the tests of machines write over kmain(), which is over by then, for a CPU to execute."""

from __future__ import annotations

from grader.machine import Machine

LOOP = bytes.fromhex("b805000000 90 b903000000 01c8 ffc9 75fa c3")    # 5 + 3 + 2 + 1
HALT = bytes.fromhex("fa f4 c3")


def put(m: Machine, code: bytes) -> int:
    """Writes code where any CPU may execute it; gives its address."""
    address = m.elf.address("kmain")
    assert len(code) <= m.elf.size("kmain")
    m.write(address, code)
    return address


def enter(m: Machine, cpu: int, code: bytes, flags: int = 0) -> int:
    """Brings a parked CPU to the first instruction of this code."""
    address = put(m, code)
    m.start(cpu, address, flags=flags)
    assert m.run(cpu, address, 10_000).reason == "address"
    return address
