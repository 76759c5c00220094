#!/usr/bin/env python3
"""Stores, images, trees and closures of any size: the same bytes for the same seed and arguments.

  synthetic.py store   DIRECTORY PATHS             a Nix store below DIRECTORY, its database filled
  synthetic.py image   DIRECTORY LAYERS FILES KIND an OCI layout, tag "scale"; KIND: none, gzip or zstd
  synthetic.py tree    DIRECTORY FILES             files in directories
  synthetic.py closure FILE      PATHS EDGES       nix path-info --json, or --dump-db if not *.json

What they are made like: packages refer to few others, most of them to the same few (libc, bash), files
are small text that names a store path now and then, and one in two thousand is a real ELF object of
the machine's /bin. Nix itself makes the empty store; paths are then inserted as Nix inserts them.
"""
import hashlib
import json
import os
import random
import sqlite3
import subprocess
import sys
import zlib
from pathlib import Path

STORE = "/nix/store"
FILES_IN_PACKAGE = 400
NIX32 = "0123456789abcdfghijklmnpqrsvwxyz"
STEMS = ("lib{0}-1.{1}", "python3.11-{0}-{1}.0", "{0}-{1}.2-dev", "{0}-wrapper-{1}", "perl5.36-{0}-0.{1}",
         "{0}-{1}", "{0}-{1}-man", "hook-{0}.sh", "{0}.tar.gz.drv-{1}")
SYLLABLES = ("ba", "gli", "cur", "zst", "ssl", "xor", "pan", "qt", "ffi", "ed", "mu", "no", "ra", "ti")


class Packages:
    """Names and references of `count` packages. Each refers to earlier ones, so there is no cycle, and
    `edges` references are shared out: by default about six each, a third of them to itself too."""

    def __init__(self, count, seed=1, edges=None):
        self.random = random.Random(seed)
        self.paths = [self._path(i) for i in range(count)]
        self.edges = edges

    def _path(self, number):
        draw = self.random
        digits = "".join(NIX32[b & 31] for b in draw.randbytes(32))
        name = draw.choice(STEMS).format("".join(draw.choices(SYLLABLES, k=3)), number % 97)
        return f"{STORE}/{digits}-{name}"

    def references(self):
        """Yields a sorted list of numbers for each package."""
        draw, count = self.random, len(self.paths)
        left = self.edges
        for number in range(count):
            if left is None:
                want = draw.randrange(12)
            else:
                # As many as there are left for each that is left, as far as there are earlier ones.
                want = round(left / (count - number))
            want = min(want, number)
            chosen = set()
            while len(chosen) < want:
                if want > number // 2:
                    chosen = set(draw.sample(range(number), want))
                    break
                # Half of the references go to the first few: everybody needs a libc.
                chosen.add(draw.randrange(min(number, 50)) if draw.random() < 0.5 and want < 25
                           else draw.randrange(number))
            if left is not None:
                left -= len(chosen)
            elif draw.random() < 0.33:
                chosen.add(number)
            yield sorted(chosen)


def nar_string(text):
    return len(text).to_bytes(8, "little") + text + b"\0" * (-len(text) % 8)


def nar_of_package(files):
    """The NAR of a directory that holds `files` (name, contents), sorted, none executable."""
    parts = [nar_string(b"nix-archive-1"), nar_string(b"("), nar_string(b"type"), nar_string(b"directory")]
    for name, contents in files:
        parts += [nar_string(b"entry"), nar_string(b"("), nar_string(b"name"), nar_string(name.encode()),
                  nar_string(b"node"), nar_string(b"("), nar_string(b"type"), nar_string(b"regular"),
                  nar_string(b"contents"), nar_string(contents), nar_string(b")"), nar_string(b")")]
    return b"".join([*parts, nar_string(b")")])


def store(directory, count, seed=1):
    """Two files each: what the package refers to, and some text."""
    directory = Path(directory)
    directory.mkdir(parents=True)
    subprocess.run(["nix-store", "--init"], check=True, stderr=subprocess.DEVNULL,
                   env={**os.environ, "NIX_REMOTE": f"local?root={directory.resolve()}"})
    packages = Packages(count, seed)
    database = sqlite3.connect(directory / "nix/var/nix/db/db.sqlite")
    database.execute("pragma synchronous = off")
    paths, references = [], []
    for number, named in enumerate(packages.references()):
        path = packages.paths[number]
        needed = "".join(packages.paths[other] + "\n" for other in named).encode()
        files = [("needed", needed), ("text", b"package %d\n" % number * 8)]
        real = f"{directory}{path}"
        os.mkdir(real)
        for name, contents in files:
            file = os.open(f"{real}/{name}", os.O_WRONLY | os.O_CREAT, 0o444)
            os.write(file, contents)
            os.close(file)
            os.utime(f"{real}/{name}", (1, 1))
        os.utime(real, (1, 1))
        os.chmod(real, 0o555)
        nar = nar_of_package(files)
        paths.append((number + 1, path, "sha256:" + hashlib.sha256(nar).hexdigest(), 1, None, len(nar)))
        references += ((number + 1, other + 1) for other in named)
    with database:
        database.executemany("insert into ValidPaths (id, path, hash, registrationTime, deriver, narSize)"
                             " values (?, ?, ?, ?, ?, ?)", paths)
        database.executemany("insert into Refs values (?, ?)", references)
    database.close()
    return len(references)


def closure(file, count, edges, seed=1):
    packages = Packages(count, seed, edges)
    total, as_json = 0, str(file).endswith(".json")
    with open(file, "w") as stream:
        write = stream.write
        for number, named in enumerate(packages.references()):
            path, references = packages.paths[number], [packages.paths[other] for other in named]
            total += len(references)
            digest = hashlib.sha256(path.encode()).hexdigest()
            if as_json:
                write(("[" if number == 0 else ",") + json.dumps({
                    "path": path, "narHash": "sha256:" + digest, "narSize": 4096 + number,
                    "references": references, "registrationTime": 1, "signatures": []}))
            else:
                write("\n".join([path, digest, str(4096 + number), "", str(len(references)), *references, ""]))
        if as_json:
            write("]\n")
    return total


class Contents:
    """Contents of files, the same number the same bytes: text that at times names a path, of its own
    package or an earlier one, and one in `objects` a real ELF object."""

    def __init__(self, packages, objects=2000):
        self.paths, self.objects = packages.paths, objects
        found = (Path("/bin") / name for name in ("true", "echo", "cat", "sleep"))
        self.programs = [p.read_bytes() for p in found if p.is_file()][:4]

    def of(self, number):
        if self.programs and number % self.objects == self.objects - 1:
            return self.programs[number // self.objects % len(self.programs)]
        if number % 7 == 0:
            named = number % (number // FILES_IN_PACKAGE + 1)
            return b"file %d of %s\n" % (number, self.paths[named].encode())
        return b"file %d: nothing but text\n" % number * (1 + number % 12)


def layout_of(count):
    """Names of files in a package: (directory, name), sorted as a NAR is."""
    return [(f"lib/part{i // 50:03}", f"file{i % 50:02}.txt") for i in range(count)]


def tar_header(name, size, kind):
    mode = {b"5": b"0000555", b"0": b"0000444"}[kind]
    assert len(name) <= 100, name
    header = b"%s%s\0%s\0%s\0%011o\0%s\0" % (name.ljust(100, b"\0"), mode, b"0000000", b"0000000", size, b"00000000001")
    # Checksum with spaces in its place, then the kind, magic and version.
    rest = kind + b"\0" * 100 + b"ustar\x0000"
    total = sum(header) + 8 * 32 + sum(rest)
    return (header + b"%06o\0 " % total + rest).ljust(512, b"\0")


def tar_of(packages, contents, first, count):
    """Pieces of an archive that holds `count` files from number `first` on, in NAR order."""
    if first == 0:
        yield tar_header(b"nix/", 0, b"5") + tar_header(b"nix/store/", 0, b"5")
    number, package = first, first // FILES_IN_PACKAGE
    while number < first + count:
        base = packages.paths[package][1:]
        out = [tar_header(f"{base}/".encode(), 0, b"5"), tar_header(f"{base}/lib/".encode(), 0, b"5")]
        previous = None
        for directory, name in layout_of(min(FILES_IN_PACKAGE, first + count - number)):
            if directory != previous:
                out.append(tar_header(f"{base}/{directory}/".encode(), 0, b"5"))
                previous = directory
            data = contents.of(number)
            out += (tar_header(f"{base}/{directory}/{name}".encode(), len(data), b"0"), data,
                    b"\0" * (-len(data) % 512))
            number += 1
        package += 1
        yield b"".join(out)
    yield b"\0" * 1024


class Packer:
    """Compresses into a file and hashes both sides."""

    def __init__(self, file, kind):
        self.file, self.kind = file, kind
        self.plain = hashlib.sha256()
        self.process = None
        if kind == "gzip":
            self.codec = zlib.compressobj(1, zlib.DEFLATED, 31)
        elif kind == "zstd":
            self.process = subprocess.Popen(["zstd", "-q", "-1", "-c"], stdin=subprocess.PIPE, stdout=file)
            self.codec = None
        self.stream = self.process.stdin if self.process else file

    def write(self, piece):
        self.plain.update(piece)
        self.stream.write(self.codec.compress(piece) if self.kind == "gzip" else piece)

    def close(self):
        if self.kind == "gzip":
            self.stream.write(self.codec.flush())
        if self.process:
            self.process.stdin.close()
            if self.process.wait():
                sys.exit("zstd failed")


def image(directory, layers, files, kind="gzip", seed=1):
    directory = Path(directory)
    blobs = directory / "blobs/sha256"
    blobs.mkdir(parents=True)
    # Whole packages, so that no two layers share a directory of one.
    share = -(-files // layers)
    if layers > 1:
        share = max(FILES_IN_PACKAGE, -(-share // FILES_IN_PACKAGE) * FILES_IN_PACKAGE)
    packages = Packages(layers * share // FILES_IN_PACKAGE + layers + 1, seed)
    contents = Contents(packages)

    def blob(data):
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}

    diff_ids, described = [], []
    for layer in range(layers):
        partial = blobs / "partial"
        with open(partial, "wb") as stream:
            packer = Packer(stream, kind)
            for piece in tar_of(packages, contents, layer * share, share if layers > 1 else files):
                packer.write(piece)
            packer.close()
        with open(partial, "rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        size = partial.stat().st_size
        partial.rename(blobs / digest)
        suffix = "" if kind == "none" else "+" + kind
        described.append({"mediaType": "application/vnd.oci.image.layer.v1.tar" + suffix,
                          "digest": f"sha256:{digest}", "size": size})
        diff_ids.append("sha256:" + packer.plain.hexdigest())
    config = blob(json.dumps({"architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/bin"]},
                              "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode())
    manifest = blob(json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **config},
        "layers": described}).encode())
    (directory / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [
        {"mediaType": "application/vnd.oci.image.manifest.v1+json", **manifest,
         "annotations": {"org.opencontainers.image.ref.name": "scale"}}]}))
    (directory / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return layers * share if layers > 1 else files


def tree(directory, files, seed=1):
    packages = Packages(files // FILES_IN_PACKAGE + 1, seed)
    contents = Contents(packages)
    number = 0
    while number < files:
        base = f"{directory}{packages.paths[number // FILES_IN_PACKAGE]}"
        previous = None
        for below, name in layout_of(min(FILES_IN_PACKAGE, files - number)):
            if below != previous:
                os.makedirs(f"{base}/{below}")
                previous = below
            file = os.open(f"{base}/{below}/{name}", os.O_WRONLY | os.O_CREAT, 0o444)
            os.write(file, contents.of(number))
            os.close(file)
            number += 1
    return files


if __name__ == "__main__":
    command, *words = sys.argv[1:] or [""]
    made = {"store": store, "image": image, "tree": tree, "closure": closure}.get(command)
    if made is None:
        sys.exit(__doc__)
    made(*(int(word) if word.isdigit() else word for word in words))
