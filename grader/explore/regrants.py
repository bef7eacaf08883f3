"""A buffer that is given back and granted anew while a drain is under way on another CPU.

The drain may take the old buffer or the new one, or refuse; what it hands on are bytes of RING_DATA.
"""

from __future__ import annotations

from grader.explore.hostile import HostileScene
from grader.explore.rings import BUFFERS, DATA_SIZE, WORDS, fnv, say
from grader.explore.scene import DISPATCH, flags_for
from grader.explore.sweep import Event, at_accesses, labs_own, sweep, trace
from grader.verdict import WRONG, Fail

SLOTS, BUDGET = 4, 1
SUBJECT, OTHER = 0, 1                       # CPUs: who is swept, and who comes in between
LENGTH = 104                                # bytes that the descriptor names, from the first on
WHOLE, END = (0, DATA_SIZE), (DATA_SIZE - 96, 96)       # of one's bytes, so many are not in the other
AT_DISPATCH = flags_for(DISPATCH, True)


def check_regrants(cell) -> None:
    """The large buffer's place becomes the small one's, and the other way round."""
    for sweeps in (_while_it_drains, _while_it_is_granted):
        for old, new in ((WHOLE, END), (END, WHOLE)):
            cell.park()
            sweeps(HostileScene(cell), old, new)


def _while_it_drains(scene: HostileScene, old, new) -> None:
    """Before each access of a drain the buffer that it looks at is granted anew."""
    peer = scene.ready(SLOTS, WORDS - 3, [old])
    handle = list(peer.buffers)[0]
    _put(scene, handle)
    scene.start_drain(BUDGET)
    _swept(scene, f"drain, {_words(old)} granted anew as {_words(new)}", "ring_drain() comes back",
           lambda: scene.m.start(OTHER, "probe_regrant", handle, *new, flags=AT_DISPATCH),
           "another grant in this buffer's place")


def _while_it_is_granted(scene: HostileScene, old, new) -> None:
    """Before each access of a grant a drain meets a descriptor that names it already."""
    scene.ready(SLOTS, WORDS - 3, [(0, 16)] * (BUFFERS - 1) + [old])
    handles = list(scene.peer.buffers)
    scene.revoke(handles[-1])
    before = scene.m.snapshot()
    handle = scene.grant(*new)              # as it will be once more: a program can guess it, too
    scene.m.restore(before)
    _put(scene, handle % WORDS)
    scene.forget()
    scene.m.start(SUBJECT, "ring_grant", scene.ring, *new, flags=AT_DISPATCH)
    _swept(scene, f"grant of {_words(new)}, where {_words(old)} were", "ring_grant() comes back",
           lambda: scene.m.start(OTHER, "probe_drain", BUDGET, 1, flags=AT_DISPATCH),
           "drain of a descriptor with this handle")


def _words(buffer: tuple[int, int]) -> str:
    return f"{buffer[1]} bytes from {buffer[0]}"


def _put(scene: HostileScene, handle: int) -> None:
    """One descriptor waits."""
    peer = scene.peer
    peer.put(peer.next, (handle, 0, LENGTH, scene.random.getrandbits(32)))
    peer.publish(peer.next + 1)
    scene.show()


def _swept(scene: HostileScene, name: str, expected: str, begin, words: str) -> None:
    """The subject is about to be called; `begin` starts the other CPU's call."""
    m, start, inside = scene.m, scene.m.snapshot(), _windows(scene.peer.data)
    path = trace(scene, name, [m.elf.address("probe_returned")], expected)
    path = at_accesses(scene, labs_own(scene, path))
    m.restore(start)
    over = [False]

    def comes():
        begin()
        over[0] = scene.comes_back(OTHER)

    def finish():
        scene.run_to("probe_returned", expected)
        if not over[0]:
            scene.run_cpu(OTHER, "probe_returned", f"the {words} comes to an end")
        _check(scene, inside)

    sweep(scene, start, path, Event(comes, words, 0, masked=False, noun="grants and drains"), finish)
    scene.cell.park()


def _check(scene: HostileScene, inside: set[int]) -> None:
    """What the sink got, if anything, is in RING_DATA."""
    for each in scene.sunk():
        if each.good and (each.length != LENGTH or each.hash not in inside):
            raise Fail(WRONG, expected=f"ring_sink() gets {LENGTH} bytes of RING_DATA, or it is refused",
                       seen=say(each) + ", which are not all in it",
                       cause="offset and length are of two buffers, the one that was given back and the "
                             "one that was granted: together they lead out of the page.")


def _windows(data: bytes) -> set[int]:
    """The hash of each LENGTH bytes that are all in RING_DATA."""
    return {fnv(data[first:first + LENGTH]) for first in range(len(data) - LENGTH + 1)}
