"""x"""


def test_lines(cell):
    pass
