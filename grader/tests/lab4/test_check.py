"""x"""


def test_recursion(cell):
    pass


def test_owner_and_level(cell):
    pass


def test_stuck(cell):
    pass
