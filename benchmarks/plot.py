"""Cost against size as an SVG: both axes in powers of ten, one line for each thing, and what grows with the rows."""

from collections.abc import Mapping, Sequence
from html import escape
from math import log10

Line = Sequence[tuple[float, float]]

WIDTH, HEIGHT = 860, 480
LEFT, TOP, RIGHT, BOTTOM = 60, 40, 600, 430
# Told apart also without colours, by their dashes.
COLOURS = ["#0b5cad", "#b3261e", "#1b7f3b", "#8a4fbf", "#b26a00", "#00737a", "#7a3b00", "#555555"]
DASHES = ["", "7 3", "2 3", "9 3 2 3"]


def plot(title: str, lines: Mapping[str, Line], linear: str = "linear: grows with the rows") -> str:
    """The picture of {name: [(size, cost)]}, each relative to its first point, so that all begin at 1x and 1."""
    relative = {name: relative_to_first(line) for name, line in lines.items() if line}
    sizes = [size for line in relative.values() for size, _cost in line]
    costs = [cost for line in relative.values() for _size, cost in line]
    right = max([10.0, *sizes])
    lowest, highest = min([0.1, *costs]), max([right, *costs])

    def place(size: float, cost: float) -> tuple[float, float]:
        x = LEFT + (RIGHT - LEFT) * log10(size) / log10(right)
        y = BOTTOM - (BOTTOM - TOP) * log10(cost / lowest) / log10(highest / lowest)
        return round(x, 1), round(y, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="22" font-size="15">{escape(title)}</text>',
    ]
    for size in powers_of_ten(1, right):
        x, _y = place(size, lowest)
        parts.append(f'<path d="M{x} {TOP}V{BOTTOM}" stroke="#ddd"/>')
        parts.append(f'<text x="{x}" y="{BOTTOM + 18}" text-anchor="middle">{size:g}x rows</text>')
    for cost in powers_of_ten(lowest, highest):
        _x, y = place(1, cost)
        parts.append(f'<path d="M{LEFT} {y}H{RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{cost:g}</text>')
    parts += drawn(linear, [place(1, 1), place(right, right)], "#999", "4 4", 0)
    for number, (name, line) in enumerate(relative.items()):
        colour, dashes = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
        label = f"{name}: {line[-1][1]:.3g} at {line[-1][0]:g}x"
        parts += drawn(label, [place(*point) for point in line], colour, dashes, number + 1)
    return "\n".join([*parts, "</svg>", ""])


def relative_to_first(line: Line) -> Line:
    (first_size, first_cost), *_rest = sorted(line)
    return [(size / first_size, cost / first_cost) for size, cost in sorted(line)]


def powers_of_ten(least: float, most: float) -> list[float]:
    return [10.0**power for power in range(-6, 9) if least * 0.999 <= 10.0**power <= most * 1.001]


def drawn(name: str, points: Line, colour: str, dashes: str, row: int) -> list[str]:
    """A line with its row in the legend."""
    path = "L".join(f"{x} {y}" for x, y in points)
    style = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"'
    dots = [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in points] if row else []
    y = TOP + 10 + 22 * row
    legend = [
        f'<path d="M{RIGHT + 14} {y}h24" {style}/>',
        f'<text x="{RIGHT + 44}" y="{y + 4}">{escape(name)}</text>',
    ]
    return [f'<path d="M{path}" {style}/>', *dots, *legend]
