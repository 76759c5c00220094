#!/usr/bin/env python3
"""Reads and rewrites one image of an OCI layout, where umoci cannot.

  layout.py DIR TAG layer N              prints the digest of layer N
  layout.py DIR TAG wrong-diff-id NEW    a copy, tagged NEW, whose configuration lies about layer 0
"""
import hashlib
import json
import sys
from pathlib import Path


def read_blob(layout, descriptor):
    return json.loads((layout / "blobs" / descriptor["digest"].replace(":", "/")).read_text())


def write_blob(layout, descriptor, content):
    """Writes `content` as JSON and points `descriptor` at it."""
    data = json.dumps(content).encode()
    digest = hashlib.sha256(data).hexdigest()
    (layout / "blobs/sha256" / digest).write_bytes(data)
    return {**descriptor, "digest": f"sha256:{digest}", "size": len(data)}


def main(directory, tag, action, argument):
    layout = Path(directory)
    name = "org.opencontainers.image.ref.name"
    index = json.loads((layout / "index.json").read_text())
    image = next(m for m in index["manifests"] if m["annotations"][name] == tag)
    manifest = read_blob(layout, image)
    if action == "layer":
        print(manifest["layers"][int(argument)]["digest"].removeprefix("sha256:"))
        return
    config = read_blob(layout, manifest["config"])
    config["rootfs"]["diff_ids"][0] = "sha256:" + hashlib.sha256(b"another layer").hexdigest()
    manifest["config"] = write_blob(layout, manifest["config"], config)
    copy = write_blob(layout, image, manifest)
    copy["annotations"] = {name: argument}
    index["manifests"] = [m for m in index["manifests"] if m["annotations"][name] != argument] + [copy]
    (layout / "index.json").write_text(json.dumps(index))


main(*sys.argv[1:])
