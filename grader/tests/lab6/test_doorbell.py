"""Exercise 6.5: a doorbell when it is needed, and only then."""

from grader.explore.explore import explore
from grader.explore.ringregion import traffic_region
from grader.explore.rings import DOORBELL, LIES, MASKED, PUSHED, SEQUENCE, WORDS, RingScene
from grader.explore.scene import DISPATCH, flags_for
from grader.verdict import WRONG, Fail

SLOTS = 8
ROUNDS = 6
SCHEDULES = 40
SAID = ("RING_FULL", "RING_PUSHED", "RING_DOORBELL")


class Doorbell(RingScene):
    """A ring into which one descriptor after the other goes, each of no bytes."""

    def __init__(self, cell):
        super().__init__(cell)
        self.made(SLOTS, WORDS - 3)         # counts that wrap
        self.handle = self.grant(0, 64)
        self.number = 0

    def push_one(self, when: str, *wanted: int, cpu: int = 0) -> None:
        """Pushes; ring_push() must say one of these."""
        self.describe([(self.handle, 0, 0, self.random.getrandbits(32))])
        self.push(cpu=cpu)
        seen = self.said(0)
        if seen not in wanted:
            word = SAID[seen] if 0 <= seen < len(SAID) else str(seen)
            raise Fail(WRONG, expected=f"ring_push() says {' or '.join(SAID[n] for n in wanted)} "
                       f"{when}", seen=word)

    def check_armed(self, wanted: bool, when: str) -> None:
        """ring_layout's word, which ring_push() looks at."""
        if self.armed() != wanted:
            raise Fail(WRONG, expected=f"{'a' if wanted else 'no'} doorbell is asked for {when}",
                       seen="the word for it says the opposite")

    def take(self, wanted: int, budget: int = SLOTS) -> None:
        taken = self.drain(budget)
        if taken != wanted:
            raise Fail(WRONG, expected=f"ring_drain() takes {wanted} descriptors", seen=str(taken))

    def may_leave(self, wanted: bool, when: str) -> None:
        seen = self.arm()
        if seen != wanted:
            raise Fail(WRONG, expected=f"ring_arm() is {str(wanted).lower()} {when}",
                       seen=str(seen).lower())


def test_suppressed(cell):
    """A new ring asks for one; from a drain on nobody does, until the kernel goes to sleep."""
    scene = Doorbell(cell)
    scene.check_armed(True, "in a new ring")
    for _ in range(ROUNDS):
        scene.push_one("when the kernel sleeps", DOORBELL)
        more = scene.random.randrange(3)
        for _ in range(more):               # each of them may ring, until somebody drains
            scene.push_one("when the kernel sleeps", PUSHED, DOORBELL)
        while_it_drains(scene, more + 1)
        for _ in range(scene.random.randrange(3)):
            scene.push_one("between ring_drain() and ring_arm()", PUSHED)
        scene.drain()
        scene.take(0)
        scene.push_one("behind a ring_drain() that took nothing", PUSHED)
        scene.take(1)
        scene.may_leave(True, "when nothing waits")
        scene.check_armed(True, "once ring_arm() was true")
        scene.take(0)
        scene.check_armed(False, "behind a ring_drain() that took nothing, though ring_arm() was true "
                          "before it")
        scene.may_leave(True, "when nothing waits")
        scene.take(0, budget=0)
        scene.check_armed(False, "behind a ring_drain() with a budget of 0")
        scene.may_leave(True, "when nothing waits")
        scene.check_armed(True, "once ring_arm() was true")


def while_it_drains(scene, waiting):
    """CPU 1 drains; whenever its sink has something, CPU 0 puts in another one."""
    scene.m.start(1, "probe_drain", SLOTS, 1, flags=flags_for(DISPATCH, True))
    for number in range(waiting):
        scene.run_cpu(1, "probe_sunk", f"ring_drain() takes descriptor {number} of {waiting}")
        scene.check_armed(False, "while the kernel drains")
        if number < 2:
            scene.push_one("while the kernel drains", PUSHED)
    scene.run_cpu(1, "probe_returned", "ring_drain() returns")


def test_arm(cell):
    """It is true when nothing waits, and when the program's count cannot be; else not."""
    scene = Doorbell(cell)
    for _ in range(ROUNDS):
        waiting = scene.random.randrange(1, scene.form.room(SLOTS))
        scene.take(0)
        for _ in range(waiting):
            scene.push_one("behind ring_drain()", PUSHED)
        scene.may_leave(False, f"when {waiting} wait")
        scene.check_armed(False, "once ring_arm() was false")
        scene.push_one("once ring_arm() was false", PUSHED)
        scene.take(waiting, budget=waiting)
        scene.may_leave(False, "when one waits")
        scene.take(1)
        scene.may_leave(True, "when nothing waits")
        scene.check_armed(True, "once ring_arm() was true")
    stays(scene)
    lying(scene)


def stays(scene):
    """The level and IF stay as they are: nothing waits, and then one descriptor does."""
    scene.check_stays("ring_arm", low=DISPATCH)
    scene.check_stays("ring_drain", 1, low=DISPATCH)
    scene.push_one("behind ring_drain()", PUSHED)
    scene.check_stays("ring_arm", low=DISPATCH)
    scene.check_stays("ring_drain", 1, low=DISPATCH)


def lying(scene):
    """A count that cannot be: the kernel may sleep, and asks to be woken."""
    form, m = scene.form, scene.m
    if form.kind == SEQUENCE:
        return                              # there is no such count
    right = m.u32(scene.user + form.produced)
    for _ in range(ROUNDS):
        count = scene.random.randrange(SLOTS if form.kind == MASKED else SLOTS + 1, WORDS)
        wrong = count if form.kind == MASKED else (right + count) % WORDS
        m.write_u32(scene.user + form.produced, wrong)
        taken = scene.drain()
        if taken != LIES:
            raise Fail(WRONG, expected=f"a count of {wrong:#x} where the kernel's is {right:#x}: "
                       "RING_LIES", seen=f"ring_drain() gives {taken}")
        scene.check_armed(False, "behind a ring_drain() that gave RING_LIES, until ring_arm()")
        scene.may_leave(True, "when the program's count cannot be")
        scene.check_armed(True, "once ring_arm() was true")
        m.write_u32(scene.user + form.produced, right)
    scene.push_one("when the kernel sleeps", DOORBELL)
    scene.take(1)


def test_awake(cell):
    """CPU 0 puts in while CPU 1 drains, arms and goes: one of them sees the other."""
    first = None
    for name, count, armed in (("the kernel goes to sleep", 1, False),
                               ("a new ring", 2, True),
                               ("the kernel goes to sleep, two come", 2, False)):
        region = traffic_region(RingScene(cell), name, 4, count, ("probe_serve", 4), armed=armed,
                                doorbell=True)
        explore(region, most=SCHEDULES, pct=6, walks=6, like=first)
        first = first or region
        cell.park()
