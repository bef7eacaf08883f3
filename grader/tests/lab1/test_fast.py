"""Bonus 1.8: SYSCALL in 64 bits, SYSENTER in 32."""

from grader.explore.registers import DF, IF, NT
from grader.explore.scene import SUBJECT, Scene
from grader.verdict import WRONG, Fail

ENOSYS = -38


def test_fast_call(cell):
    """An unknown call: -ENOSYS comes back, with every register that the ABI keeps."""
    scene = Scene(cell)
    scene.tss()
    scene.present()
    start = scene.checker.address("checker_fast")
    after = scene.checker.address("checker_fast_next")
    regs = scene.layout.random_program(scene.random, start, flags=2 | IF | DF | NT)
    expected = dict(regs, ip=after)
    if cell.width == 64:
        regs["rax"] = scene.random.randrange(0x1000, 1 << 31)
        expected = dict(regs, ip=after, rcx=after, r11=regs["flags"],
                        rax=ENOSYS & ((1 << 64) - 1))
    else:
        regs |= {"eax": scene.random.randrange(0x1000, 1 << 31), "ecx": regs["sp"], "edx": after}
        expected = dict(regs, ip=after, eax=ENOSYS & ((1 << 32) - 1))
    scene.enter(regs)
    place = scene.user_place("ring 3 was at")
    scene.run_to("ksyscall", "ksyscall() called within the budget", at=place)
    scene.check_kernel_stack("ksyscall", at=place)
    if scene.m.regs(SUBJECT).flags & (DF | NT):
        raise Fail(WRONG, expected="DF = 0 and NT = 0 in ksyscall()", seen="ring 3's flags", at=place,
                   cause="SYSENTER clears IF alone: C wants DF clear, and IRET returns from a task "
                         "if NT is set.")
    scene.check_c("ksyscall", at=place)
    saved = scene.saved(scene.argument(0))
    mine = {name: value for name, value in regs.items() if name not in ("ip",)}
    scene.check_saved(saved, mine | {"ip": after}
                      if cell.width == 32 else mine | {"ip": after, "rcx": saved["rcx"],
                                                       "r11": saved["r11"]},
                      "struct regs as ksyscall() got it", at=place)
    scene.run_to(after, "ring 3 again", at=place)
    scene.check_user({name: value for name, value in expected.items()
                      if name not in ("rcx", "r11")}, at=place)
    scene.check_canaries(at=place)
