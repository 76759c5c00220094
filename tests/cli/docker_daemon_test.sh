#!/bin/bash
# Images of a Docker daemon: as the same image in an archive, and what can go wrong on the way.
source "$(dirname "$0")/common.sh"
source "$here/image_forms.sh"
skopeo copy -q "oci:$world/oci:small" docker-archive:small.tar:worker:small
id=sha256:$(tar -tf small.tar | sed -n 's/\.json$//p' | grep -v manifest)
head -c 100000 /dev/zero > zeros
daemon worker:small=small.tar worker:latest=small.tar "$id=small.tar" broken:small=small.tar no:tar=zeros \
  endless:small=small.tar endless:garbage="$LRE_AUDIT" hangup:small=small.tar \
  no:image="$world/layers/worker.tar"
closure=(--closure "$world/closures/small.json" --format json)
exits 1 image docker-archive:small.tar "${closure[@]}"
python3 -c 'import json; print(sorted(f["rule"] for f in json.load(open("out"))["findings"]))' > expected
for name in worker:small worker "$id"; do
  exits 1 image "docker-daemon:$name" "${closure[@]}"
  holds 'str(sorted(rules)) == open("expected").read().strip()'
done
# Nothing of it is left.
mkdir spool
TMPDIR=$work/spool exits 1 image docker-daemon:worker "${closure[@]}"
[ -z "$(ls spool)" ] || fail "left in TMPDIR: $(ls spool)"
TMPDIR=$work/none exits 2 image docker-daemon:worker "${closure[@]}"
says "TMPDIR names another directory" err

exits 2 image docker-daemon:other "${closure[@]}"
says "docker-daemon:other: reference does not exist: other:latest" err
exits 2 image docker-daemon:no:image "${closure[@]}"
says "no docker-archive" err
exits 2 image docker-daemon:no:tar "${closure[@]}"
exits 3 image docker-daemon:broken:small "${closure[@]}"
holds 'report["verdict"] == "INCOMPLETE"'
says "unix://$work/docker.sock: /images/get: "
# One that never ends is not kept for ever: the archive has ended, or is none.
exits 3 image docker-daemon:endless:small "${closure[@]}"
holds 'any(f["rule"] == "LRE902" and "behind the end of the archive" in f["message"] for f in findings)'
holds '[r for r in rules if r != "LRE902"] != [] and report["statistics"]["files"] > 0'
exits 3 image docker-daemon:endless:garbage "${closure[@]}"
# Who does not answer is named by its socket.
exits 2 image docker-daemon:hangup:small "${closure[@]}"
says "docker-daemon:hangup:small: unix://$work/docker.sock: " err
says_not localhost err
DOCKER_HOST=unix://$work/none.sock exits 2 image docker-daemon:worker "${closure[@]}"
says "no Docker daemon answers at $work/none.sock: No such file or directory; is it running" err
DOCKER_HOST=tcp://127.0.0.1:2375 exits 2 image docker-daemon:worker "${closure[@]}"
says "docker save" err
