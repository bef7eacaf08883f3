def test_kinds(cell):
    pass
