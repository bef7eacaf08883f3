"""x"""


def test_tas_alone(cell):
    pass


def test_tas_waits(cell):
    pass


def test_tas_reads(cell):
    pass


def test_ticket_many(cell):
    pass


def test_ticket_waits(cell):
    pass


def test_ticket_order(cell):
    pass
