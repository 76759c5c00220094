#!/usr/bin/env python3
"""Makes images with eStargz and zstd:chunked layers, right and wrong, and audits them."""
import concurrent.futures
import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import tarfile
import zlib
from pathlib import Path

STORE = "nix/store/0m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-tool-1.0"
CONTENTS = {"note": b"hello\n", "empty": b"", "large": bytes(range(256)) * 1000 + bytes(9000)}
STARGZ = "containerd.io/snapshot/stargz/toc.digest"
CHUNKED = ("io.github.containers.zstd-chunked.manifest-checksum",
           "io.github.containers.zstd-chunked.manifest-position")
OLD_CHUNKED = ("io.containers.zstd-chunked.manifest-checksum",
               "io.containers.zstd-chunked.manifest-position")


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def members():
    """The layer's entries, as Nix would have them."""
    def member(name, kind, mode, **rest):
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.mtime = kind, mode, 1
        for key, value in rest.items():
            setattr(info, key, value)
        return info
    for name in ("nix", "nix/store"):
        yield member(name, tarfile.DIRTYPE, 0o755), b""
    yield member(STORE, tarfile.DIRTYPE, 0o555), b""
    for name, data in sorted(CONTENTS.items()):
        yield member(f"{STORE}/{name}", tarfile.REGTYPE, 0o444, size=len(data)), data
    yield member(f"{STORE}/second", tarfile.LNKTYPE, 0o444, linkname=f"{STORE}/note"), b""
    yield member(f"{STORE}/link", tarfile.SYMTYPE, 0o777, linkname="note"), b""


def gzip(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def stargz_footer(field, legacy=False):
    extra = field if legacy else b"SG" + struct.pack("<H", len(field)) + field
    return (b"\x1f\x8b\x08\x04\0\0\0\0\0\xff" + struct.pack("<H", len(extra)) + extra
            + b"\1\0\0\xff\xff" + bytes(8))


TYPES = {tarfile.DIRTYPE: "dir", tarfile.REGTYPE: "reg", tarfile.LNKTYPE: "hardlink",
         tarfile.SYMTYPE: "symlink"}


def stargz(edit=lambda toc: None, footer=None, table=None, chunk=100_000, drop=()):
    """An eStargz blob, its annotations and its diff_id: each payload is a gzip member."""
    blob, plain, entries = io.BytesIO(), io.BytesIO(), []

    def add(data):
        plain.write(data)
        blob.write(gzip(data))

    def entry(info, data):
        add(info.tobuf(tarfile.PAX_FORMAT))
        described = {"name": info.name + ("/" if info.isdir() else ""), "type": TYPES[info.type],
                     "mode": info.mode, "uid": info.uid, "gid": info.gid, "modtime": "1970-01-01T00:00:01Z"}
        if info.linkname:
            described["linkName"] = info.linkname
        if data:
            described |= {"size": len(data), "digest": sha256(data)}
        entries.append(described)
        for at in range(0, len(data), chunk):
            piece = data[at:at + chunk]
            if at > 0:
                described = {"name": info.name, "type": "chunk", "chunkOffset": at}
                entries.append(described)
            described |= {"offset": blob.tell(), "chunkDigest": sha256(piece)}
            if at + chunk < len(data):
                described["chunkSize"] = chunk
            add(piece)
        if len(data) % 512:
            add(bytes(-len(data) % 512))

    for info, data in members():
        entry(info, data)
    landmark = tarfile.TarInfo(".no.prefetch.landmark")
    landmark.size = 1
    entry(landmark, b"\x0f")
    toc = {"version": 1, "entries": entries}
    edit(toc)
    text = table if table is not None else json.dumps(toc, indent="\t").encode()

    def table_member(data):
        index = tarfile.TarInfo("stargz.index.json")
        index.size = len(data)
        return index.tobuf(tarfile.PAX_FORMAT) + data + bytes(-len(data) % 512) + bytes(1024)

    at = blob.tell()
    if "table" not in drop:
        add(table_member(text))
    end = stargz_footer(b"%016xSTARGZ" % at) if footer is None else footer(at)
    blob.write(end)
    return blob.getvalue(), {STARGZ: sha256(text)}, sha256(plain.getvalue())


def frame(data):
    return b"\x50\x2a\x4d\x18" + struct.pack("<I", len(data)) + data


def zstd(data, *flags):
    return subprocess.run(["zstd", "-qc", *flags], input=data, stdout=subprocess.PIPE, check=True).stdout


def real_chunked(directory):
    """What skopeo makes of the same layer, and its annotations."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for info, data in members():
            tar.addfile(info, io.BytesIO(data))
    image(directory / "plain", plain.getvalue(), {}, sha256(plain.getvalue()))
    subprocess.run(["skopeo", "copy", "-q", "--dest-compress", "--dest-compress-format", "zstd:chunked",
                    f"oci:{directory}/plain:t", f"dir:{directory}/skopeo"], check=True)
    layer = json.loads((directory / "skopeo/manifest.json").read_text())["layers"][0]
    blob = (directory / "skopeo" / layer["digest"].split(":")[1]).read_bytes()
    # Older releases have other names for the annotations.
    annotations = {new: layer["annotations"].get(new, layer["annotations"].get(old))
                   for new, old in zip(CHUNKED, OLD_CHUNKED)}
    assert all(annotations.values()), f"skopeo wrote no zstd:chunked layer: {layer}"
    # skopeo 1.9 leaves out the zeros that fill the archive's last record, and keeps the diff_id.
    written = subprocess.run(["zstd", "-dqc"], input=blob, stdout=subprocess.PIPE, check=True).stdout
    return blob, annotations, sha256(written)


def chunked(original, edit=lambda toc: None, footer=64, table=None, position=None):
    """skopeo's blob with its table changed."""
    blob, annotations, diff_id = original
    at, size = map(int, annotations[CHUNKED[1]].split(":")[:2])
    toc = json.loads(subprocess.run(["zstd", "-dqc"], input=blob[at:at + size],
                                    stdout=subprocess.PIPE, check=True).stdout)
    edit(toc)
    text = json.dumps(toc).encode() if table is None else table
    packed = zstd(text)
    numbers = [at, len(packed), len(text), 1]
    end = {64: lambda: frame(struct.pack("<7Q", *numbers, 0, 0, 0) + b"GNUlInUx"),
           40: lambda: frame(struct.pack("<4Q", *numbers) + b"GnUlInUx"),
           0: lambda: b""}[footer]()
    said = position or ":".join(map(str, numbers))
    return (blob[:at - 8] + frame(packed) + end,
            {CHUNKED[0]: sha256(packed), CHUNKED[1]: said}, diff_id)


def image(directory, blob, annotations, diff_id):
    """An OCI layout of one layer."""
    blobs = directory / "blobs/sha256"
    blobs.mkdir(parents=True)

    def put(data):
        (blobs / hashlib.sha256(data).hexdigest()).write_bytes(data)
        return {"digest": sha256(data), "size": len(data)}

    def document(content, kind):
        return {"mediaType": f"application/vnd.oci.image.{kind}.v1+json", **put(json.dumps(content).encode())}

    config = document({"architecture": "amd64", "os": "linux", "config": {},
                       "rootfs": {"type": "layers", "diff_ids": [diff_id]}}, "config")
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar", **put(blob), "annotations": annotations}
    manifest = document({"schemaVersion": 2, "config": config, "layers": [layer]}, "manifest")
    manifest["annotations"] = {"org.opencontainers.image.ref.name": "t"}
    (directory / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
    (directory / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def entry_named(toc, name, kind=None):
    return next(e for e in toc["entries"]
                if e["name"].rstrip("/") == f"{STORE}/{name}".rstrip("/") and kind in (None, e["type"]))


def set_field(name, **fields):
    return lambda toc: entry_named(toc, name).update(fields)


def remove(name):
    return lambda toc: toc["entries"].remove(entry_named(toc, name))


def last_chunk(**fields):
    def edit(toc):
        [e for e in toc["entries"] if e["type"] == "chunk"][-1].update(fields)
    return edit


def twice(toc):
    toc["entries"].append(dict(entry_named(toc, "note")))


def without_digests(toc):
    for described in toc["entries"]:
        described.pop("digest", None)
        described.pop("chunkDigest", None)


def other(annotations, **fields):
    return {**annotations, **fields}


# What is changed in a table, and what is then said: of both kinds of table.
EDITS = [
    ("mode", set_field("note", mode=0o755), f"/{STORE}/note", "mode is 0755 in the table of contents, 0444"),
    ("owner", set_field("note", uid=7), f"/{STORE}/note", "owner is 7:0 in the table of contents, 0:0"),
    ("type", set_field("link", type="reg"), f"/{STORE}/link", "type is reg in the table of contents, symlink"),
    ("target", set_field("link", linkName="/bin/sh"), f"/{STORE}/link", "target is /bin/sh in the table"),
    ("hardlink", set_field("second", linkName=f"{STORE}/large"), f"/{STORE}/second", "target is"),
    ("size", set_field("note", size=5), f"/{STORE}/note", "size is 5 in the table of contents, 6"),
    ("contents", set_field("note", digest=sha256(b"HELLO\n"), chunkDigest=sha256(b"HELLO\n")),
     f"/{STORE}/note", "the digest of its contents is " + sha256(b"HELLO\n")),
    ("whole", set_field("large", digest=sha256(b"")), f"/{STORE}/large", "the digest of its contents is"),
    ("chunk", set_field("large", chunkDigest=sha256(b"")), f"/{STORE}/large", "the digest of its chunk of"),
    ("xattrs", set_field("note", xattrs={"security.capability": "AQAAAg=="}), f"/{STORE}/note",
     "extended attributes are security.capability=01000002 in the table of contents, none"),
    ("removed", remove("link"), f"/{STORE}/link", "in the archive, not in the table"),
    ("added", lambda toc: toc["entries"].append({"name": "bin/sh", "type": "symlink", "linkName": "/x", "mode": 0o777}),
     "/bin/sh", "in the table of contents, not in the archive"),
    ("twice", twice, f"/{STORE}/note", "has it twice"),
    ("gap", last_chunk(chunkOffset=1), f"/{STORE}/large", "do not make up its"),
]


def cases(directory):
    """Name, (blob, annotations, diff_id), exit code, rule or None, words that are said."""
    real = real_chunked(directory)
    yield "skopeo", real, 0, None, ""
    yield "chunked", chunked(real), 0, None, ""
    yield "chunked-old-footer", chunked(real, footer=40), 0, None, ""
    yield "stargz", stargz(), 0, None, ""
    yield "stargz-whole-files", stargz(chunk=1 << 30), 0, None, ""
    blob, annotations, diff_id = stargz()
    yield "stargz-not-announced", (blob, {}, diff_id), 0, None, ""
    blob, _, diff_id = stargz(footer=lambda at: stargz_footer(b"%016xSTARGZ" % at, legacy=True))
    yield "stargz-legacy-footer", (blob, {}, diff_id), 0, None, ""

    for name, edit, path, words in EDITS:
        yield f"stargz-{name}", stargz(edit), 1, "LRE410", f"{path}|{words}"
        yield f"chunked-{name}", chunked(real, edit), 1, "LRE410", f"{path}|{words}"
    blob, _, diff_id = stargz(set_field("note", mode=0o755))
    yield "stargz-mode-not-announced", (blob, {}, diff_id), 1, "LRE410", f"/{STORE}/note|mode is 0755"
    # Holes are told by name alone.
    yield "chunked-zeros", chunked(real, last_chunk(chunkType="zeros")), 0, None, ""
    yield "chunked-no-zeros", chunked(real, set_field("note", chunkType="zeros")), 1, "LRE410", "is zeros in the table"

    # Announced otherwise than it is.
    blob, annotations, diff_id = stargz()
    yield "stargz-digest", (blob, {STARGZ: sha256(b"")}, diff_id), 1, "LRE401", "table of contents|" + sha256(b"")
    blob, annotations, diff_id = chunked(real)
    yield "chunked-digest", (blob, other(annotations, **{CHUNKED[0]: sha256(b"")}), diff_id), 1, "LRE401", sha256(b"")
    yield "both", (blob, other(annotations, **{STARGZ: sha256(b"")}), diff_id), 1, "LRE410", "both eStargz and zstd:chunked"
    yield "chunked-position", chunked(real, position="8:9:9:1"), 3, "LRE410", "name different tables"
    yield "chunked-position-words", chunked(real, position="somewhere"), 3, "LRE901", "the position of the table"
    yield "chunked-no-footer", chunked(real, footer=0), 1, "LRE410", "does not end in the footer"

    # Footers that lead elsewhere, or are cut.
    blob, annotations, diff_id = stargz()
    yield "stargz-cut-footer", (blob[:-1], annotations, diff_id), 3, "LRE410", "does not end in the footer"
    yield "stargz-no-footer", (blob[:-51], annotations, diff_id), 1, "LRE410", "does not end in the footer"
    for name, at in (("end", 1 << 40), ("start", 0)):
        yield f"stargz-{name}", stargz(footer=lambda _, at=at: stargz_footer(b"%016xSTARGZ" % at)), 1, "LRE410", ""
    yield "stargz-inside", stargz(footer=lambda at: stargz_footer(b"%016xSTARGZ" % (at + 1))), 1, "LRE410", "where no stargz.index.json is"
    yield "stargz-external", stargz(drop={"table"}, footer=lambda at: stargz_footer(b"STARGZEXTERNALTOC")), 3, "LRE901", "in another image"
    blob, _, diff_id = stargz()
    # Two tables: the archive's own, and what the footer leads to behind it.
    table = tarfile.TarInfo("stargz.index.json")
    text = b'{"version": 1, "entries": []}'
    table.size = len(text)
    hidden = gzip(table.tobuf() + text.ljust(512, b"\0"))
    two = blob[:-51] + hidden + stargz_footer(b"%016xSTARGZ" % (len(blob) - 51))
    plain = zlib_all(two)
    yield "stargz-two-tables", (two, {STARGZ: sha256(text)}, sha256(plain)), 1, "LRE410", "is another one than the footer leads to"

    # Tables that are none.
    for name, text in (("cut", b'{"version": 1, "entries": ['), ("list", b"[]"), ("empty", b""), ("number", b"7"),
                       ("deep", b'{"entries": [{"x": ' + b"[" * 100000),
                       ("no-entries", b'{"version": 1}'), ("binary", bytes(range(256))),
                       ("no-name", b'{"entries": [{"type": "reg"}]}'),
                       ("dots", b'{"entries": [{"name": "../../etc/passwd", "type": "reg"}]}'),
                       ("negative", b'{"entries": [{"name": "x", "type": "reg", "size": -1}]}'),
                       ("fraction", b'{"entries": [{"name": "x", "type": "reg", "size": 1e300}]}'),
                       ("chunk", b'{"entries": [{"name": "x", "type": "chunk"}]}')):
        yield f"stargz-table-{name}", stargz(table=text), 3, "LRE901", "table of contents"
        yield f"chunked-table-{name}", chunked(real, table=text), 3, "LRE901", "table of contents"
    yield "chunked-table-huge", chunked(real, table=bytes(200 << 20)), 3, "LRE902", "limit"
    yield "stargz-no-digests", stargz(without_digests), 3, "LRE901", "has no digest for the contents of 3 files"


def zlib_all(data):
    """What all gzip members of data unpack to."""
    plain = b""
    while data:
        unpacker = zlib.decompressobj(31)
        plain += unpacker.decompress(data)
        data = unpacker.unused_data
    return plain


def check(program, directory, case):
    name, layer, exit_code, rule, words = case
    image(directory / name, *layer)
    run = subprocess.run([program, "image", f"oci:{directory}/{name}:t", "--format", "json"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    try:
        findings = json.loads(run.stdout).get("findings", [])
    except ValueError:
        return f"exit {run.returncode}, no report: {run.stderr.decode(errors='replace').strip()}"
    shown = "".join("\n    " + json.dumps(f) for f in findings)
    if run.returncode != exit_code:
        return f"exit {run.returncode}, not {exit_code}:{shown}"
    if rule is None:
        return f"findings of an image that is as it should be:{shown}" if findings else None
    said = [json.dumps(f) for f in findings if f["rule"] == rule]
    if not any(all(word in text for word in words.split("|")) for text in said):
        return f"no {rule} says \"{words}\":{shown}"
    return None


def main(program):
    directory = Path.cwd()
    all_cases = list(cases(directory))
    assert len(all_cases) > 70, len(all_cases)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        wrong = list(pool.map(lambda case: check(program, directory, case), all_cases))
    for case, problem in zip(all_cases, wrong):
        print("ok  " if problem is None else "FAIL", case[0], problem or "")
    sys.exit(any(wrong))


main(*sys.argv[1:])
