"""x"""


def test_try(cell):
    pass
