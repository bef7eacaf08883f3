"""Exercise 5.6: calls that could wait forever are refused."""

from grader.explore.ipis import ON, Turns, level
from grader.verdict import WRONG, Fail

WHERE = (("with interrupts off", 0), ("at IPI_LEVEL", ON | level(14)),
         ("at HIGH_LEVEL", ON | level(15)), ("with interrupts off at IPI_LEVEL", level(14)))
FUNCTIONS = ("probe_call", "probe_two_phase", "probe_patch", "probe_poke")


def test_refused(cell):
    """Interrupts off, or a level that keeps IPIs away: false, and nobody is asked."""
    scene = Turns(cell)
    scene.rest(*scene.others)
    scene.code(scene.m.read("probe_poke_site", 5))
    for words, flags in WHERE:
        for function in FUNCTIONS:
            scene.forget()
            if scene.m.call(0, function, flags=flags) & 0xFF:
                raise Fail(WRONG, expected=f"{function.replace('probe_', '')} is refused {words}",
                           seen="it was done")
            for cpu in scene.others:
                if scene.give(cpu, "kintr"):
                    raise Fail(WRONG, expected=f"nothing is sent by a call that is refused {words}",
                               seen=f"an interrupt came to CPU {cpu}")
