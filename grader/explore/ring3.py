"""Functions that a program calls in ring 3, in its own address space, on a stack of its own."""

from __future__ import annotations

from grader.explore.registers import IF, USER_DS
from grader.explore.rings import PAGE, RingScene
from grader.verdict import WRONG, Fail

ARGUMENTS = ("rdi", "rsi", "rdx", "rcx")        # System V ABI 3.2.3
MEMORY = 0x6000_0000                            # a page for its stack and its variables
BUDGET = 4000
STARTS, BACK = 1, 5                             # NOPs of the checker: there it begins, and returns


class Ring3:
    """The program whose ring it is, as CPU 0's present one."""

    def __init__(self, scene: RingScene):
        self.scene, self.m = scene, scene.m
        scene.m.call(0, "probe_map", scene.owner, MEMORY)
        scene.tss()
        scene.adopt(scene.owner)
        wide = self.m.width == 64
        self.names = ("rip", "rsp", "rax") if wide else ("eip", "esp", "eax")
        segments = {} if wide else {"ds": USER_DS, "es": USER_DS}
        self.regs = scene.layout.random_program(
            scene.random, scene.sled(STARTS), sp=MEMORY + PAGE, flags=2 | IF, **segments,
            **scene.honest)
        self.room = MEMORY          # variables from here up

    def enter(self) -> None:
        """To ring 3, at the checker's first NOPs."""
        self.scene.enter(self.regs)

    def variable(self, data: bytes | int) -> int:
        """Memory of the program's own with these bytes, or with so many zeros; its address."""
        data = bytes(data)
        address, self.room = self.room, self.room + (len(data) + 15 & -16)
        self.m.write(address, data, 0)
        return address

    def call(self, name: str, *args: int) -> int:
        """Calls a function of the program's; its result, 32 bits of it."""
        m, scene = self.m, self.scene
        ip, sp, result = self.names
        back, word = scene.sled(BACK), scene.layout.word
        top = MEMORY + PAGE - 64                            # a multiple of 16, as C wants it
        given = dict(zip(ARGUMENTS, args)) if m.width == 64 else {}
        words = [back] + (list(args) if m.width == 32 else [])
        at = top - word
        m.write(at, b"".join(value.to_bytes(word, "little") for value in words), 0)
        m.set_regs(0, **{ip: scene.checker.address(name), sp: at}, **given)
        stop = m.run(0, (back, m.elf.address("ktrap")), BUDGET, exact=False)
        if stop.reason == "address" and stop.pc != back:
            self._trapped(name)
        if stop.reason != "address":
            raise scene.failed(stop, f"{name}() returns, in ring 3")
        now = m.regs(0)
        if now.cpl != 3:
            raise Fail(WRONG, expected=f"{name}() returns in ring 3", seen=f"ring {now.cpl}")
        scene.check_code(now.pc)
        return getattr(now, result) % (1 << 32)

    def _trapped(self, name: str) -> None:
        """The function ran into a trap."""
        scene = self.scene
        saved = scene.saved(scene.argument(0))
        where = scene.checker.where(saved["ip"])
        seen = f"vector {saved['vector']} at {where}"
        if saved["vector"] == 14:
            kind = "write to" if saved["error"] & 2 else "read of"
            seen = f"page fault: {kind} {scene.argument(1):#x} at {where}"
        raise Fail(WRONG, expected=f"{name}() runs in ring 3", seen=seen,
                   cause="ring 3 sees only the pages of its own address space, with its own rights.")
