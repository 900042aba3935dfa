"""What the tests of the report's page share beside the fixtures of conftest.py."""

WIDTHS = (390, 1280, 2560)


def draw_everything(page):
    page.evaluate("redraw(true)")
