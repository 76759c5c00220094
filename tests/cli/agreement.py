#!/usr/bin/env python3
"""Checks every repository of the world and compares with expected.tsv (see tests/world/repositories.sh)."""
import concurrent.futures
import itertools
import json
import os
import subprocess
import sys


def place(finding):
    """Where the finding is: FILE:LINE below the repository, a store path, or an image."""
    path, line = finding.get("path", ""), finding.get("location", {}).get("line")
    return f"{os.path.normpath(path)}:{line}" if line else path


def words(finding):
    """All that a person can read of the finding."""
    return " ".join([place(finding), finding["message"], finding.get("referenced", ""),
                     finding.get("evidence", ""), *finding.get("notes", [])])


def is_expected(finding, row):
    _, rule, severity, where, texts = row
    return (finding["rule"], finding["severity"], place(finding)) == (rule, severity, where) and \
        all(text in words(finding) for text in texts.split("|"))


def check(program, directory, rows):
    """Returns what is wrong with the check of one repository, or None."""
    run = subprocess.run([program, "check", "--format", "json"], cwd=directory, timeout=600,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        findings = json.loads(run.stdout).get("findings", [])
    except ValueError:
        return f"exit {run.returncode}, no report: {run.stderr.decode(errors='replace').strip()}"

    def summary(chosen):
        return "".join(f"\n    {f['severity']} {f['rule']} {words(f)}" for f in chosen)

    rows = [row for row in rows if row[1] != "-"]
    for row in rows:
        if not any(is_expected(f, row) for f in findings):
            near = [f for f in findings if f["rule"] == row[1] or f["severity"] == "ERROR"]
            return f"not found: {row[1:]}, only:{summary(near)}"
    errors = [f for f in findings if f["severity"] == "ERROR"]
    others = [f for f in errors if not any(is_expected(f, row) for row in rows)]
    if others:
        return f"errors that were not planted:{summary(others)}"
    agreement = [f for f in findings if f["rule"].startswith("LRE6")]
    if not rows and agreement:
        return f"all agrees, and yet:{summary(agreement)}"
    if len([f for f in errors if f in agreement]) > 1:
        return f"one thing disagrees, and more is said:{summary(agreement)}"
    if run.returncode != (1 if errors else 0):
        return f"exit {run.returncode} with {len(errors)} errors"
    return None


def main(program, world):
    repositories = os.path.join(world, "repositories")
    with open(os.path.join(repositories, "expected.tsv")) as table:
        rows = [line.rstrip("\n").split("\t") for line in table]
    names = {name: list(group) for name, group in itertools.groupby(rows, key=lambda row: row[0])}
    assert len(names) > 20, f"expected.tsv has only {len(names)} repositories"
    directories = {os.path.join(world, "repository"): []}
    directories |= {os.path.join(repositories, name): rows for name, rows in names.items()}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        wrong = list(pool.map(lambda item: check(program, *item), directories.items()))
    for (directory, rows), problem in zip(directories.items(), wrong):
        print("ok  " if problem is None else "FAIL", rows[0][1] if rows else "-",
              os.path.basename(directory), problem or "")
    sys.exit(any(wrong))


main(*sys.argv[1:])
