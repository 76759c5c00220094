# The leaky images: each is the clean image with one leak planted. Sourced by build.sh.
#
# expected.tsv says, one line per leak, what lre-audit has to report:
#   reference  closure  rule  path  referenced  exit-code  companions
# "*" matches anything. Companions are further rules of severity error that the same leak cannot
# but raise; no other error may be reported.

# expect TAG RULE PATH REFERENCED EXIT [COMPANIONS]
expect() {
  local closure=closure.json
  [ ! -e "closures/$1.json" ] || closure=closures/$1.json
  printf '%s\t' "${layout:-oci:oci}:$1" "$closure" "$2" "$3" "$4" "$5" >> expected.tsv
  printf '%s\n' "${6:-}" >> expected.tsv
}

# image TAG [STORE_PATH...]: the clean image, with further store paths on top.
image() {
  local tag=$1; shift
  umoci_at tag --image oci:clean "$tag"
  (($# == 0)) || { layer extra.tar "$@"; add_layer "$tag" extra.tar; }
}

# closure_with TAG STORE_PATH...: the clean closure and that of further store paths.
closure_with() { local tag=$1; shift; nix path-info --json -r $(cat roots.txt) "$@" > "closures/$tag.json"; }

# edit_closure TAG PYTHON: the closure of TAG after a change to `paths`, a list of path-info objects.
edit_closure() {
  local from=closure.json
  [ ! -e "closures/$1.json" ] || from=closures/$1.json
  python3 -c 'import json, sys
paths = json.load(open(sys.argv[1]))
exec(sys.argv[3])
json.dump(paths, open(sys.argv[2], "w"), indent=1)' "$from" "closures/$1.json" "$2"
}

# stage STORE_PATH: a copy to change, in staged/.
stage() {
  [ ! -d staged ] || { chmod -R u+w staged && rm -rf staged; }
  mkdir -p staged/nix/store && cp -a "root$1" staged/nix/store/
}
# add_staged TAG [TAR_FLAG...] NAME...: puts files under staged/ on top of an image.
add_staged() { local tag=$1; shift; tar_in staged extra.tar "$@"; add_layer "$tag" extra.tar; }
add_outside() { stage "$spare"; install -D -m "$2" "$4" "staged$3"; add_staged "$1" "${3#/}"; }

leaky_images() {
  rm -rf closures && mkdir closures
  : > expected.tsv
  spare=$(build spare)
  build leaks > /dev/null
  built_leaks
  leaks_of_files
  leaks_of_closures
  leaks_of_images
  demo_image
  small_image
}

# Those of leaks.nix: the image and the closure get the path that carries the leak.
built_leaks() {
  local tag rule path referenced exit companions package
  evaluate table > leaks.tsv
  while IFS=$'\x1f' read -r tag rule path referenced exit companions package; do
    image "$tag" $(nix-store -qR "$package" | sort | comm -23 - closure.txt)
    closure_with "$tag" "$package"
    expect "$tag" "$rule" "$path" "$referenced" "$exit" "$companions"
  done < <(tr '\t' '\037' < leaks.tsv)
}

# Leaks that Nix's own store cannot hold, since it makes modes and times canonical.
leaks_of_files() {
  local program=$spare/bin/spare tag
  for tag in privileged-file writable-store-file special-file metadata-not-canonical; do
    image $tag
    closure_with $tag "$spare"
  done

  stage "$spare" && chmod u+s "staged$program"
  add_staged privileged-file "${spare#/}"
  expect privileged-file LRE208 "$program" '*' 1

  stage "$spare" && chmod u+w "staged$program"
  add_staged writable-store-file "${spare#/}"
  expect writable-store-file LRE209 "$program" '*' 0

  stage "$spare" && chmod u+w "staged$spare/share" && mkfifo -m 444 "staged$spare/share/fifo" && chmod u-w "staged$spare/share"
  add_staged special-file "${spare#/}"
  expect special-file LRE210 "$spare/share/fifo" '*' 1 LRE305

  stage "$spare"
  add_staged metadata-not-canonical --mtime=@1000000 "${spare#/}"
  expect metadata-not-canonical LRE211 '*' '*' 0
}

# Image and closure disagree.
leaks_of_closures() {
  image path-not-in-closure "$spare"
  expect path-not-in-closure LRE301 "$spare" '*' 1

  image closure-path-missing
  closure_with closure-path-missing "$spare"
  expect closure-path-missing LRE302 "$spare" '*' 1

  # What refers to the spare path is there, the path is not, in the image or in the closure.
  local referrer
  referrer=$(build referrer)
  image reference-dangling "$referrer"
  closure_with reference-dangling "$referrer"
  edit_closure reference-dangling "paths = [path for path in paths if path['path'] != '$spare']"
  expect reference-dangling LRE303 "$referrer/share/note" "$spare" 1 LRE302

  image reference-undeclared "$referrer" "$spare"
  closure_with reference-undeclared "$referrer"
  edit_closure reference-undeclared "
for path in paths:
  if path['path'] == '$referrer': path['references'] = []"
  expect reference-undeclared LRE304 '*' "$spare" 0

  image nar-hash-mismatch
  closure_with nar-hash-mismatch "$spare"
  stage "$spare" && chmod u+w "staged$spare/share/note" && echo changed > "staged$spare/share/note" && chmod 444 "staged$spare/share/note"
  add_staged nar-hash-mismatch "${spare#/}"
  expect nar-hash-mismatch LRE305 "$spare" '*' 1

  image store-entry-invalid
  stage "$spare" && touch "staged$spare.lock"
  add_staged store-entry-invalid "${spare#/}.lock"
  expect store-entry-invalid LRE307 "$spare.lock" '*' 1
}

leaks_of_images() {
  local tag zlib
  zlib=$(package zlib)

  # The blob's gzip header gets another time: its contents stay readable, its digest does not hold.
  rm -rf oci-altered && mkdir oci-altered && cp -r oci/. oci-altered/
  local blob
  blob=$(python3 "$here/layout.py" oci clean layer 0)
  printf '\1' | dd of="oci-altered/blobs/sha256/$blob" bs=1 seek=4 conv=notrunc status=none
  layout=oci:oci-altered expect clean LRE401 '*' '*' 1

  python3 "$here/layout.py" oci clean wrong-diff-id diff-id-mismatch
  expect diff-id-mismatch LRE402 '*' '*' 1

  image file-outside-store
  add_outside file-outside-store 755 /usr/bin/hello "root$(package hello)/bin/hello"
  expect file-outside-store LRE403 /usr/bin/hello '*' 1

  # The closure gets the hash of the path without the file, so that only the removal is left.
  image store-path-altered "$spare"
  closure_with store-path-altered "$spare"
  stage "$spare" && chmod -R u+w "staged$spare" && rm "staged$spare/share/note"
  edit_closure store-path-altered "
for path in paths:
  if path['path'] == '$spare':
    path['narHash'] = '$(nix hash path "staged$spare")'
    path['narSize'] = $(nix-store --dump "staged$spare" | wc -c)"
  stage "$spare" && chmod u+w "staged$spare/share" && touch "staged$spare/share/.wh.note"
  add_staged store-path-altered "${spare#/}/share/.wh.note"
  expect store-path-altered LRE404 "$spare/share/note" '*' 1

  image environment-outside-store
  configure environment-outside-store --config.env "PATH=$(search_path):/usr/local/bin"
  expect environment-outside-store LRE405 '*' /usr/local/bin 1

  image environment-empty-element
  configure environment-empty-element --config.env "PATH=$(search_path):"
  expect environment-empty-element LRE405 '*' '*' 1

  image loader-environment
  configure loader-environment --config.env "LD_LIBRARY_PATH=$zlib/lib"
  expect loader-environment LRE406 '*' '*' 1

  image entrypoint-outside-store
  configure entrypoint-outside-store --config.entrypoint /usr/bin/make
  expect entrypoint-outside-store LRE407 '*' /usr/bin/make 1

  image loader-configuration
  echo "$zlib/lib/libz.so.1" > preload
  add_outside loader-configuration 644 /etc/ld.so.preload preload
  expect loader-configuration LRE408 /etc/ld.so.preload '*' 1

  image environment-path-missing
  configure environment-path-missing --config.env "PATH=$(search_path):$spare/bin"
  expect environment-path-missing LRE409 '*' "$spare/bin" 1

  image trailing-data
  closure_with trailing-data "$spare"
  layer extra.tar "$spare"
  head -c 512 /dev/zero | tr '\0' x >> extra.tar
  add_layer trailing-data extra.tar
  expect trailing-data LRE411 '*' '*' 0
}

# Several at once, for ./dev demo.
demo_image() {
  local packages
  packages=$(build demo)
  image leaky $packages
  closure_with leaky $packages "$spare"
  configure leaky --config.env "LD_LIBRARY_PATH=$(package zlib)/lib"
}

# The leaks of the demonstration alone, small enough for slow tools.
small_image() {
  local packages hello
  packages=$(build demo)
  hello="$(package hello) $(package glibc)"
  umoci_at new --image oci:small
  layer extra.tar $hello $packages
  add_layer small extra.tar
  configure small --architecture amd64 --os linux --config.env "PATH=$(package hello)/bin"
  nix path-info --json $hello $packages > closures/small.json
}
