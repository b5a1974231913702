"""The phases of a request as an SVG: one bar, divided by their shares, with a legend."""

from collections.abc import Mapping
from html import escape

WIDTH, BAR, LINE = 900, 36, 22
STYLE = 'font-family="sans-serif" font-size="12" fill="#222"'
COLORS = ("#2f5d8a", "#5b8fc0", "#3b7a57", "#7fb58f", "#b3412e", "#d98f45", "#777777")


def plot(phases: Mapping[str, float]) -> str:
    total, x = sum(phases.values()), 0.0
    title = f"A cached GET through the Lambda handler: {total:.0f} µs"
    height = 44 + BAR + 16 + LINE * len(phases)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH + 16}" height="{height}" {STYLE}>',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="8" y="20" font-size="14">{title}</text>',
    ]
    for number, ((name, micros), color) in enumerate(zip(phases.items(), COLORS, strict=True)):
        width, y = WIDTH * micros / total, 44 + BAR + 16 + LINE * number
        label = f"{name}: {micros:.0f} µs, {micros / total:.0%}"
        parts += [
            f'<rect x="{8 + x:.1f}" y="36" width="{width:.1f}" height="{BAR}" fill="{color}"/>',
            f'<rect x="8" y="{y}" width="12" height="12" fill="{color}"/>',
            f'<text x="26" y="{y + 11}">{escape(label)}</text>',
        ]
        x += width
    return "\n".join([*parts, "</svg>\n"])
