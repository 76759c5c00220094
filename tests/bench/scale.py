#!/usr/bin/env python3
"""How time and memory of lre-audit grow with what it audits.

  scale.py LRE_AUDIT OUTPUT [LARGEST]

Audits synthetic stores, images, trees and closures of growing size (synthetic.py) and writes
OUTPUT/scale.csv and OUTPUT/scale.svg. LARGEST (1) scales all sizes down: 0.1 for a tenth.

For each series the exponent of its growth is printed: the slope of a line through the last three
sizes, both axes logarithmic. 1 is linear; what a program costs at its start makes it less.
"""
import csv
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GENERATOR = Path(__file__).parent / "synthetic.py"


class Series:
    def __init__(self, name, unit, sizes, make, command):
        self.name, self.unit, self.sizes = name, unit, sizes
        self.make, self.command = make, command  # (directory, size) each
        self.rows = []  # (size, wall seconds, CPU seconds, peak MiB)

    def exponent(self, column):
        points = [(math.log(row[0]), math.log(max(row[column], 1e-3))) for row in self.rows[-3:]]
        if len(points) < 2:
            return math.nan
        mean_x, mean_y = (sum(p[i] for p in points) / len(points) for i in (0, 1))
        return (sum((x - mean_x) * (y - mean_y) for x, y in points) /
                sum((x - mean_x) ** 2 for x, _ in points))


def generate(*words):
    # In a process of its own: what a process takes counts for the peak of those that it starts.
    subprocess.run([sys.executable, GENERATOR, *map(str, words)], check=True)


def all_series():
    reference = lambda directory: f"oci:{directory}/image:scale"

    def closure(directory, edges, name):
        generate("image", directory / "image", 1, 400, "none")
        generate("closure", directory / name, max(edges // 20, 20), edges)

    return [
        Series("a store, contents verified", "store paths", [1000, 3000, 10_000, 30_000, 100_000],
               lambda d, n: generate("store", d / "root", n),
               lambda d: ["store", "--root", d / "root", "--no-cache"]),
        Series("a store, names alone", "store paths", [1000, 3000, 10_000, 30_000, 100_000],
               lambda d, n: generate("store", d / "root", n),
               lambda d: ["store", "--root", d / "root", "--no-contents"]),
        Series("an image of one layer", "files", [10_000, 30_000, 100_000, 300_000, 1_000_000, 2_000_000],
               lambda d, n: generate("image", d / "image", 1, n, "zstd"),
               lambda d: ["image", reference(d), "--no-cache"]),
        Series("an image of many layers", "layers", [1, 3, 10, 30, 100],
               lambda d, n: generate("image", d / "image", n, n * 2000, "gzip"),
               lambda d: ["image", reference(d), "--no-cache"]),
        Series("files in directories", "files", [3000, 10_000, 30_000, 100_000, 300_000],
               lambda d, n: generate("tree", d / "tree", n),
               lambda d: ["image", f"rootfs:{d}/tree", "--no-cache"]),
        Series("nix path-info --json", "references", [1000, 10_000, 100_000, 300_000, 1_000_000],
               lambda d, n: closure(d, n, "closure.json"),
               lambda d: ["image", reference(d), "--closure", d / "closure.json", "--no-cache"]),
        Series("nix-store --dump-db", "references", [1000, 10_000, 100_000, 300_000, 1_000_000],
               lambda d, n: closure(d, n, "closure.dump"),
               lambda d: ["image", reference(d), "--closure", d / "closure.dump", "--no-cache"]),
    ]


def run(command):
    """(wall, CPU, peak MiB) of one run. 0 is clean, 1 findings; both are whole audits."""
    start = time.monotonic()
    process = subprocess.Popen([*map(str, command), "--quiet"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    complaint = process.stderr.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        sys.exit(f"{' '.join(map(str, command))} exited with {process.returncode}: {complaint[:500]}")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def remove(directory):
    # By programs of their own, too: a listing of 100,000 names would count for all that comes after.
    subprocess.run(["chmod", "-R", "u+w", directory], check=True)
    subprocess.run(["rm", "-rf", directory], check=True)


def measure(series, program, scratch, largest):
    print(f"\n{series.name}")
    print(f"  {series.unit:>12} {'wall s':>9} {'CPU s':>9} {'peak MiB':>9}")
    for size in sorted({max(1, round(size * largest)) for size in series.sizes}):
        directory = scratch / "made"
        directory.mkdir()
        series.make(directory, size)
        # The faster of two: the first one warms the caches.
        row = min(run([program, *series.command(directory)]) for _ in range(2))
        series.rows.append((size, *row))
        print(f"  {size:12,} {row[0]:9.2f} {row[1]:9.2f} {row[2]:9.1f}", flush=True)
        remove(directory)
    print(f"  grows with the power {series.exponent(2):.2f} in CPU time, {series.exponent(3):.2f} in memory")


# The plot: one row for each series, time on the left and memory on the right.
WIDTH, HEIGHT, MARGIN = 330, 190, 62
COLOURS = {"CPU": "#1f5fa8", "wall": "#d9822b", "memory": "#2b7a4b"}


def panel(series, columns, title, x, y):
    """SVG of one diagram with logarithmic axes, each spanning whole powers of ten."""
    xs = [row[0] for row in series.rows]
    values = [max(row[c], 1e-3) for row in series.rows for c, _ in columns]
    low_x, high_x = math.floor(math.log10(min(xs))), math.ceil(math.log10(max(xs)))
    low_y, high_y = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high_x, high_y = max(high_x, low_x + 1), max(high_y, low_y + 1)
    at_x = lambda v: x + (math.log10(v) - low_x) / (high_x - low_x) * WIDTH
    at_y = lambda v: y + HEIGHT - (math.log10(max(v, 1e-3)) - low_y) / (high_y - low_y) * HEIGHT
    out = [f'<text x="{x}" y="{y - 10}" font-weight="bold">{title}</text>',
           f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" fill="#fbfbfb" stroke="#999"/>']
    for power in range(low_x, high_x + 1):
        place = at_x(10 ** power)
        out.append(f'<line x1="{place:.1f}" y1="{y}" x2="{place:.1f}" y2="{y + HEIGHT}" stroke="#ddd"/>'
                   f'<text x="{place:.1f}" y="{y + HEIGHT + 15}" text-anchor="middle">{10 ** power:,}</text>')
    for power in range(low_y, high_y + 1):
        place = at_y(10 ** power)
        out.append(f'<line x1="{x}" y1="{place:.1f}" x2="{x + WIDTH}" y2="{place:.1f}" stroke="#ddd"/>'
                   f'<text x="{x - 6}" y="{place + 4:.1f}" text-anchor="end">{10.0 ** power:g}</text>')
    out.append(f'<text x="{x + WIDTH / 2}" y="{y + HEIGHT + 32}" text-anchor="middle">{series.unit}</text>')
    # What linear growth would be, from the last point back.
    last = series.rows[-1]
    column = columns[0][0]
    start = max(min(xs), last[0] * 10 ** low_y / max(last[column], 1e-3))
    out.append(f'<line x1="{at_x(start):.1f}" y1="{at_y(last[column] * start / last[0]):.1f}" '
               f'x2="{at_x(last[0]):.1f}" y2="{at_y(last[column]):.1f}" stroke="#888" stroke-dasharray="5 4"/>')
    for number, (column, name) in enumerate(columns):
        colour = COLOURS[name]
        points = [(at_x(row[0]), at_y(row[column])) for row in series.rows]
        out.append(f'<polyline points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in points)}" fill="none" '
                   f'stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in points]
        out.append(f'<text x="{x + 8}" y="{y + 18 + 15 * number}" fill="{colour}">{name}: power '
                   f'{series.exponent(column):.2f}</text>')
    return out


def plot(all_rows, file):
    row_height = HEIGHT + 90
    width, height = 2 * (WIDTH + MARGIN) + 50, len(all_rows) * row_height + 60
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
           'font-family="sans-serif" font-size="12">', '<rect width="100%" height="100%" fill="white"/>',
           '<text x="20" y="24" font-size="15">How lre-audit grows with what it audits '
           '(dashed: linear; power: slope over the last three sizes)</text>']
    for number, series in enumerate(all_rows):
        y = 70 + number * row_height
        out += panel(series, [(2, "CPU"), (1, "wall")], f"{series.name}: seconds", MARGIN, y)
        out += panel(series, [(3, "memory")], "peak memory, MiB", WIDTH + 2 * MARGIN + 10, y)
    file.write_text("\n".join([*out, "</svg>"]) + "\n")


def main(program, output, largest=1.0):
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    done = []
    scratch = Path(tempfile.mkdtemp(prefix="lre-audit-scale-"))
    try:
        for series in all_series():
            measure(series, Path(program).resolve(), scratch, float(largest))
            done.append(series)
    finally:
        remove(scratch)
    with open(output / "scale.csv", "w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["series", "unit", "size", "wall_seconds", "cpu_seconds", "peak_mib"])
        for series in done:
            for size, wall, cpu, peak in series.rows:
                table.writerow([series.name, series.unit, size, f"{wall:.3f}", f"{cpu:.3f}", f"{peak:.1f}"])
    plot(done, output / "scale.svg")
    print(f"\n{output}/scale.csv\n{output}/scale.svg")


if __name__ == "__main__":
    main(*sys.argv[1:])
