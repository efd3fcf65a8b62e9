"""docs/faults.md and the tests it is written from."""

from tests import fault_table


def test_the_page_is_what_the_tests_say():
    assert fault_table.PAGE.read_text(encoding="utf-8") == fault_table.page(), "run: python -m tests.fault_table"


def test_every_row_is_made_to_happen():
    tests = fault_table.marked()
    assert set(fault_table.ROWS) - set(tests) == set(fault_table.OPEN)
    assert set(tests) <= set(fault_table.ROWS)
