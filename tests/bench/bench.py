#!/usr/bin/env python3
"""Speed and memory of lre-audit beside the tools that do part of its work.

  bench.py LRE_AUDIT WORLD [RUNS]

WORLD is what tests/world/build.sh makes, or a directory with closure.txt, roots.txt (paths of the
machine's own store) and an OCI layout img/oci, tag lre-cc. Each line is the median of RUNS (5) after
one run that warms the caches; memory is the highest peak of any run.
"""
import json
import os
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path


class World:
    def __init__(self, directory, scratch):
        self.closure = (directory / "closure.txt").read_text().split()
        self.roots = (directory / "roots.txt").read_text().split()
        if (directory / "img/oci").is_dir():
            self.layout, self.tag, self.root = directory / "img/oci", "lre-cc", Path("/")
        else:
            self.layout, self.tag, self.root = directory / "oci", "clean", directory / "root"
        private = self.root.resolve() != Path("/")
        self.nix = {**os.environ, "NIX_REMOTE": f"local?root={self.root}" if private else "local",
                    "NIX_CONFIG": "experimental-features = nix-command\nsubstituters ="}
        self.closure_json = scratch / "closure.json"
        self.closure_json.write_bytes(subprocess.run(
            ["nix", "path-info", "--json", *self.closure], env=self.nix, check=True,
            stdout=subprocess.PIPE).stdout)
        # libtree knows no other root: programs of a private store would find nothing.
        places = [Path("/usr/bin")] if private else [Path(path) for path in self.closure]
        self.programs = [str(file) for place in places for file in sorted(place.rglob("*"))
                         if is_program(file)]

    def layers(self):
        def blob(descriptor):
            return self.layout / "blobs" / descriptor["digest"].replace(":", "/")
        manifests = json.loads((self.layout / "index.json").read_text())["manifests"]
        name = "org.opencontainers.image.ref.name"
        manifest = next(m for m in manifests if m.get("annotations", {}).get(name) == self.tag)
        return [str(blob(layer)) for layer in json.loads(blob(manifest).read_text())["layers"]]


def is_program(file):
    """A dynamically linked ELF executable: it has an interpreter."""
    if file.is_symlink() or not file.is_file() or not os.access(file, os.X_OK | os.R_OK):
        return False
    with file.open("rb") as stream:
        header = stream.read(64)
        if header[:5] != b"\x7fELF\x02":
            return False
        (offset,), (size, count) = struct.unpack_from("<Q", header, 32), struct.unpack_from("<HH", header, 54)
        stream.seek(offset)
        table = stream.read(size * count)
    pt_interp = 3
    return any(struct.unpack_from("<I", table, at)[0] == pt_interp for at in range(0, len(table), size))


def run_once(command, environment, accept):
    """Returns (seconds, peak KiB) of one run with its output thrown away."""
    start = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    complaint = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in accept:
        sys.exit(f"{' '.join(map(str, command[:4]))}... exited with {process.returncode}: "
                 f"{complaint.decode(errors='replace')[:500]}")
    return seconds, usage.ru_maxrss


def measure(command, runs, environment=None, accept=(0,), before=None):
    results = []
    for _ in range(runs + 1):
        if before:
            before()
        results.append(run_once(command, environment, accept))
    results = results[1:]
    return statistics.median(s for s, _ in results), max(k for _, k in results)


def report(title, rows):
    """Prints a table whose first row is lre-audit and the others its peers."""
    print(f"\n{title}")
    (_, (own, _)), *_ = rows
    for name, (seconds, kib) in rows:
        ratio = "" if name.startswith("lre-audit") else f"  lre-audit takes {own / seconds:.2f} of it"
        print(f"  {name:<44}{seconds * 1000:9.1f} ms {kib / 1024:8.1f} MiB{ratio}")


def main(program, directory, runs=5):
    runs = int(runs)
    program = str(Path(program).resolve())
    scratch = Path(tempfile.mkdtemp(prefix="lre-audit-bench-"))
    try:
        world = World(Path(directory).resolve(), scratch)
        findings = (0, 1)  # a report is what is timed, clean or not
        bundle = scratch / "bundle"
        remove = lambda: bundle.exists() and subprocess.run(["rm", "-rf", bundle], check=True)
        layers = world.layers()
        size = sum(os.path.getsize(layer) for layer in layers) / 1e6
        reference = f"oci:{world.layout}:{world.tag}"

        report(f"An image: {len(layers)} layers, {size:.0f} MB compressed", [
            ("lre-audit image", measure(
                [program, "image", reference, "--closure", world.closure_json, "--no-cache"], runs,
                accept=findings)),
            ("lre-audit image, cache warm", measure(
                [program, "image", reference, "--closure", world.closure_json], runs,
                {**os.environ, "LRE_AUDIT_CACHE_DIR": str(scratch / "cache")}, accept=findings)),
            ("umoci unpack", measure(
                ["umoci", "unpack", "--rootless", "--image", reference.removeprefix("oci:"), bundle],
                runs, before=remove)),
            ("gzip -dc, all layers", measure(["gzip", "-dc", *layers], runs)),
        ])
        report(f"A store: {len(world.closure)} paths, contents verified", [
            ("lre-audit store", measure(
                [program, "store", *world.roots, "--root", world.root], runs, accept=findings)),
            ("nix-store --verify-path", measure(
                ["nix-store", "--verify-path", *world.closure], runs, world.nix)),
        ])
        report(f"{len(world.programs)} dynamically linked programs", [
            ("lre-audit elf", measure([program, "elf", *world.programs], runs, accept=findings)),
            # Without -vvv it leaves out what it takes for granted, such as libc. It exits with the
            # number of programs that miss a library.
            ("libtree -vvv", measure(["libtree", "-vvv", *world.programs], runs, accept=range(256))),
        ])
        report("To start and stop", [("lre-audit --version", measure([program, "--version"], 4 * runs))])
    finally:
        subprocess.run(["chmod", "-R", "u+w", scratch], check=True)
        shutil.rmtree(scratch)


main(*sys.argv[1:])
