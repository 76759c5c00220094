#!/bin/bash
# Images where podman keeps them: what was tampered with is told, and nothing leads out of the storage.
source "$(dirname "$0")/common.sh"
source "$here/image_forms.sh"
stored skopeo copy -q "oci:$world/oci:small" "$(storage overlay)worker:small"
cp -a storage-overlay whole
again() { chmod -R u+w storage-overlay && rm -rf storage-overlay && cp -a whole storage-overlay; }
small() { local code=$1; shift; exits "$code" image "$(storage overlay)worker:small" --closure "$world/closures/small.json" --format json "$@"; }
exits 1 image "oci:$world/oci:small" --closure "$world/closures/small.json" --format json
python3 -c 'import json; print(sorted(f["rule"] for f in json.load(open("out"))["findings"]))' > expected
small 1
holds 'str(sorted(rules)) == open("expected").read().strip()'
digest=$(python3 -c 'import json; print(json.load(open("out"))["subjects"][0]["digest"])')
[ "$digest" = "$(skopeo inspect --format '{{.Digest}}' "oci:$world/oci:small")" ] || fail "digest $digest"

# By digest, id, and the names that docker shortens; the driver is found out.
id=$(python3 -c 'import json; print(json.load(open("storage-overlay/overlay-images/images.json"))[0]["id"])')
for name in "worker@$digest" "@$id" "$id" "${id:0:12}" "docker.io/library/worker:small"; do
  exits 1 image "containers-storage:[$work/storage-overlay]$name" --closure "$world/closures/small.json"
done
exits 2 image "containers-storage:[$work/storage-overlay]worker" --closure "$world/closures/small.json"
says 'no image has the name "worker"; images: docker.io/library/worker:small' err
exits 2 image "containers-storage:[$work/none]worker:small"
says "no container storage" err
exits 2 image "containers-storage:[btrfs@$work/storage-overlay]worker:small"
says 'driver "btrfs" is not read' err
# Where storage.conf says it is.
printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\n' "$work/storage-overlay" > storage.conf
CONTAINERS_STORAGE_CONF=$work/storage.conf exits 1 image containers-storage:worker:small \
  --closure "$world/closures/small.json"

diff=$(echo storage-overlay/overlay/*/diff)
program=$(find "$diff" -path '*hello*/bin/hello' -type f)
# Other contents of the same length; a file less; a file more, which a container would see.
bin=$(dirname "$program")
# altered COMMAND...: with the modes of file and directory as they were afterwards.
altered() { chmod u+w "$bin" "$program"; "$@"; chmod u-w "$bin"; [ ! -f "$program" ] || chmod u-w "$program"; }
scribble() { printf 'X' | dd of="$program" bs=1 seek=2000 conv=notrunc status=none; }
altered scribble
small 1
holds '"LRE402" in rules and "LRE901" not in rules'
again; altered rm "$program"
small 1
holds 'any(f["rule"] == "LRE402" and "bin/hello" in str(f) for f in findings)'
again; extra() { printf '#!/opt/python\n' > "$bin/extra"; chmod 555 "$bin/extra"; }; altered extra
small 1
holds 'any(f["rule"] == "LRE410" and "extra is not in the archive" in str(f) for f in findings)'
holds 'any(f["rule"] == "LRE201" and f["path"].endswith("/extra") for f in findings)'
again; chmod 777 "$program"
small 1
holds 'any(f["rule"] == "LRE410" and "has mode 0777" in str(f) for f in findings)'

# Without the record of the archive there is nothing to hold it against.
again; rm storage-overlay/overlay-layers/*.tar-split.gz
small 1
holds 'str(sorted(rules)) == open("expected").read().strip()'
again; split=$(echo storage-overlay/overlay-layers/*.tar-split.gz)
chmod u+w "$split"; truncate -s 500 "$split"
small 3
holds 'any(f["rule"] == "LRE901" and "held against its digest" in f["message"] for f in findings)'

# edit FILE PYTHON: changes the document `d`.
edit() { chmod u+w "$1"; python3 -c 'import json, sys
d = json.load(open(sys.argv[1])); exec(sys.argv[2]); json.dump(d, open(sys.argv[1], "w"))' "$@"; }
images=storage-overlay/overlay-images/images.json layers=storage-overlay/overlay-layers/layers.json
# The storage's own tables cannot make it read elsewhere.
mkdir -p outside/diff && echo secret > outside/diff/secret
again; edit $layers 'd[0]["id"] = "../../outside"'; edit $images 'd[0]["layer"] = "../../outside"'
small 3
holds 'any("64 hexadecimal digits" in f["message"] for f in findings) and "secret" not in str(report)'
again; edit $images 'd[0]["id"] = "../../../outside"'
small 3
holds '"LRE901" in rules'
again; layer=$(basename "$(dirname "$diff")"); chmod -R u+w "$diff"; rm -rf "$diff"; ln -s ../../../outside/diff "$diff"
small 3
says_not secret
again; altered ln -sf "$work/outside/diff/secret" "$program"
small 1
holds '"LRE402" in rules'; says_not secretsecret

again; edit $layers 'd[0]["parent"] = d[0]["id"]'
small 3
holds 'any("its own parent" in f["message"] for f in findings)'
again; edit $layers 'd[0]["id"] = "0" * 64'
small 3
again; edit $layers 'd[0]["diff-digest"] = "sha256:" + "0" * 64'
small 1
holds '"LRE410" in rules'
again; edit $images 'd[0]["digest"] = "sha256:" + "0" * 64'
small 1
holds '"LRE401" in rules'
again; rm -rf "$(dirname "$diff")"
small 3
again; chmod u+w $images; truncate -s 100 $images
small 3
holds '"LRE901" in rules'
again; rm $layers
small 3
