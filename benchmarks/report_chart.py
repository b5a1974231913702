"""The report as an SVG bar chart: a bar for each ratio and a mark for its limit."""

from html import escape

from benchmarks.harness import Row

LABELS, BARS, LINE, TOP = 640, 420, 20, 44
MAX_BAR_RATIO = 1.6
"""Longer bars are cut here. The number beside the bar is exact."""

GOOD, BAD, INK = "#3b7a57", "#b3412e", "#222"


TITLE = "Ratio of this service to its peers. A mark is a maximum (gray) or minimum (black)."


def plot(rows: list[Row]) -> str:
    width, height = LABELS + BARS + 70, TOP + LINE * len(rows) + 16
    style = f'font-family="sans-serif" font-size="12" fill="{INK}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" {style}>',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="8" y="20" font-size="14">{TITLE}</text>',
    ]
    for number, row in enumerate(rows):
        parts += bar(row, TOP + LINE * number)
    return "\n".join([*parts, "</svg>\n"])


def bar(row: Row, y: int) -> list[str]:
    length, limit = (
        BARS * min(value, MAX_BAR_RATIO) / MAX_BAR_RATIO for value in (row.ratio, row.limit or 0)
    )
    label = f"{row.figure} / {row.peer}"
    fill, mark = GOOD if row.is_within_limit else BAD, INK if row.at_least else "#999"
    fitted = f'textLength="{LABELS - 16}" lengthAdjust="spacingAndGlyphs"' if len(label) > 105 else ""
    end = max(length, limit)
    mark_line = f'<rect x="{LABELS + limit - 1:.0f}" y="{y}" width="2" height="16" fill="{mark}"/>'
    return [
        f'<text x="{LABELS - 8}" y="{y + 12}" text-anchor="end" {fitted}>{escape(label)}</text>',
        f'<rect x="{LABELS}" y="{y + 2}" width="{length:.0f}" height="12" fill="{fill}"/>',
        mark_line if row.limit else "",
        f'<text x="{LABELS + end + 6:.0f}" y="{y + 12}">{row.ratio:.2f}</text>',
    ]
