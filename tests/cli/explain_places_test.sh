#!/bin/bash
# `lre-audit explain` with --toolchain, --closure and --image: where the store paths of a cause come
# from. The logs are written by hand, of two actions; what they name is the world's.
source "$(dirname "$0")/common.sh"
cc=$(grep -m1 -- -cc-wrapper- "$world/closure.txt")
old=/nix/store/az9s84fharvwg4xbrnjw4hjy7xd973ik-cc-wrapper-11.3.0

# log FILE COMPILER IMAGE
log() {
  python3 - "$@" << 'END_OF_PYTHON'
import json, sys
name, compiler, image = sys.argv[1:]
digest = {"hash": "0" * 64, "sizeBytes": "1", "hashFunctionName": "SHA-256"}
with open(name, "w") as log:
    for unit in "one", "two":
        log.write(json.dumps({
            "commandArgs": [compiler + "/bin/cc", "-c", unit + ".c"], "listedOutputs": [unit + ".o"],
            "actualOutputs": [{"path": unit + ".o", "digest": digest}], "remotable": True, "cacheable": True,
            "platform": {"properties": [{"name": "container-image", "value": "docker://" + image}]},
            "remoteCacheable": True, "mnemonic": "CppCompile", "runner": "local"}) + "\n")
END_OF_PYTHON
}
tag=$(sed -n 's|.*docker://\(lre-cc:.*\)".*|\1|p' "$world/repository/generated-cc/config/BUILD")
log local.json "$cc" "$tag"
log remote.json "$old" "$tag"
mkdir -p rootfs"$old"/bin && touch rootfs"$old"/bin/cc
# noted WORDS: in one note of the first error.
noted() { holds "any('''$1''' in note for note in errors[0]['notes'])"; }

exits 1 explain local.json remote.json --format json
holds "[f['rule'] for f in errors] == ['LRE709'] and not errors[0]['notes']"

# --- the toolchain and the closure are local's, the image is remote's
exits 1 explain local.json remote.json --closure "$world/closure.txt" \
  --toolchain "$world/repository/generated-cc" --image rootfs:rootfs --format json
noted "the local cc-wrapper 12.2.0 is in the toolchain $world/repository/generated-cc, the closure"
noted "not in the image rootfs:rootfs, which has cc-wrapper 11.3.0 instead"
noted "the remote cc-wrapper 11.3.0 is in the image rootfs:rootfs; not in the toolchain"
noted 'are of two pins'

# --- all of one state, in a store that is asked: nobody has the other one
exits 1 explain local.json remote.json --closure "store:$world/root" --image "oci:$world/oci:$tag" \
  --format json
noted "the local cc-wrapper 12.2.0 is in the closure store:$world/root, the image oci:"
noted 'the remote cc-wrapper 11.3.0 is not in the closure'
holds "not any('two pins' in note for note in errors[0]['notes'])"

# --- images by name
log renamed.json "$cc" lre-cc:az9s84fharvwg4xbrnjw4hjy7xd973ik
exits 1 explain local.json renamed.json --image "oci:$world/oci:$tag" --format json
holds "[f['rule'] for f in errors] == ['LRE708']"
noted 'has the name that the local build asks for'

# --- what cannot be opened is refused, by name
exits 2 explain local.json remote.json --closure nowhere
says nowhere err
exits 2 explain local.json remote.json --toolchain "$work/rootfs"
says rootfs err
exits 2 explain local.json remote.json --image oci:nowhere
says nowhere err
# --- and what can be read in part is told
cp -r "$world/oci" damaged
python3 - << 'END_OF_PYTHON'
import os
# The largest blob is a layer.
name = max((os.path.join("damaged/blobs/sha256", name) for name in os.listdir("damaged/blobs/sha256")), key=os.path.getsize)
os.chmod(name, 0o644)
os.truncate(name, os.path.getsize(name) // 2)
END_OF_PYTHON
exits 3 explain local.json remote.json --image "oci:damaged:$tag" --format json
holds "sorted(f['rule'] for f in errors) == ['LRE709', 'LRE901']"
