# The repository whose toolchain names the world's store, and repositories in which one thing
# disagrees. Sourced by build.sh.
#
# repositories/expected.tsv says, one line per repository, what `lre-audit check` has to report:
#   name  rule  severity  place  words
# place is "FILE:LINE", a store path or an image; words, separated by "|", all stand in that finding,
# and are the values and the other places that disagree. Rule "-" is a neighbour that agrees: no finding of LRE6xx, exit 0.

# write_policy DIRECTORY IMAGE LOCAL: what is audited; both named from the world's directory.
write_policy() {
  local up=..
  [[ $1 != */* ]] || up=../..
  cat > "$1/lre-audit.textproto" <<POLICY
# What lre-audit check audits here.
image { reference: "oci:$up/$2" }
toolchain { directory: "generated-cc" }
local: "${3/@/$up/}"

bazelrc: "lre.bazelrc"
bazelrc: ".bazelrc"
module: "MODULE.bazel"
flake_lock: "flake.lock"
worker: "kubernetes/worker.json5"
manifest: "kubernetes/worker.yaml"
manifest: "kubernetes/kustomization.yaml"
POLICY
}

# variant NAME [IMAGE [LOCAL]]: a copy of the repository, for edit, expect and where to work in.
variant() {
  name=$1
  cp -r repository "repositories/$name"
  write_policy "repositories/$name" "${2:-oci:lre-cc:$tag}" "${3:-store:@root}"
}

# edit FILE SED: changes a file of the variant, which must change.
edit() {
  local file=repositories/$name/$1 before
  before=$(cat "$file")
  sed -i "$2" "$file"
  [ "$before" != "$(cat "$file")" ] || { echo "repositories.sh: $name: nothing to change in $1: $2" >&2; exit 1; }
}

# where FILE WORDS: the first place that holds them, as FILE:LINE.
where() {
  local line
  line=$(grep -nF -m1 -- "$2" "repositories/$name/$1") || { echo "repositories.sh: $name: \"$2\" is not in $1" >&2; exit 1; }
  echo "$1:${line%%:*}"
}

# expect_in_report RULE SEVERITY PLACE [WORDS...]
expect_in_report() {
  local rule=$1 severity=$2 place=$3; shift 3
  printf '%s\t%s\t%s\t%s\t%s\n' "$name" "$rule" "$severity" "$place" "$(IFS='|'; echo "$*")" >> repositories/expected.tsv
}
agrees() { expect_in_report - - -; }

repositories() {
  local store=/nix/store build=generated-cc/cc/BUILD config=generated-cc/config/BUILD
  local worker=kubernetes/worker.json5 manifest=kubernetes/worker.yaml
  # The image before this one, and the project's commit before.
  local stale=0a1s2d3f4g5h6j7k8l9zxcvbnm0qwp1r stale_commit=c0ffee4e1f8a29d7b3650c4d1e8f7a92b6d305e4
  local commit binutils cc next_cc gcov glibc hello spare
  binutils=$(package binutils) cc=$(package cc-wrapper) glibc=$(package glibc) hello=$(package hello)
  spare=$(build spare)
  gcov=$(build gcov) next_cc=$(build next_cc)
  evaluate next_env > next_env.txt

  rm -rf repository repositories
  cp -r "root$(build repository)" repository && chmod -R u+w repository
  write_policy repository "oci:lre-cc:$tag" store:@root
  commit=$(sed -n 's|.*/nativelink/archive/\(.*\)\.zip.*|\1|p' repository/MODULE.bazel)
  mkdir repositories && : > repositories/expected.tsv
  leaky_toolchains
  missing_paths
  stale_settings
  other_images
  neighbours
  drifted_repository
}

# What the toolchain names is outside the store, or not there.
leaky_toolchains() {
  variant tool-outside-store
  edit $build 's|"cpp": ".*"|"cpp": "/usr/bin/cpp"|'
  expect_in_report LRE501 ERROR "$(where $build /usr/bin/cpp)" /usr/bin/cpp

  variant tool-missing
  edit $build "s|$binutils/bin/ld\"|$binutils/bin/ld.mold\"|"
  expect_in_report LRE502 ERROR "$(where $build ld.mold)" "$binutils/bin/ld.mold"

  local sdk=/Library/Developer/CommandLineTools/SDKs/MacOSX.sdk
  variant include-directory-outside-store
  edit $build "s|^\( *\)\"$glibc/include\",|&\n\1\"$sdk\",|"
  edit generated-cc/cc/builtin_include_directory_paths "\$ a $sdk"
  expect_in_report LRE503 ERROR "$(where $build $sdk)" $sdk
  expect_in_report LRE503 ERROR "$(where generated-cc/cc/builtin_include_directory_paths $sdk)" $sdk

  variant include-directory-missing
  edit $build "s|$glibc/include\"|$glibc/include-fixed\"|"
  expect_in_report LRE504 ERROR "$(where $build include-fixed)" "$glibc/include-fixed"

  variant flag-outside-store
  edit $build 's|"-pass-exit-codes"|"-L/usr/lib/x86_64-linux-gnu"|'
  expect_in_report LRE505 ERROR "$(where $build /usr/lib)" -L/usr/lib/x86_64-linux-gnu

  variant script-outside-store
  edit generated-cc/cc/cc_wrapper.sh '1 s|.*|#!/bin/bash|'
  expect_in_report LRE506 ERROR generated-cc/cc/cc_wrapper.sh:1 /bin/bash

  variant libc-mismatch
  edit $build 's|target_libc = ".*"|target_libc = "glibc_2.31"|'
  expect_in_report LRE507 WARNING "$(where $build glibc_2.31)" 2.31 2.36
}

# The toolchain, the image and the local side hold different paths, or the same with other contents.
missing_paths() {
  # A developer has it, and has generated the toolchain anew; the image is yesterday's.
  variant toolchain-path-not-in-image
  edit $build "s|\"gcov\": \".*\"|\"gcov\": \"$gcov/bin/gcov\"|"
  expect_in_report LRE601 ERROR "$(where $build "$gcov")" "$gcov"

  variant toolchain-path-not-local oci:clean @closures/without-binutils.json
  edit_closure without-binutils "paths = [path for path in paths if path['path'] != '$binutils']"
  expect_in_report LRE602 ERROR "$(where $build "$binutils")" "$binutils"

  variant content-differs oci:content-differs
  altered_image content-differs "$hello" bin/hello 's/hello/jello/'
  expect_in_report LRE603 ERROR "$hello" "$hello/bin/hello"

  # Its image holds the spare path beside the closure's.
  variant only-in-one-side oci:path-not-in-closure @closure.json
  expect_in_report LRE604 WARNING "$spare" "$spare"
}

# What pins and deploys the toolchain has been left behind.
stale_settings() {
  # The flake input has moved on, the generated toolchain has not.
  variant bazelrc-differs
  edit lre.bazelrc "s|$cc|$next_cc|g"
  expect_in_report LRE605 ERROR "$(where lre.bazelrc '# CC=')" "$next_cc" "$cc" "$(where $build "$cc/bin/cc\"")"

  # The worker's configuration states the string itself, and is one image behind.
  variant container-image-of-worker
  edit $worker "s|\"\${NATIVELINK_WORKER_PLATFORM.*}\"|\"docker://lre-cc:$stale\"|"
  edit $manifest '/NATIVELINK_WORKER_PLATFORM/,+1 d'
  expect_in_report LRE606 ERROR "$(where $config docker://)" "docker://lre-cc:$tag" "docker://lre-cc:$stale" "$(where $worker docker://)"

  variant container-image-of-manifest
  edit $manifest "s|docker://lre-cc:$tag|docker://lre-cc:$stale|"
  expect_in_report LRE606 ERROR "$(where $config docker://)" "docker://lre-cc:$tag" "docker://lre-cc:$stale" "$(where $manifest docker://)"

  variant container-image-of-nobody
  edit $manifest '/NATIVELINK_WORKER_PLATFORM/,+1 d'
  expect_in_report LRE606 ERROR "$(where $config docker://)" "docker://lre-cc:$tag" NATIVELINK_WORKER_PLATFORM undefined_platform "$(where $worker undefined_platform)"

  variant pin-differs
  edit MODULE.bazel "s|$commit|$stale_commit|"
  expect_in_report LRE607 ERROR "$(where MODULE.bazel "archive/$stale_commit")" $stale_commit "$commit" "$(where flake.lock "$commit")"

  variant platform-differs
  edit $config 's|@platforms//cpu:x86_64|@platforms//cpu:aarch64|'
  expect_in_report LRE608 ERROR "$(where $config cpu:aarch64)" aarch64 x86_64-unknown-linux-gnu "$(where $build host_system_name)"
}

# The image is another one.
other_images() {
  # The same contents, described and tagged by another build.
  variant container-image-of-image "oci:lre-cc:$stale"
  image worker-stale
  configure worker-stale --config.label build=before
  skopeo copy -q oci:oci:worker-stale "oci:oci:lre-cc:$stale"
  expect_in_report LRE606 ERROR "$(where $config docker://)" "docker://lre-cc:$tag" "lre-cc:$stale"

  variant image-of-other-platform oci:worker-arm64
  image worker-arm64
  configure worker-arm64 --architecture arm64
  expect_in_report LRE608 ERROR "$(where $config cpu:x86_64)" x86_64 arm64

  # nix2container keeps no configuration of a base image that is built upon.
  variant environment-lost oci:worker-environment-lost
  image worker-environment-lost
  configure worker-environment-lost --clear config.env
  expect_in_report LRE609 ERROR oci:../../oci:worker-environment-lost PATH CC "$(where lre.bazelrc '# PATH=')"

  variant environment-differs oci:worker-environment-differs
  image worker-environment-differs "$next_cc"
  configure_environment worker-environment-differs next_env.txt
  expect_in_report LRE609 ERROR oci:../../oci:worker-environment-differs "$cc" "$next_cc" \
    "$(where lre.bazelrc '# CC=')" "$(where $build "$cc/bin/cc\"")"
}

# altered_image TAG STORE_PATH FILE SED: the clean image, but that one file of a store path differs.
altered_image() {
  local group
  umoci_at new --image "oci:$1"
  for group in layers/paths.??; do
    cp "$group.tar" extra.tar
    if grep -qxF "$2" "$group"; then
      stage "$2"
      chmod u+w "staged$2/${3%/*}" "staged$2/$3"
      sed -i "$4" "staged$2/$3"
      chmod a-w "staged$2/$3" "staged$2/${3%/*}"
      layer extra.tar $(grep -vxF "$2" "$group")
      tar_append staged extra.tar "${2#/}"
    fi
    add_layer "$1" extra.tar
  done
  add_layer "$1" layers/worker.tar
  configure "$1" --architecture amd64 --os linux --config.entrypoint "$(package bash)/bin/bash"
  configure_environment "$1" env.txt
}

# What looks like a disagreement and is none.
neighbours() {
  variant worker-states-string
  edit $worker "s|\"\${NATIVELINK_WORKER_PLATFORM.*}\"|\"docker://lre-cc:$tag\"|"
  edit $manifest '/NATIVELINK_WORKER_PLATFORM/,+1 d'
  agrees

  # Workers of a platform that this repository does not build for.
  variant more-workers
  edit $worker "s|^\( *\)\"\${NATIVELINK_WORKER_PLATFORM.*}\",|&\n\1\"docker://lre-rs:$stale\",|"
  agrees

  variant abbreviated-commit
  edit MODULE.bazel "s|archive/$commit|archive/${commit:0:12}|; s|nativelink-$commit|nativelink-${commit:0:12}|"
  agrees

  variant other-project
  edit MODULE.bazel "\$ a git_override(module_name = \"rules_cc\", remote = \"https://github.com/bazelbuild/rules_cc\", commit = \"$stale_commit\")"
  agrees

  variant no-bazelrc
  rm repositories/no-bazelrc/lre.bazelrc
  edit lre-audit.textproto '/"lre.bazelrc"/ d'
  agrees
}

# Several at once, for ./dev demo: an update that stopped half way.
drifted_repository() {
  variant drifted
  edit lre.bazelrc "s|$cc|$next_cc|g"
  edit MODULE.bazel "s|$commit|$stale_commit|"
  edit $manifest "s|docker://lre-cc:$tag|docker://lre-cc:$stale|"
  edit $build 's|"cpp": ".*"|"cpp": "/usr/bin/cpp"|'
}
