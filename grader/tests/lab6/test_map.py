"""Exercise 6.1: the three pages of a ring."""

from grader.explore.rings import DATA, KERNEL, PAGES, USER, RingScene
from grader.verdict import WRONG, Fail

RIGHTS = {USER: "rw", KERNEL: "r", DATA: "rw"}


def test_pages(cell):
    """Each is there, with the rights of the contract, and is the page that the kernel looks at."""
    scene = RingScene(cell)
    scene.made(8)
    for address, at in ((USER, scene.user), (KERNEL, scene.kernel), (DATA, scene.data)):
        seen = scene.mapped(address)
        if seen is None:
            raise Fail(WRONG, expected=f"{PAGES[address]} is mapped for ring 3", seen="it is not")
        if seen[1] != RIGHTS[address]:
            raise Fail(WRONG, expected=f"{PAGES[address]}: {RIGHTS[address]}", seen=seen[1])
        mark = scene.random.randbytes(16)
        scene.m.write(at, mark)
        if scene.m.read_physical(seen[0], 16) != mark:
            raise Fail(WRONG, expected=f"ring 3 and the kernel see one page at {PAGES[address]}",
                       seen="two")
