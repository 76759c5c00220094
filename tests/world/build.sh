#!/bin/bash
# Builds the world: a small, clean Nix store of relocated Debian packages, its closure in every
# form that Nix writes, a clean image of it and leaky ones; a repository whose generated toolchain
# names that store, and repositories in which one thing disagrees.
#   tests/world/build.sh OUT_DIR
# Needs nix-bin, umoci, skopeo, patchelf (./dev setup). Does nothing if OUT_DIR is up to date.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(mkdir -p "${1:?usage: build.sh OUT_DIR}" && cd "$1" && pwd)
source "$here/image.sh"
source "$here/leaks.sh"
source "$here/repositories.sh"

debs=(
  $(sed -n 's/.*debs = \[\([^]]*\)\];.*/\1/p' "$here/packages.nix" | tr -d '"')
)

fetch() { apt-get download -qq -o APT::Sandbox::User=root "${debs[@]}"; }
# apt's lists may be missing or older than the mirror.
refresh() { if [ "$(id -u)" = 0 ]; then apt-get update -qq; else sudo apt-get update -qq; fi; }

# Downloads the Debian packages as NAME.deb, and writes down which versions they are.
download() {
  rm -rf "$out/debs" && mkdir -p "$out/debs"
  (
    cd "$out/debs"
    fetch 2> /dev/null || { refresh && fetch; }
    local file name separator='{'
    for file in *.deb; do
      name=${file%%_*}
      mv "$file" "$name.deb"
      # The upstream version, in characters that a store path may hold.
      printf '%s\n"%s": "%s"' "$separator" "$name" \
        "$(dpkg-deb -f "$name.deb" Version | sed 's/^[0-9]*://; s/-[^-]*$//; s/[^0-9A-Za-z+._-]/-/g')"
      separator=,
    done > versions.json
    printf '\n}\n' >> versions.json
  )
}

# Uses a store of its own under OUT_DIR/root, with its own database, so that the machine's /nix is
# left alone. Nix builds for it in a private mount namespace; where that is not allowed (some
# containers), the machine's store serves, and OUT_DIR/root leads to it.
choose_store() {
  export NIX_CONFIG=$'sandbox = false\nbuild-users-group =\nexperimental-features = nix-command\nsubstituters =\nsandbox-paths = /bin /usr /lib /lib64'
  export NIX_REMOTE="local?root=$out/root"
  [ -L "$out/root" ] || mkdir -p "$out/root"
  local probe='derivation { name = "probe"; system = "x86_64-linux"; builder = "/bin/bash"; args = [ "-c" "echo > $out" ]; }'
  if [ -L "$out/root" ] || ! nix-build --no-out-link -E "$probe" > /dev/null 2>&1; then
    NIX_REMOTE=local
    rm -rf "$out/root" && ln -s / "$out/root"
    nix-build --no-out-link -E "$probe" > /dev/null 2> probe.log || {
      rm "$out/root"
      cat probe.log >&2
      echo "build.sh: Nix can build neither in a store of its own ($out/root) nor in /nix" >&2
      exit 1
    }
  fi
}

build() { nix-build --no-out-link "$here/world.nix" --arg debs "$out/debs" -A "$1" 2> "$out/build.log" || { tail -20 "$out/build.log" >&2; exit 1; }; }

# evaluate ATTRIBUTE: prints a string of world.nix.
evaluate() { nix eval --impure --raw --expr "(import $here/world.nix { debs = $out/debs; }).$1"; }

# Writes the closure of the store paths in $1.txt's roots in the forms that Nix writes.
#   write_closure NAME ROOT...
write_closure() {
  local name=$1; shift
  nix-store -qR "$@" | sort > "$name.txt"
  nix path-info --json -r "$@" > "$name.json"
  nix-store --dump-db $(cat "$name.txt") > "$name.registration"
}

# What the world is made from; a change of any builds it anew.
fingerprint() { find "$here" -type f -print0 | sort -z | xargs -0 cat "$out"/debs/versions.json 2>/dev/null | sha256sum; }

exec 9> "$out/lock" && flock 9
if [ "$(fingerprint)" = "$(cat "$out/stamp" 2>/dev/null)" ]; then exit 0; fi

umask 022
cd "$out"
[ -e debs/versions.json ] && [ "$(find debs -name '*.deb' | wc -l)" = ${#debs[@]} ] || download
choose_store
build clean > roots.txt
write_closure closure $(cat roots.txt)
evaluate env > env.txt
tag=$(evaluate tag)
clean_image
image_variants
leaky_images
repositories
fingerprint > stamp
