#!/usr/bin/env python3
"""A synthetic compact execution log of any size, the same bytes for the same size.

  execution_log.py MEGABYTES [FILE]     to FILE packed as *.zst, else unpacked to standard output

What it is made like: C++ compiles of packages that depend on each other, each with some eighty
arguments, most of them flags that others have too, an input set of a few files and earlier sets, a
source and two outputs of its own.
"""
import hashlib
import random
import subprocess
import sys


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field, value):
    return varint(field << 3) + varint(value) if value else b""


def message(field, contents):
    if isinstance(contents, str):
        contents = contents.encode()
    return varint(field << 3 | 2) + varint(len(contents)) + contents


def packed(field, values):
    return message(field, b"".join(map(varint, values))) if values else b""


class Writer:
    def __init__(self, stream, before_entry):
        self.stream, self.before_entry, self.size, self.last_id = stream, before_entry, 0, 0
        self.random = random.Random(1)
        self.pieces = []

    def entry(self, field, contents, with_id=True):
        if with_id:
            self.last_id += 1
        data = (number(1, self.last_id) if with_id else b"") + message(field, contents)
        data = self.before_entry + varint(len(data)) + data
        self.pieces.append(data)
        self.size += len(data)
        if len(self.pieces) > 5000:
            self.stream.write(b"".join(self.pieces))
            self.pieces.clear()
        return self.last_id

    def digest(self, field):
        hexdigits = self.random.randbytes(32).hex()
        return message(field, message(1, hexdigits) + number(2, self.random.randrange(100, 90000)))

    def file(self, path):
        return self.entry(3, message(1, path) + self.digest(2))


def write(stream, limit, before_entry=b""):
    out = Writer(stream, before_entry)
    draw = out.random
    out.entry(2, message(1, "SHA-256") + message(2, "_main") + message(4, "synthetic"), with_id=False)

    def store(name):
        return f"/nix/store/{hashlib.sha256(name.encode()).hexdigest()[:32]}-{name}"

    path = ":".join(store(f"{name}-9.5") + "/bin" for name in (
        "bash", "coreutils", "findutils", "diffutils", "gnused", "gnugrep", "gawk", "gnutar", "gzip", "bzip2",
        "gnumake", "patch", "xz", "file", "gcc-wrapper", "binutils-wrapper"))
    environment = b"".join(message(2, message(1, name) + message(2, value)) for name, value in (
        ("PATH", path), ("PWD", "/proc/self/cwd")))
    platform = message(3, message(1, message(1, "container-image") + message(2, "docker://lre-cc:" + "0" * 32)))
    flags = [f"-W{word}-{i}" for i, word in enumerate(("no-sign-compare", "all", "error", "shadow") * 8)]
    flags += [f"-isystem{store(f'library-{i}.0')}/include" for i in range(40)] + [f"-DFEATURE_{i}=1" for i in range(80)]
    toolchain = out.entry(6, packed(5, [out.file(f"external/toolchain/header{i}.h") for i in range(300)]))
    sets = [toolchain]
    package = 0
    while out.size < limit:
        package += 1
        directory = f"team{package % 97}/project{package // 40}/component{package}"
        headers = [out.file(f"{directory}/include/{directory.replace('/', '_')}_{i}.h") for i in range(3)]
        depends = [sets[int(len(sets) * draw.random() ** 0.5)] for _ in range(draw.randrange(1, 8))]
        sets.append(out.entry(6, packed(5, headers) + packed(4, [toolchain, *depends])))
        chosen = draw.sample(flags, 60)
        common = b"".join(message(1, flag) for flag in [store("gcc-wrapper-9.5") + "/bin/gcc", *chosen])
        common += b"".join(message(1, word) for word in ("-iquote", ".", "-iquote", "bazel-out/k8-fastbuild/bin"))
        label = f"//{directory}:lib"
        for unit in range(12):
            source = f"{directory}/source_file_{unit}.cc"
            object_ = f"bazel-out/k8-fastbuild/bin/{directory}/_objs/lib/source_file_{unit}.pic"
            inputs = out.entry(6, packed(5, [out.file(source)]) + packed(4, [sets[-1]]))
            outputs = b"".join(message(6, number(5, out.file(object_ + suffix))) for suffix in (".d", ".o"))
            arguments = common + b"".join(message(1, argument) for argument in (
                "-MD", "-MF", object_ + ".d", "-frandom-seed=" + object_ + ".o", "-fPIC", "-c", source, "-o",
                object_ + ".o"))
            out.entry(7, arguments + environment + platform + number(4, inputs) + outputs + message(7, label) +
                      message(8, "CppCompile") + message(11, "remote") + number(13, 1) + number(14, 1) +
                      number(15, 1) + out.digest(16) +
                      message(18, message(1, number(1, 3) + number(2, draw.randrange(10**9)))), with_id=False)
    stream.write(b"".join(out.pieces))


def pack(path, limit):
    """Writes a log of some `limit` bytes to `path`, packed."""
    with open(path, "wb") as file:
        with subprocess.Popen(["zstd", "-q", "-1", "-c"], stdin=subprocess.PIPE, stdout=file) as zstd:
            write(zstd.stdin, limit)
            zstd.stdin.close()
    if zstd.returncode:
        sys.exit(zstd.returncode)


def main():
    limit = int(float(sys.argv[1]) * 1e6)
    if len(sys.argv) == 2:
        write(sys.stdout.buffer, limit)
        return
    pack(sys.argv[2], limit)


if __name__ == "__main__":
    main()
