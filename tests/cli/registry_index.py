#!/usr/bin/env python3
"""Adds an index to an OCI layout, tagged "index": registry_index.py LAYOUT TAG PLATFORM [TAG PLATFORM]..."""
import hashlib
import json
import sys
from pathlib import Path

layout, *images = sys.argv[1:]
layout = Path(layout)
name = "org.opencontainers.image.ref.name"
top = json.loads((layout / "index.json").read_text())
entries = []
for tag, platform in zip(images[::2], images[1::2]):
    system, architecture, *variant = platform.split("/")
    entry = next(m for m in top["manifests"] if m["annotations"][name] == tag)
    entries.append({"mediaType": entry["mediaType"], "digest": entry["digest"], "size": entry["size"],
                    "platform": {"os": system, "architecture": architecture,
                                 **({"variant": variant[0]} if variant else {})}})
media_type = "application/vnd.oci.image.index.v1+json"
data = json.dumps({"schemaVersion": 2, "mediaType": media_type, "manifests": entries}).encode()
digest = hashlib.sha256(data).hexdigest()
(layout / "blobs/sha256" / digest).write_bytes(data)
top["manifests"].append({"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data),
                         "annotations": {name: "index"}})
(layout / "index.json").write_text(json.dumps(top))
