#!/usr/bin/env python3
"""Audits every leaky image of the world and compares with expected.tsv (see tests/world/leaks.sh)."""
import concurrent.futures
import json
import os
import subprocess
import sys


def matches(expected, actual):
    return expected in ("*", actual)


def check(program, world, row):
    """Returns what is wrong with the audit of one leaky image, or None."""
    reference, closure, rule, path, referenced, exit_code, companions = row
    run = subprocess.run(
        [program, "image", reference, "--closure", closure, "--format", "json"],
        cwd=world, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    try:
        findings = json.loads(run.stdout).get("findings", [])
    except ValueError:
        return f"exit {run.returncode}, no report: {run.stderr.decode(errors='replace').strip()}"

    def summary(chosen):
        return "".join(f"\n    {f['severity']} {f['rule']} {f.get('path')} -> {f.get('referenced')}: "
                       f"{f['message']}" for f in chosen)

    proven = [f for f in findings if f["severity"] != "NOTE"]
    planted = [f for f in findings if f["rule"] == rule]
    if not any(matches(path, f.get("path", "")) and matches(referenced, f.get("referenced", ""))
               for f in planted):
        return f"{rule} {path} -> {referenced} was not found, only:{summary(planted or proven)}"
    allowed = {rule, *companions.split()}
    others = [f for f in findings if f["severity"] == "ERROR" and f["rule"] not in allowed]
    if others:
        return f"errors that were not planted:{summary(others)}"
    if run.returncode != int(exit_code):
        return f"exit {run.returncode}, not {exit_code}"
    return None


def main(program, world):
    with open(os.path.join(world, "expected.tsv")) as table:
        rows = [line.rstrip("\n").split("\t") for line in table]
    assert len(rows) > 40, f"expected.tsv has only {len(rows)} rows"
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        wrong = list(pool.map(lambda row: check(program, world, row), rows))
    for row, problem in zip(rows, wrong):
        print("ok  " if problem is None else "FAIL", row[2], row[0], problem or "")
    sys.exit(any(wrong))


main(*sys.argv[1:])
