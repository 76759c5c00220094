#!/usr/bin/env python3
"""Speed and memory of lre-audit beside the tools that do part of its work.

  bench.py LRE_AUDIT WORLD [RUNS]

WORLD is what tests/world/build.sh makes, or a directory with closure.txt, roots.txt (paths of the
machine's own store) and an OCI layout img/oci, tag lre-cc. Each line is the median of RUNS (5), taken
in turn with its peers', after one run that warms the caches; memory is the highest peak of any run.
The last table holds the figures against the targets; nothing fails where one is missed.
"""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import execution_log
import synthetic
from measure import Command, measure, show
from world import World

HERE = Path(__file__).resolve().parent
FINDINGS = (0, 1)  # a report is what is timed, clean or not


class Bench:
    def __init__(self, program, world, scratch, runs):
        self.program, self.world, self.scratch, self.runs = program, world, scratch, runs
        self.targets = []  # (work, what is wanted, what was measured, met, what is possible)

    def table(self, title, commands, runs=None):
        measure(commands, runs or self.runs)
        show(title, commands)
        return commands

    def target(self, work, wanted, ratio, limit, unit="x", least=None, at_least=False):
        """`least` is the ratio that the indispensable part of the work reaches on two cores."""
        possible = "" if least is None else f"{least:.2f} {unit}"
        met = ratio >= limit if at_least else ratio <= limit
        self.targets.append((work, wanted, f"{ratio:.2f} {unit}", met, possible))

    def hashing(self, what, cores=2):
        """SHA-256 of `what`: so many bytes, or the files below a directory."""
        words = ["many bytes" if isinstance(what, int) else "the files' bytes, read",
                 "one core" if cores == 1 else "two cores"]
        return Command(f"SHA-256 of {words[0]}, {words[1]}".replace("of many", "of as many"),
                       [sys.executable, HERE / "sha256.py", what, cores])

    def audit(self, name, *words, **options):
        return Command(name, [self.program, *words], accept=FINDINGS, **options)

    def image_audit(self, name, image, *words, **options):
        """Nothing is found in the cache."""
        return self.audit(name, "image", image.reference, "--closure", self.world.closure_json,
                          "--no-cache", *words, **options)

    def image(self):
        world, image = self.world, self.world.image
        bundle = self.scratch / "bundle"
        remove = lambda: subprocess.run(["rm", "-rf", bundle], check=True)
        commands = [
            self.image_audit("lre-audit image oci:", image),
            Command("umoci unpack", ["umoci", "unpack", "--rootless", "--image",
                                     image.reference.removeprefix("oci:"), bundle], before=remove),
            Command("gzip -dc, all layers", ["gzip", "-dc", *image.layers]),
            self.hashing(image.bytes + world.tar_bytes() + world.nar_bytes),
        ]
        if shutil.which("igzip"):
            commands.insert(3, Command("igzip -dc, all layers", ["igzip", "-dc", *image.layers]))
        audit, umoci, gzip, *fast, hashes = self.table(
            f"An image: {len(image.layers)} gzip layers, {image.bytes / 1e6:.0f} MB compressed", commands)
        remove()
        least = (hashes.cpu + fast[0].cpu) / 2 if fast else None
        self.target("image oci:", "<= 1/6 of umoci unpack", audit.seconds / umoci.seconds, 1 / 6)
        self.target("image oci:", "<= 1/3 of gzip -dc", audit.seconds / gzip.seconds, 1 / 3,
                    least=least and least / gzip.seconds)
        self.target("image oci:", "peak <= 150 MB", audit.mebibytes * 1.048576, 150, "MB")

    def single_layer(self):
        image = self.world.single_layer_image()
        self.table(f"The same in one gzip layer, {image.bytes / 1e6:.0f} MB compressed", [
            self.image_audit("lre-audit image oci:", image),
            self.image_audit("lre-audit image oci: --jobs 1", image, "--jobs", "1"),
            Command("gzip -dc", ["gzip", "-dc", *image.layers]),
        ])

    def zstd(self):
        world, image = self.world, self.world.zstd_image()
        size = image.bytes + world.tar_bytes() + world.nar_bytes
        audit, one, two, zstd = self.table(
            f"The same in zstd layers, {image.bytes / 1e6:.0f} MB compressed; "
            f"blobs, diff_ids and NARs to hash are {size / 1e6:.0f} MB", [
                self.image_audit("lre-audit image oci:", image),
                self.hashing(size, 1),
                self.hashing(size),
                Command("zstd -dc, all layers", ["zstd", "-dcq", *image.layers]),
            ])
        self.target("image, zstd layers", "<= 1.2 x SHA-256 alone on one core",
                    audit.seconds / one.seconds, 1.2)
        self.target("image, zstd layers", "<= 1.2 x SHA-256 alone over two cores",
                    audit.seconds / two.seconds, 1.2, least=(two.cpu + zstd.cpu) / 2 / two.seconds)

    def warm_cache(self):
        environment = {**os.environ, "LRE_AUDIT_CACHE_DIR": str(self.scratch / "cache")}
        audit, _ = self.table("The second audit of the image, cache warm", [
            self.audit("lre-audit image oci:", "image", self.world.image.reference, "--closure",
                       self.world.closure_json, environment=environment),
            Command("sha256sum of the blobs", ["sha256sum", *self.world.image.layers]),
        ])
        self.target("second audit, cache warm", "<= 0.25 s", audit.seconds, 0.25, "s")

    def store(self):
        world, root = self.world, self.world.copy_store()
        audit, nix, _, hashes = self.table(f"A store: {len(world.closure)} paths, "
                                   f"{world.nar_bytes / 1e6:.0f} MB, contents verified", [
            self.audit("lre-audit store", "store", "--root", root),
            Command("nix-store --verify --check-contents", ["nix-store", "--verify", "--check-contents"],
                    environment=world.nix_for(root)),
            Command("nix-store --verify-path", ["nix-store", "--verify-path", *world.closure],
                    environment=world.nix_for(root)),
            self.hashing(root / "nix/store"),
        ])
        self.target("store, contents verified", "<= 0.6 x nix-store --verify --check-contents",
                    audit.seconds / nix.seconds, 0.6, least=hashes.seconds / nix.seconds)

    def names(self):
        root, count = self.scratch / "synthetic", 100_000
        edges = synthetic.store(root, count)
        audit, _ = self.table(f"A store of {count:,} paths with {edges:,} references, names alone", [
            self.audit("lre-audit store --no-contents", "store", "--no-contents", "--root", root),
            Command("nix-store --verify", ["nix-store", "--verify"],
                    environment=self.world.nix_for(root)),
        ])
        self.target("100,000 paths, names alone", "<= 2 s", audit.seconds, 2, "s")
        self.target("100,000 paths, names alone", "peak <= 500 MB", audit.mebibytes * 1.048576, 500, "MB")

    def nix2container(self):
        world, reference = self.world, self.world.nix2container_image()
        closure = f"store:{world.root}"
        audit, store, hashes = self.table("The same paths as nix2container describes them, in 8 layers", [
            self.audit("lre-audit image nix:", "image", reference, "--closure", closure, "--no-cache"),
            self.audit("lre-audit store", "store", *world.roots, "--root", world.root),
            self.hashing(world.tar_bytes()),
        ])
        # All that a store's audit does, and the archives' digests.
        self.target("nix: image", "<= 1.1 x store on the same paths", audit.seconds / store.seconds, 1.1,
                    least=1 + hashes.seconds / store.seconds)

    def elf(self):
        programs = self.world.programs
        # Both exit with findings. libtree leaves out what it takes for granted, such as libc and all
        # that it needs, unless -vv; -vvv also prints again what it has printed. An audit resolves
        # every library of every program, so that -vv is the same work.
        audit, plain, full, _ = self.table(f"{len(programs)} dynamically linked programs", [
            self.audit("lre-audit elf", "elf", *programs),
            Command("libtree", ["libtree", *programs], accept=range(256)),
            Command("libtree -vv (the same work)", ["libtree", "-vv", *programs], accept=range(256)),
            Command("libtree -vvv", ["libtree", "-vvv", *programs], accept=range(256)),
        ])
        self.target("elf, all programs", "<= libtree -vv", audit.seconds / full.seconds, 1)
        self.target("elf, all programs", "<= libtree, which leaves libraries out",
                    audit.seconds / plain.seconds, 1)
        ours, theirs = (self.libraries_shown(command) for command in (audit, full))
        print(f"  libraries shown: lre-audit {ours:,}, libtree -vv {theirs:,}")
        self.target("elf, for each library shown", "<= libtree -vv",
                    audit.seconds / ours / (full.seconds / theirs), 1)

    def libraries_shown(self, command):
        done = subprocess.run(command.words, capture_output=True, text=True, errors="replace")
        return sum("── " in line for line in done.stdout.splitlines())

    def execution_logs(self):
        limit = 500_000_000
        logs = [self.scratch / "local.zst", self.scratch / "remote.zst"]
        execution_log.pack(logs[0], limit)
        shutil.copy(logs[0], logs[1])
        # The same entries as fields of one message, which protoc can decode.
        message = self.scratch / "message"
        with open(message, "wb") as file:
            execution_log.write(file, limit // 5, before_entry=b"\x0a")
        audit, _, protoc = self.table(
            f"Two compact execution logs of {limit / 1e6:.0f} MB, packed with zstd", [
                self.audit("lre-audit explain", "explain", *logs),
                Command("zstd -dc, both", ["zstd", "-dcq", *logs]),
                Command("protoc --decode_raw, a tenth of them",
                        ["sh", "-c", f"exec protoc --decode_raw < {message}"]),
            ], runs=min(self.runs, 3))
        self.target("explain, execution logs", "<= plain decoding of them by protoc",
                    audit.seconds / (10 * protoc.seconds), 1)
        self.target("explain, execution logs", ">= 300 MB/s of unpacked log",
                    2 * limit / 1e6 / audit.seconds, 300, "MB/s", at_least=True)

    def start(self):
        audit, _ = self.table("To start and stop", [
            Command("lre-audit --version", [self.program, "--version"]),
            Command("true: what starting anything takes here", ["true"]),
        ], 10 * self.runs)
        self.target("--version", "<= 5 ms", audit.seconds * 1000, 5, "ms")

    def show_targets(self):
        print(f"\n{'Targets':<78}{'measured':>12}{'possible':>12}")
        for work, wanted, measured, met, possible in self.targets:
            print(f"  {work:<28}{wanted:<48}{measured:>12}{possible:>12}  {'met' if met else 'MISSED'}")
        print("\n  possible: what must be hashed and unpacked, and nothing else, without a pause on "
              "two cores")


def main(program, directory, runs=5):
    scratch = Path(tempfile.mkdtemp(prefix="lre-audit-bench-"))
    try:
        bench = Bench(str(Path(program).resolve()), World(Path(directory).resolve(), scratch), scratch,
                      int(runs))
        for part in (bench.start, bench.image, bench.single_layer, bench.zstd, bench.warm_cache,
                     bench.store, bench.nix2container, bench.names, bench.elf):
            part()
        bench.show_targets()
    finally:
        subprocess.run(["chmod", "-R", "u+w", scratch], check=True)
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main(*sys.argv[1:])
