#!/bin/bash
# Several images in one call: a subject each; what cannot be opened is a finding, not the end.
source "$(dirname "$0")/common.sh"
clean=oci:$world/oci:clean closure=$world/closure.json

exits 0 image "$clean" "oci-archive:$world/oci-archive.tar:clean" --closure "$closure" --format json
holds '([s["reference"] for s in report["subjects"]] ==
       ["'"$clean"'", "oci-archive:'"$world"'/oci-archive.tar:clean"])'
holds 'report["verdict"] == "CLEAN"'
holds 'report["statistics"]["store_paths"] == 2 * '"$(wc -l < "$world/closure.txt")"

# Each finding belongs to its image, and is what it is for the image alone.
exits 1 image "oci:$world/oci:loader-environment" --closure "$closure" --format json
cp out alone
exits 1 image "$clean" "oci:$world/oci:loader-environment" --closure "$closure" --format json
holds '([f for f in findings if f["subject"].endswith(":loader-environment")] ==
       json.load(open("alone"))["findings"])'
holds 'all(f["subject"].endswith(":loader-environment") for f in errors)'

# Incomplete outranks findings; a single image that is not there is bad usage.
exits 3 image oci:nothing:here "oci:$world/oci:loader-environment" --closure "$closure" --format json
holds 'report["verdict"] == "INCOMPLETE" and {"LRE901", "LRE406"} <= set(rules)'
holds '([(f["subject"], f["path"]) for f in findings if f["rule"] == "LRE901"] ==
       [("oci:nothing:here", "oci:nothing:here")])'
exits 2 image oci:nothing:here --closure "$closure"
says "error: nothing: No such file" err
exits 2 image "$clean" "$clean" --closure nothing.json

# All platforms of an index, in its order, without what BuildKit puts beside them.
cp -r "$world/oci" oci
python3 - <<'PY'
import hashlib, json
index = json.load(open("oci/index.json"))
read = lambda d: json.load(open("oci/blobs/sha256/" + d["digest"][7:]))
def write(document):
    text = json.dumps(document).encode()
    digest = hashlib.sha256(text).hexdigest()
    open("oci/blobs/sha256/" + digest, "wb").write(text)
    return {"digest": "sha256:" + digest, "size": len(text)}
by_tag = lambda tag: next(m for m in index["manifests"] if m["annotations"]["org.opencontainers.image.ref.name"] == tag)
manifest = read(by_tag("loader-environment"))
config = read(manifest["config"])
config["architecture"] = "arm64"
manifest["config"].update(write(config))
kind = {"mediaType": "application/vnd.oci.image.manifest.v1+json"}
platform = lambda d, arch, os="linux": {**kind, "digest": d["digest"], "size": d["size"],
                                        "platform": {"os": os, "architecture": arch}}
arm = platform(write(manifest), "arm64")
# The second platform stands in an index of its own, as BuildKit nests them.
nested = {"mediaType": "application/vnd.oci.image.index.v1+json",
          **write({"schemaVersion": 2, "manifests": [arm, platform(write({}), "unknown", "unknown")]})}
every = write({"schemaVersion": 2, "manifests": [platform(by_tag("clean"), "amd64"), nested]})
flat = write({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
              "manifests": [platform(by_tag("clean"), "amd64"), arm]})
for name, list in ("every", every), ("flat", flat):
    index["manifests"].append({"mediaType": "application/vnd.oci.image.index.v1+json", **list,
                               "annotations": {"org.opencontainers.image.ref.name": name}})
json.dump(index, open("oci/index.json", "w"))
PY
exits 0 image oci:oci:every --platform linux/amd64 --closure "$closure"
exits 1 image oci:oci:every --all-platforms --closure "$closure" --format json
holds '([(s["reference"], s["platform"]) for s in report["subjects"]] ==
       [("oci:oci:every (linux/amd64)", "linux/amd64"), ("oci:oci:every (linux/arm64)", "linux/arm64")])'
holds '{f["subject"] for f in errors if f["rule"] == "LRE406"} == {"oci:oci:every (linux/arm64)"}'
# skopeo copies no nested indexes.
skopeo copy -q --all oci:oci:flat dir:every
exits 1 image dir:every --all-platforms --closure "$closure" --format json
holds '([s["reference"] for s in report["subjects"]] ==
       ["dir:every (linux/amd64)", "dir:every (linux/arm64)"])'
# An image of one platform is all of its platforms.
exits 0 image "$clean" --all-platforms --closure "$closure" --format json
holds '[s["reference"] for s in report["subjects"]] == ["'"$clean"'"]'
