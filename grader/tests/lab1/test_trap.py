"""Exercise 1.3: ring 3 faults, traps, or asks for something."""

from grader.explore.registers import DF, IF, USER_DS
from grader.explore.scene import SUBJECT, Scene
from grader.verdict import WRONG, Fail

KERNEL_DS = 0x10
BEYOND = 0x7A68     # a selector beyond the GDT; as an error code it has more than 8 bits

# The checker's instruction, its vector, its error code, registers that make it trap, and whether
# the saved IP is that of the next instruction.
TRAPS = (
    ("divide", 0, 0, {"rcx": 0, "ecx": 0}, False),
    ("breakpoint", 3, 0, {}, True),
    ("opcode", 6, 0, {}, False),
    ("protection", 13, BEYOND, {"rcx": BEYOND | 3, "ecx": BEYOND | 3}, False),
    ("syscall", 0x80, 0, {}, True),
)
UNMAPPED = 0x7000_1000
ENOSYS = -38


def trapped(scene, name, **fixed):
    """Ring 3 at one of the checker's traps, run into ktrap()."""
    regs = scene.layout.random_program(scene.random, scene.checker.address(f"checker_{name}"),
                                       **{k: v for k, v in fixed.items()
                                          if k in scene.layout.names})
    scene.enter(regs)
    place = scene.user_place("ring 3 was at")
    scene.run_to_trap("ktrap() called within the budget", at=place)
    return regs, place


def test_error_codes(cell):
    """Five traps, one with an error code of the hardware's: one layout for all, and C's state."""
    for name, vector, error, needs, after in TRAPS:
        scene = Scene(cell)
        scene.tss()
        scene.present()
        empty = {"ds": 0, "es": 0} if cell.width == 32 else {}
        regs, place = trapped(scene, name, **needs, **empty, flags=2 | IF | DF)
        saved = scene.saved(scene.argument(0))
        if after:
            regs["ip"] = scene.checker.address(f"checker_{name}_next")
        scene.check_saved(saved, regs, "struct regs as ktrap() got it", at=place)
        if (saved["vector"], saved["error"]) != (vector, error):
            raise Fail(WRONG, expected=f"vector {vector:#x}, error code {error:#x}",
                       seen=f"vector {saved['vector']:#x}, error code {saved['error']:#x}",
                       at=place)
        scene.check_c("ktrap", at=place)
        now = scene.m.regs(SUBJECT)
        for segment in empty:
            if getattr(now, segment) != KERNEL_DS:
                raise Fail(WRONG, expected=f"{segment.upper()} = {KERNEL_DS:#x} in ktrap()",
                           seen=f"{getattr(now, segment):#x}, ring 3's", at=place)
        scene.check_kernel_stack("ktrap", at=place)
        scene.check_canaries(at=place)
        cell.park()


def test_page_fault(cell):
    """The address that faulted is the second argument, and stays it; also that of a jump."""
    scene = Scene(cell)
    scene.tss()
    scene.present()
    address = UNMAPPED + scene.random.randrange(0, 0x1000)
    # With an empty DS it would be a general protection fault, though not in QEMU.
    regs, place = trapped(scene, "page", rbx=address, ebx=address, ds=USER_DS)
    cr2, saved = scene.argument(1), scene.saved(scene.argument(0))
    if cr2 != address:
        raise Fail(WRONG, expected=f"cr2 = {address:#x} as ktrap()'s second argument",
                   seen=f"{cr2:#x}", at=place,
                   cause="CR2 holds the last page fault's address only until the next one.")
    if (saved["vector"], saved["error"]) != (14, 4):
        raise Fail(WRONG, expected="vector 0xe, error code 0x4 (a read by ring 3)",
                   seen=f"vector {saved['vector']:#x}, error code {saved['error']:#x}", at=place)
    scene.check_saved(saved, regs, "struct regs as ktrap() got it", at=place)
    cell.park()
    _jump_into_the_kernel(Scene(cell))


def _jump_into_the_kernel(scene):
    """Ring 3 jumps to an address of the kernel: IP is the kernel's, and CS is ring 3's."""
    scene.tss()
    scene.present()
    regs = scene.layout.random_program(scene.random, scene.sled(7))
    scene.enter(regs)
    place = scene.user_place("ring 3 was at")
    regs["ip"] = scene.m.elf.address("user_iret")
    place.note = "ring 3, which then jumped to the kernel's user_iret"
    scene.jump(regs["ip"])
    scene.run_to_trap("ktrap() called within the budget", at=place)
    scene.check_kernel_stack(
        "ktrap", at=place, cause="ring 3 may jump to any address: only CS says which ring it was.")
    cr2, saved = scene.argument(1), scene.saved(scene.argument(0))
    if (cr2, saved["vector"]) != (regs["ip"], 14):
        raise Fail(WRONG, expected=f"vector 0xe, cr2 = {regs['ip']:#x}",
                   seen=f"vector {saved['vector']:#x}, cr2 = {cr2:#x}", at=place)
    scene.check_saved(saved, regs, "struct regs as ktrap() got it", at=place)
    scene.check_c("ktrap", at=place)


def test_resumed(cell):
    """After each trap, and after a system call, ring 3 goes on as if nothing had been."""
    result = "rax" if cell.width == 64 else "eax"
    for name, _, _, needs, after in TRAPS:
        scene = Scene(cell)
        scene.tss()
        scene.present()
        call = name == "syscall"
        # The kernel skips a fault's instruction; a trap's saved IP is behind it, so one NOP more.
        skip = scene.trap_size(name) if not after else 1
        scene.m.write_u32("probe_trap_skip", skip)
        unknown = {result: scene.random.randrange(0x1000, 1 << 31)} if call else {}
        expected, place = trapped(scene, name, **(needs | unknown))
        expected["ip"] = scene.checker.address(f"checker_{name}_next") + (after and not call)
        if call:
            expected[result] = ENOSYS & ((1 << cell.width) - 1)
        scene.run_to_leave(at=place)
        scene.run_to(expected["ip"], "ring 3 again", at=place)
        scene.check_user(expected, at=place)
        scene.check_canaries(at=place)
        cell.park()
