#!/bin/bash
# The flake evaluates: every output, on every system, with Debian's Nix and a stub of nixpkgs.
# Nothing is fetched or built.
set -euo pipefail
repository=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'status=$?; [ $status = 0 ] || cat "$work/log" >&2; chmod -R u+w "$work"; rm -rf "$work"; exit $status' EXIT
export HOME=$work NIX_REMOTE="local?root=$work/store"
export NIX_CONFIG=$'experimental-features = nix-command flakes\nsubstituters =\nflake-registry ='

# The tree as committed or about to be, as a flake outside Git.
mkdir "$work/flake" && cd "$repository"
tar -cf - --exclude=./build --exclude=./.git . | tar -xf - -C "$work/flake"

evaluate() {
  nix eval --no-write-lock-file --override-input nixpkgs "path:$work/flake/tests/flake/stub" "path:$work/flake#$1" "${@:2}" 2> "$work/log"
}

for system in x86_64-linux aarch64-linux; do
  [ "$(evaluate packages.$system.default.name --raw)" = lre-audit-0.1.0 ]
  [ "$(evaluate packages.$system.default.meta.mainProgram --raw)" = lre-audit ]
  evaluate apps.$system.default.program --raw | grep -q '/bin/lre-audit$'
  evaluate devShells.$system.default.drvPath --raw > /dev/null
  evaluate checks.$system.package.drvPath --raw > /dev/null
  evaluate checks.$system.self-audit.drvPath --raw > /dev/null
done
evaluate overlays.default --apply 'overlay: (overlay { callPackage = _: _: "called"; } { }).lre-audit' --raw | grep -qx called

# The test can fail: a package that nixpkgs does not have stops the evaluation.
sed -i 's/^, zstd$/, zstd\n, no-such-package/' "$work/flake/nix/package.nix"
if evaluate packages.x86_64-linux.default.name --raw > "$work/out"; then
  echo "a package that nixpkgs lacks goes unnoticed" >&2
  exit 1
fi
grep -q 'nixpkgs has no no-such-package' "$work/log"

# nixpkgs is the only input, pinned to one public revision.
python3 - "$repository/flake.lock" <<'PYTHON'
import json, re, sys
nodes = json.load(open(sys.argv[1]))["nodes"]
assert set(nodes) == {"nixpkgs", "root"}, set(nodes)
locked = nodes["nixpkgs"]["locked"]
assert re.fullmatch("[0-9a-f]{40}", locked["rev"]) and locked["narHash"].startswith("sha256-")
assert (locked["owner"], locked["repo"]) == ("NixOS", "nixpkgs")
PYTHON
