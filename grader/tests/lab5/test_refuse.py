"""Exercise 5.6: calls that could wait forever are refused, and no others."""

from grader.explore.ipis import NEW_CODE, NOP, OLD_CODE, Turns
from grader.explore.scene import flags_for
from grader.verdict import WRONG, Fail

WHERE = (("with interrupts off", 0), ("at IPI_LEVEL", flags_for(14, True)),
         ("at HIGH_LEVEL", flags_for(15, True)), ("with interrupts off at IPI_LEVEL", flags_for(14)),
         ("with interrupts off at DISPATCH_LEVEL", flags_for(2)))
POKE_TOO = (("above DISPATCH_LEVEL", flags_for(3, True)), ("at CLOCK_LEVEL", flags_for(13, True)))
FUNCTIONS = ("probe_call", "probe_two_phase", "probe_patch", "probe_poke")
SITES = {"probe_patch": "probe_patch_site", "probe_poke": "probe_poke_site"}


def codes(scene, function):
    """What such a function writes: first the new code, then the old one."""
    return {"probe_patch": (NEW_CODE, OLD_CODE), "probe_poke": (scene.jump(), NOP)}.get(
        function, (b"", b""))


def check_code(scene, function, code):
    """Fails unless this is what is there."""
    seen = scene.m.read(SITES[function], len(code)) if function in SITES else b""
    if function in SITES and seen != code:
        raise Fail(WRONG, expected=f"the code is {code.hex(' ')}", seen=seen.hex(" "))


def refused(scene, function, words, flags):
    """It is false, and nobody is asked."""
    scene.forget()
    with scene.told(f"it is to be refused {words}"):
        scene.check_keeps(0, function, level=flags >> 8, interrupts=bool(flags & 1))
    if scene.m.result(0) & 0xFF:
        raise Fail(WRONG, expected=f"{function.replace('probe_', '')} is refused {words}",
                   seen="it was done")
    for cpu in scene.others:
        if scene.give(cpu, "kintr"):
            raise Fail(WRONG, expected=f"nothing is sent by a call that is refused {words}",
                       seen=f"an interrupt came to CPU {cpu}")


def done(scene, function, at):
    """It is done: the level is low enough, and interrupts are on."""
    scene.forget()
    words = scene.fresh_words()
    scene.m.start(0, function, flags=flags_for(at, True))
    scene.returned(0)
    if not scene.m.result(0) & 0xFF:
        raise Fail(WRONG, expected=f"{function.replace('probe_', '')} is done at level {at} with "
                   "interrupts on", seen="it was refused")
    scene.check_level(0, at)
    if function in ("probe_call", "probe_two_phase"):
        scene.check_got(words, *scene.cpus)


def test_refused(cell):
    """Interrupts off, or a level that keeps IPIs away: false.  At any other level it is done."""
    scene = Turns(cell)
    scene.rest(*scene.others)
    for function in FUNCTIONS:
        new, old = codes(scene, function)
        for at in (0, 2) if function == "probe_poke" else (0, 2, 11, 13):
            for code in (old, new):
                scene.code(code)
                done(scene, function, at)
                check_code(scene, function, code)
        scene.code(old)
        for words, flags in WHERE + (POKE_TOO if function == "probe_poke" else ()):
            refused(scene, function, words, flags)
            check_code(scene, function, new)
        done(scene, function, 0)        # what was refused has left nothing behind
        check_code(scene, function, old)
    scene.without(*scene.others)        # whether somebody is there to answer does not matter
    for words, flags in WHERE:
        refused(scene, "probe_call", words, flags)
