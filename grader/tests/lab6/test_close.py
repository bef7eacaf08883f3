def test_close(cell): pass
def test_after(cell): pass
