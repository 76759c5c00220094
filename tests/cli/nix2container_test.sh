#!/bin/bash
# nix2container's description of an image is audited as the image that would be made of it, and its
# digests are held against archives that nobody has written. nix2container.go is the oracle.
source "$(dirname "$0")/common.sh"
export GO111MODULE=off GOCACHE=$work/go-cache
export NIX_REMOTE="local?root=$work/root" NIX_CONFIG='build-users-group ='

# A store of its own, with the world's toolchain, a worker's skeleton, and what archives find hard.
mkdir -p root/nix/store root/nix/var/nix tars
cp -r "$world/root/nix/var/nix/db" root/nix/var/nix/
for path in $(cat "$world/closure.txt"); do cp -a "$world/root$path" root/nix/store/; done
worker=$(nix-store --add "$world/skeleton")
python3 - << 'END'
import os
def write(path, data=b"x"):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    open(path, "wb").write(data)
for name in ["plain", "n\u00e4me/\u65e5\u672c", "d" * 90 + "/" + "f" * 90, "n" * 200, "a b/c", "a.b/c", "a-b", "a/c",
             "/".join(["deep" * 10] * 8) + "/file", "x" * 99 + "/" + "y" * 150]:
    write("odd/" + name, name.encode())
write(b"odd/bytes\xff/\x80", b"no UTF-8")
for size in [0, 1, 511, 512, 513, 300000]:
    write(f"odd/sizes/{size}", b"s" * size)
os.mkdir("odd/empty")
write("odd/bin/tool", b"tool")
os.chmod("odd/bin/tool", 0o755)
os.link("odd/bin/tool", "odd/bin/hardlink")
for target in ["bin/tool", "n\u00e4me", "long/" * 50]:
    os.symlink(target, f"odd/link{len(target)}")
END
odd=$(nix-store --add odd)

# python CODE...: with the words that the descriptions below are made of.
python() {
  odd=$odd worker=$worker python3 -c 'import json, os, sys
odd, worker = os.environ["odd"], os.environ["worker"]
def plain(*paths): return {"paths": [{"path": path} for path in paths]}
def moved(path, regex, to, **options):
    return {"path": path, "options": {"rewrite": {"regex": regex, "repl": to}, **options}}
def save(image, name): json.dump(image, open(name, "w"))
exec(sys.argv[1])' "$@"
}
# edit NAME CODE: a copy of image.json after the code has changed it.
edit() { python 'image = json.load(open("image.json")); layers = image["layers"]; exec(sys.argv[3]); save(image, sys.argv[2])' "$@"; }
# complete DESCRIPTION COMPLETED DIRECTORY
go build -o nix2container "$here/nix2container.go"
complete() { mkdir -p "$3" && ./nix2container "$work/root" "$@"; }
# image CODE NAME: audits it against the store that its paths are in.
image() { local code=$1 name=$2; shift 2; exits "$code" image "nix:$name" --closure "store:$work/root" --format json "$@"; }

# The digests of archives as nix2container would write them: a layer for each thing that can be said.
python '
save({"image-config": {}, "layers": [
    plain(odd),
    {"paths": [moved(odd, "^" + odd, "")]},
    {"paths": [moved(odd, "^" + odd, "", perms=[
        {"regex": ".*", "mode": "0700", "uid": 1000, "gid": 100, "uname": "user", "gname": "users"},
        {"regex": "/bin/", "mode": "4755"}, {"regex": "sizes$", "uid": 3000000}])]},
    {"paths": [moved(odd, "/store/[^/]*/(a[^/]*)", "/$1-${1}//./sub")]},
    {"paths": [moved(odd, "^/nix/store/[^/]*/?", "")]},
    {"paths": [moved(odd, "link", "l\u00efnk$$")]},
    {"paths": [{"path": odd + "/bin"}, moved(odd + "/a", "^.*-odd/a", "/etc")]},
    {"paths": [{"path": odd}, moved(odd, "^" + odd + "/bin", "/bin")]},
    {"paths": [{"path": odd, "options": {"perms": [{"regex": "bytes.$", "mode": "0755"}]}}]},
    {"paths": [moved(odd, "^/nix/store/[^/]*", "/opt/../srv//app")]}]}, "odd.spec")'
complete odd.spec odd.json odd-tars
exits 1 image nix:odd.json --closure "store:$work/root" --format json  # what leaks: all of it lies outside the store
holds '"LRE401" not in rules and "LRE402" not in rules and "LRE901" not in rules'
holds 'report["subjects"][0]["platform"] == "linux/amd64"'

# The world's image: the same findings as of the image that is made of the same archives.
python '
closure = open(sys.argv[2]).read().split()
save({"image-config": {"Env": open(sys.argv[3]).read().split("\n")[:-1], "Entrypoint": [sys.argv[4]], "WorkingDir": "/tmp"},
      "layers": [plain(*closure[:8]), plain(*closure[8:16]), plain(*closure[16:]),
                 {"paths": [moved(worker, "^" + worker, "", perms=[{"regex": "/tmp$", "mode": "1777"}])]}]},
     "image.spec")' "$world/closure.txt" "$world/env.txt" "$(grep -m1 -- -bash- "$world/closure.txt")/bin/bash"
complete image.spec image.json image-tars
image 0 image.json
holds 'report["verdict"] == "CLEAN" and not errors'
holds 'report["statistics"]["store_paths"] == '"$(wc -l < "$world/closure.txt")"
cp out nix.report
image 0 image.json --jobs 1
python 'a, b = (json.load(open(f)) for f in ("nix.report", "out")); sys.exit(a != b)' || fail "--jobs 1 says something else"
exits 0 image image.json --closure "store:$work/root" --format json  # found out without a transport

umoci --log=error init --layout oci
# as_oci NAME TARS: the archives as an image of the layout.
as_oci() {
  local tar
  umoci --log=error new --image "oci:$1"
  for tar in $(find "$2" -name '*.tar' | sort -V); do
    umoci --log=error raw add-layer --image "oci:$1" --history.created_by nix2container "$tar"
  done
}
# agrees NAME JSON: the findings of oci:oci:NAME and of nix:JSON are the same.
agrees() {
  "$LRE_AUDIT" image "oci:oci:$1" --closure "store:$work/root" --format json > oci.report || true
  "$LRE_AUDIT" image "nix:$2" --closure "store:$work/root" --format json > nix.report || true
  python '
a, b = (json.load(open(f)) for f in ("oci.report", "nix.report"))
def findings(report):
    text = json.dumps([{**f, "fingerprint": ""} for f in report.get("findings", [])], sort_keys=True)
    return text.replace(report["subjects"][0]["reference"], "image")
assert a["verdict"] == b["verdict"] and a["statistics"]["files"] == b["statistics"]["files"], (a, b)
assert findings(a) == findings(b), (findings(a), findings(b))' || fail "oci:oci:$1 and nix:$2 differ"
}
as_oci image image-tars
umoci --log=error config --image oci:image --architecture amd64 --os linux --no-history \
  --config.entrypoint "$(grep -m1 -- -bash- "$world/closure.txt")/bin/bash" --config.workingdir /tmp \
  $(sed 's/^/--config.env /' "$world/env.txt")
agrees image image.json
as_oci odd odd-tars
umoci --log=error config --image oci:odd --architecture amd64 --os linux --no-history
agrees odd odd.json

# Without a configuration: the list of layers that buildLayer makes.
python 'save(json.load(open("image.json"))["layers"], "layers.json")'
image 0 layers.json
holds 'report["statistics"]["layers"] == 4'

# Digests that are not those of the archives.
edit wrong.json 'layers[1]["digest"] = "sha256:" + "0" * 64'
image 1 wrong.json
holds '[f["rule"] for f in errors] == ["LRE401"] and "layer 1" in errors[0]["path"]'
edit wrong.json 'layers[1]["diff_ids"] = "sha256:" + "0" * 64'
image 1 wrong.json
holds '[f["rule"] for f in errors] == ["LRE402"]'
edit wrong.json 'layers[1]["size"] += 1'
image 1 wrong.json
holds '[f["rule"] for f in errors] == ["LRE401"]'

# Layers that were written already, as they are and compressed; nix2container does not say how long.
python 'os.makedirs("made")'
cp image-tars/2.tar made/plain.tar
gzip -nc image-tars/3.tar > made/compressed
made=$(nix-store --add made)
edit written.json '
import hashlib
layers[2]["layer-path"], layers[2]["size"] = "'"$made"'/plain.tar", 0
layers[3] = {"layer-path": "'"$made"'/compressed", "size": 0, "diff_ids": layers[3]["diff_ids"],
    "digest": "sha256:" + hashlib.sha256(open("made/compressed", "rb").read()).hexdigest(),
    "mediatype": "application/vnd.oci.image.layer.v1.tar+gzip", "History": {}}
layers[2]["paths"] = layers[0]["paths"]  # what its archive holds, it does not say'
image 0 written.json
holds 'not errors and report["statistics"]["store_paths"] == '"$(wc -l < "$world/closure.txt")"
edit wrong.json 'layers[2]["layer-path"] = "'"$made"'/compressed"'
image 1 wrong.json
holds '"LRE401" in rules'

# Nothing but the store is read: neither other files of this machine nor what its symlinks lead to.
echo 'root:x:0:what nobody named' > secret
ln -s "$work/secret" link-secret
mkdir links && ln -s "$work" links/out && ln -s "$work/secret" links/secret
links=$(nix-store --add links)
for path in "$work/secret" "$work" /etc/passwd "$links/../../../../secret" "$links/out/secret" / /nix/store \
  "$links/./secret" secret; do
  edit outside.json "layers.append({**layers[0], 'paths': [{'path': '$path'}]})"
  image 3 outside.json
  holds '"LRE901" in rules and "LRE401" not in rules'
  holds '"root:x:0" not in str(report)'
  edit outside.json "layers.append({**layers[0], 'layer-path': '$path'})"
  image 3 outside.json
  holds '"LRE901" in rules and "LRE401" not in rules'
done
says 'is read'
edit outside.json "layers.append({**layers[0], 'paths': [{'path': '$links'}]})"
image 1 outside.json  # the symlinks are entries, and not followed
holds '"LRE901" not in rules and all(f["path"] != "'"$links"'/out/secret" for f in findings)'

# What nix2container itself would fail on, or could not be told: the rest is audited all the same.
# refuses WORDS CODE
refuses() {
  edit bad.json "$2"
  image 3 bad.json
  says "$1"
  holds '"LRE901" in rules and report["statistics"]["store_paths"] >= 14'
}
refuses 'is no regular expression' 'layers[0]["paths"][0] = moved(odd, "^(", "")'
refuses 'is no regular expression' 'layers[0]["paths"].append({"path": odd, "options": {"perms": [{"regex": "*"}]}})'
refuses 'no octal number' 'layers[0]["paths"].append({"path": odd, "options": {"perms": [{"regex": ".", "mode": "rwx"}]}})'
refuses 'does not fit into a tar header' 'layers[0]["paths"].append({"path": odd, "options": {"perms": [{"regex": ".", "mode": "-1"}]}})'
refuses 'holds a NUL' 'layers[0]["paths"].append(moved(odd, "^" + odd, "/\x00"))'
refuses 'makes a name of more than' 'layers[0]["paths"].append(moved(odd, ".", "n" * 4000))'
refuses 'a replacement of 5000 bytes' 'layers[0]["paths"].append(moved(odd, ".", "n" * 5000))'
refuses 'stands for two files' 'layers[3]["paths"].append(moved(odd, "^" + odd + "/plain", "/bin/env"))'
refuses 'not in the local store' 'layers[0]["paths"].append({"path": "/nix/store/" + "0" * 32 + "-missing"})'
refuses 'has neither' 'del layers[0]["paths"]'
refuses 'expected an object' 'layers[0]["paths"].append("a string")'
refuses 'expected an integer' 'layers[0]["paths"].append({"path": odd, "options": {"perms": [{"regex": ".", "uid": "root"}]}})'
refuses 'expected a string' 'image["arch"] = 5'
refuses 'version is the number 2' 'image["version"] = 2'
refuses 'digest: ' 'layers[0]["digest"] = "sha256:../../etc/passwd"'
refuses 'for readers that take no heed of case' 'layers[0]["Paths"] = []'

# No description at all.
for text in '' 'digest' '{"layers": ['; do
  printf '%s' "$text" > no.json
  status=0
  "$LRE_AUDIT" image nix:no.json > out 2> err || status=$?
  [[ $status == [23] ]] || fail "$text: exited with $status"
done
exits 2 image nix:missing.json
says 'missing.json' err
exits 2 image nix:made
says 'a directory' err
echo '{"schemaVersion": 2, "manifests": []}' > index.json
exits 3 image nix:index.json
says 'that nix2container has described'

# A path whose contents have changed behind Nix's back: neither archive nor NAR are what they were.
hello=$(grep -- -hello- "$world/closure.txt")
chmod -R u+w "root$hello"
python 'data = bytearray(open(sys.argv[2], "rb").read()); data[-1] ^= 1; open(sys.argv[2], "wb").write(data)' "root$hello/bin/hello"
chmod -R u-w "root$hello"
image 1 image.json
holds '{f["rule"] for f in errors} == {"LRE401", "LRE305"}'
says 'are not those that the image was described from'
