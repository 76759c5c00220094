#!/bin/bash
# Signatures and content addresses that Nix wrote are right wherever they are read from, and a record
# that was changed is found.
source "$(dirname "$0")/common.sh"
export NIX_CONFIG=$'build-users-group =\nexperimental-features = nix-command\nsubstituters =' HOME=$work
mkdir -p a root && store="local?root=$work/root"
nix() { command nix "$@" 2> nix.log || { cat nix.log >&2; fail "nix $*"; }; }
for name in one two; do
  nix key generate-secret --key-name "$name-1" > "$name.secret"
  nix key convert-secret-to-public < "$name.secret" > "$name.public"
done
# Paths that need signatures: not named by their contents, not built here. Copied out of the world.
hello=$(grep -- -hello- "$world/closure.txt") glibc=$(grep -- '-glibc-[0-9.]*$' "$world/closure.txt")
mkdir -p world/nix/store world/nix/var/nix
cp -r "$world/root/nix/var/nix/db" world/nix/var/nix/
for path in "$hello" "$glibc"; do cp -a "$world/root$path" world/nix/store/; done
nix copy --from "local?root=$work/world" --to "$store" --no-check-sigs "$hello"
nix copy --from "$store" --to "file://$work/unsigned?compression=none" --no-check-sigs "$hello"
nix store sign --store "$store" --key-file one.secret -r "$hello"
nix copy --from "$store" --to "file://$work/cache?compression=none" --no-check-sigs "$hello"
nix path-info --store "$store" --json -r "$hello" > closure.json
# Format 3, as Nix 2.35 documents it: no Nix here writes it.
python3 - <<'END'
import json
info = {}
base = lambda path: path.rsplit("/", 1)[1]
for entry in json.load(open("closure.json")):
    signatures = [dict(zip(("keyName", "sig"), s.split(":", 1))) for s in entry["signatures"]]
    info[base(entry["path"])] = {"narHash": entry["narHash"], "narSize": entry["narSize"], "ca": None,
        "references": [base(r) for r in entry["references"]], "signatures": signatures, "ultimate": False}
json.dump({"version": 3, "storeDir": "/nix/store", "info": info}, open("closure3.json", "w"))
END
one=$(cat one.public) two=$(cat two.public)

for closure in closure.json closure3.json cache "store:$work/root"; do
  exits 0 image "rootfs:$work/root" --closure "$closure" --trusted-key "$one" --trusted-key @two.public --format json
  holds '"LRE308" not in rules'
  # No key but another's: told only because it was asked for.
  exits 1 image "rootfs:$work/root" --closure "$closure" --trusted-key "$two" --format json
  holds 'sorted(f["path"] for f in errors if f["rule"] == "LRE308") == sorted(["'"$hello"'", "'"$glibc"'"])'
  says 'no signature by two-1, only by one-1'
  exits 0 image "rootfs:$work/root" --closure "$closure"
done
# The gate asks the same of its images' closures.
mkdir gate
echo "image { reference: \"rootfs:$work/root\" closure: \"../closure.json\" }" > gate/lre-audit.textproto
exits 0 check gate --trusted-key "$one"
exits 1 check gate --trusted-key "$two" --format json
holds 'rules.count("LRE308") == 2'
exits 2 check gate --trusted-key @nowhere
exits 0 store --from cache "$hello" --trusted-key @one.public
exits 1 store --from unsigned "$hello" --trusted-key @one.public --format json
holds 'rules.count("LRE308") == 2'
exits 0 store --from unsigned "$hello"

# A record that was changed where no contents contradict it: the key may be Nix's own, of any place
# where its configuration stands. What was left out of it the contents show, too.
forged=forged.json
python3 - <<'END'
import json
for change in "forged", "omits":
    closure = json.load(open("closure.json"))
    for entry in closure:
        if "-hello-" in entry["path"]:
            entry["references"] = entry["references"] + [entry["path"]] if change == "forged" else []
    json.dump(closure, open(change + ".json", "w"))
END
exits 1 image "rootfs:$work/root" --closure omits.json --trusted-key "$one" --format json
holds '{"LRE304", "LRE308"} <= set(rules)'
exits 1 image "rootfs:$work/root" --closure omits.json --format json
holds '"LRE304" in rules and "LRE308" not in rules'
told() { holds '[(f["rule"], f["path"]) for f in findings if f["rule"] == "LRE308"] == [("LRE308", "'"$hello"'")]'; }
exits 1 image "rootfs:$work/root" --closure $forged --trusted-key "$one" --format json
told
says 'the signature by one-1 is not of what is recorded'
exits 0 image "rootfs:$work/root" --closure $forged --format json
holds '"LRE308" not in rules'
NIX_CONFIG="extra-trusted-public-keys = $one" exits 1 image "rootfs:$work/root" --closure $forged --format json
told
mkdir conf && echo '!include missing' > conf/nix.conf && echo "include keys" >> conf/nix.conf
echo "trusted-public-keys = $two $one # ours" > conf/keys
NIX_CONF_DIR=$work/conf exits 1 image "rootfs:$work/root" --closure $forged --format json
told
mkdir -p .config/nix && cp conf/keys .config/nix/nix.conf
exits 1 image "rootfs:$work/root" --closure $forged --format json
told
rm -r .config
sed -i 's/^Sig: one-1:..../Sig: one-1:AAAA/' "cache/$(basename "$hello" | cut -c1-32).narinfo"
exits 1 store --from cache "$hello" --trusted-key "$one" --format json
told

# What names its contents needs no signature, and must be what it says.
mkdir texts && echo text > texts/text && echo flat > flat
added=$(nix-store --store "$store" --add texts)
flat=$(nix-store --store "$store" --add-fixed sha1 flat)
recursive=$(nix-store --store "$store" --add-fixed --recursive md5 texts)
text=$(nix-instantiate --store "$store" --eval --read-write-mode --expr 'builtins.toFile "text" "hello"' | tr -d '"')
nix path-info --store "$store" --json "$added" "$flat" "$recursive" "$text" > ca.json
grep -q 'fixed:md5\|fixed:r:md5' ca.json && grep -q 'text:sha256' ca.json || fail 'Nix wrote other content addresses'
mkdir -p ca/nix/store && for path in "$added" "$flat" "$recursive" "$text"; do cp -a "root$path" ca/nix/store/; done
exits 0 image "rootfs:$work/ca" --closure ca.json --trusted-key "$one" --format json
holds '"LRE308" not in rules'
for change in 's/fixed:sha1:0*[0-9a-z]/fixed:sha1:0/' 's/text:sha256:0/text:sha256:1/' 's/fixed:r:sha256/fixed:r:md5/'; do
  sed -E "$change" ca.json > changed.json
  ! cmp -s ca.json changed.json || fail "$change changed nothing"
  exits 1 image "rootfs:$work/ca" --closure changed.json --format json
  holds 'rules.count("LRE308") == 1'
done

# What cannot be asked is not passed over.
nix-store --store "$store" -qR "$hello" > closure.txt
exits 3 image "rootfs:$work/root" --closure closure.txt --trusted-key "$one"
says 'this closure records none'
exits 2 image "rootfs:$work/root" --closure closure.json --trusted-key "$(cat one.secret)"
says 'is a secret key' err
! grep -qF "$(cut -d: -f2 one.secret)" err || fail 'the secret key was printed'
exits 2 image "rootfs:$work/root" --closure closure.json --trusted-key cache.example.org
says 'is no public key; expected NAME:BASE64' err
exits 2 image "rootfs:$work/root" --closure closure.json --trusted-key @nowhere
says 'nowhere: cannot open' err
