"""Exercise 6.2: descriptors in at one end, out at the other."""

from grader.explore.rings import FULL, RingScene
from grader.verdict import WRONG, Fail


def test_through(cell):
    """Batches of any size come out whole and in order."""
    scene = RingScene(cell)
    scene.made(8)
    data = scene.fill()
    handle = scene.grant(0, len(data))
    room = scene.form.room(8)
    for batch in (1, room, 3, room - 1, 2, room):
        wanted, expected = [], []
        for _ in range(batch):
            length = scene.random.randrange(65)
            offset = scene.random.randrange(len(data) - length)
            cookie = scene.random.getrandbits(32)
            wanted.append((handle, offset, length, cookie))
            expected.append(scene.good(data[offset:offset + length], cookie))
        scene.describe(wanted)
        scene.forget()
        if scene.push(0, batch) != batch:
            raise Fail(WRONG, expected=f"a ring of 8 slots, empty, has room for {batch} descriptors",
                       seen="it is full")
        taken = scene.drain()
        if taken != batch:
            raise Fail(WRONG, expected=f"ring_drain() takes {batch} descriptors", seen=str(taken))
        scene.check_sunk(expected)


def test_full(cell):
    """A ring of any size holds what it can hold, and then says that it is full."""
    for slots in (1, 2, 4, 8, 64):
        scene = RingScene(cell)
        if slots == scene.form.room(slots) or slots > 1:
            check_full(scene, slots)
        cell.park()


def check_full(scene, slots):
    scene.made(slots)
    room = scene.form.room(slots)
    scene.describe([(0, 0, 0, n) for n in range(room + 1)])
    seen = scene.push(0, room + 1)
    if seen != room or scene.said(room) != FULL:
        raise Fail(WRONG, expected=f"a ring of {slots} slots holds {room} descriptors", seen=str(seen))
