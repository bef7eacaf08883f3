"""x"""


def test_alone(cell):
    pass


def test_waits(cell):
    pass


def test_order(cell):
    pass


def test_nested(cell):
    pass


def test_between(cell):
    pass
