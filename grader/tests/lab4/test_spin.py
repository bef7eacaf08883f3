"""x"""


def test_levels(cell):
    pass


def test_waits(cell):
    pass


def test_interrupt(cell):
    pass


def test_waiting_level(cell):
    pass
