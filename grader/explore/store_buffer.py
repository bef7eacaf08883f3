"""The store buffer of each CPU, which no emulator has when it is stepped: x86-TSO on the host.

A store that is held has been executed, and the others do not see it: the host puts the old bytes
back and keeps the new ones, in order.  Whenever the CPU itself runs it sees its own stores, so the
host lays them over memory for that time.  The oldest store is the next to reach memory.
"""

from __future__ import annotations

from collections.abc import Iterable

from grader.machine.machine import Machine


class StoreBuffers:
    """Stores that have been executed and are not in memory yet, by CPU, the oldest first."""

    def __init__(self, machine: Machine, cpus: Iterable[int]):
        self._m = machine
        self._held: dict[int, list[tuple[int, bytes]]] = {cpu: [] for cpu in cpus}
        self._view = -1                     # the CPU whose stores lie over memory now
        self._under: dict[int, int] = {}    # by address: what memory has there, below the view

    def held(self, cpu: int) -> list[tuple[int, bytes]]:
        """A CPU's stores on their way: address and bytes."""
        return self._held[cpu]

    @property
    def empty(self) -> bool:
        return not any(self._held.values())

    def state(self) -> tuple:
        """Something to compare: equal states have equal stores on their way."""
        return tuple(tuple(stores) for stores in self._held.values())

    def see(self, cpu: int) -> None:
        """Memory becomes what this CPU sees."""
        if self._view == cpu or self.empty:
            return
        self.show_memory()
        self._view = cpu
        for address, data in self._held[cpu]:
            self._cover(address, len(data))
            self._m.write(address, data)

    def show_memory(self) -> None:
        """Memory becomes what all the others see: nothing that is still on its way."""
        for address, size in _runs(self._under):
            self._m.write(address, bytes(self._under[address + n] for n in range(size)))
        self._under.clear()
        self._view = -1

    def before_store(self, cpu: int, address: int, size: int) -> None:
        """The CPU, which sees its own stores, is about to execute one that will be held."""
        if self._view != cpu:
            self.show_memory()
            self._view = cpu
        self._cover(address, size)

    def after_store(self, cpu: int, address: int, size: int) -> None:
        """It has executed it."""
        self._held[cpu].append((address, self._m.read(address, size)))

    def drain_one(self, cpu: int) -> None:
        """The oldest store reaches memory."""
        self.show_memory()
        address, data = self._held[cpu].pop(0)
        self._m.write(address, data)

    def drain(self, cpu: int) -> None:
        """All of this CPU's stores reach memory, in order."""
        if self._view == cpu:               # they lie there already
            self._under.clear()
            self._held[cpu].clear()
            self._view = -1
        while self._held[cpu]:
            self.drain_one(cpu)

    def drain_all(self) -> None:
        """All stores reach memory, one CPU after the other."""
        for cpu in self._held:
            self.drain(cpu)

    def _cover(self, address: int, size: int) -> None:
        """Notes what memory has where a store is about to lie over it."""
        if any(address + n not in self._under for n in range(size)):
            for n, byte in enumerate(self._m.read(address, size)):
                self._under.setdefault(address + n, byte)


def _runs(addresses: Iterable[int]) -> list[tuple[int, int]]:
    """Neighbouring addresses as (first, number)."""
    found: list[tuple[int, int]] = []
    for address in sorted(addresses):
        if found and sum(found[-1]) == address:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((address, 1))
    return found
