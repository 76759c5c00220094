#!/bin/bash
# lre-audit check: what it audits with a policy and without, and what a policy can say.
source "$(dirname "$0")/common.sh"
# policy [TEXTPROTO]: the repository's policy, from where it now lies, and more.
policy() { sed -i "s|\(\.\./\)\+|$world/|" repository/lre-audit.textproto && cat >> repository/lre-audit.textproto; }

# Without a policy: what the repository shows, each named.
discoverable
exits 0 check repository --format json
holds 'report["verdict"] == "CLEAN"'
holds 'not [r for r in rules if r.startswith("LRE6")]'
holds '{s["kind"] for s in report["subjects"]} == {"IMAGE", "TOOLCHAIN", "CONFIGURATION"}'
for file in generated-cc lre.bazelrc .bazelrc MODULE.bazel flake.lock \
  kubernetes/worker.json5 kubernetes/worker.yaml kubernetes/kustomization.yaml; do
  holds 'any(s["reference"].endswith("'$file'") for s in report["subjects"])'
done
sed -i 's|docker://lre-cc:.|&x|' repository/kubernetes/worker.yaml
exits 1 check repository --format json
holds '[f["rule"] for f in errors] == ["LRE606"]'
mkdir empty
exits 2 check empty
ln -s absent.textproto empty/lre-audit.textproto
exits 2 check empty
says 'lre-audit.textproto' err
mkdir -p "deep$(printf '/d%.0s' {1..110})"
exits 3 check deep
says 'more than'

# A policy's paths are its own, wherever check is started and wherever the policy lies.
repository
policy < /dev/null
exits 0 check repository --format json
exits_in repository 0 check
mkdir ci
sed '/oci:\|store:/! s#"\(.*\)"#"../repository/\1"#' repository/lre-audit.textproto > ci/policy.textproto
rm repository/lre-audit.textproto
exits 0 check --policy ci/policy.textproto --format json
holds 'any(s["reference"].endswith("generated-cc") for s in report["subjects"])'

# What is wrong with a policy: where, and what was meant.
wrong() {
  repository
  policy
  exits 2 check repository
  [ ! -s out ] || fail "there is a report"
  line=$(wc -l < repository/lre-audit.textproto)
}
wrong <<< 'supress { rule: "LRE501" }'
says "repository/lre-audit.textproto:$line:1: " err
says "suppress" err
wrong <<< 'suppress { rule: "LRE501" reason: "x" owner: "y" pth: "z" }'
says "lre-audit.textproto:$line:" err
says "path" err
wrong <<< 'suppress { rule: "LRE501" owner: "y" }'
says "lre-audit.textproto:$line:" err
says reason err
wrong <<< 'suppress { rule: "LRE501" reason: "x" owner: "y" path: "(" }'
says "lre-audit.textproto:$line:" err
wrong <<< 'suppress { rule: "LRE501" reason: "x" owner: "y" expires: "2027-02-30" }'
says "lre-audit.textproto:$line:" err
wrong <<< 'severity { rule: "LRE999" severity: ERROR }'
says "lre-audit.textproto:$line:" err
exits 2 check repository --policy absent.textproto
says absent.textproto err

# A suppression has an owner and an end.
leaky() { repository repositories/tool-outside-store; policy; }
leaky <<< 'suppress { rule: "tool-outside-store" referenced: "/usr/bin/cpp" reason: "C only" owner: "builds" expires: "2027-01-31" }'
exits 0 check repository --format json --now 2027-01-31
holds '[f["suppressed"] for f in findings if f["rule"] == "LRE501"] == [True]'
exits 1 check repository --format json --now 2027-02-01
holds 'sorted(f["rule"] for f in errors) == ["LRE501", "LRE904"]'
leaky <<< 'suppress { rule: "LRE501" path: ".*/rust/.*" reason: "for later" owner: "builds" }'
exits 1 check repository --format json
holds '[f["severity"] for f in findings if f["rule"] == "LRE903"] == ["WARNING"]'
# A path is matched from where the policy lies, wherever check is started.
leaky <<< 'suppress { rule: "LRE501" path: "generated-cc/cc/BUILD" reason: "for later" owner: "builds" }'
exits 0 check repository
exits_in repository 0 check
# Severities, and what fails the gate.
leaky <<< 'severity { rule: "LRE501" severity: WARNING }'
exits 0 check repository
exits 1 check repository --fail-on warning
leaky <<< 'exception { rule: "LRE501" referenced: "/usr/bin/cpp" reason: "C only" }'
exits 0 check repository --format json
holds '"LRE501" not in rules'
repository
policy <<< 'fail_on: WARNING'
exits 1 check repository
exits 0 check repository --fail-on error

repository
policy < /dev/null
rm repository/lre.bazelrc
mkfifo repository/lre.bazelrc
exits 3 check repository
says 'is a fifo'

# A tool that a bazelrc sets leaks as a toolchain's does: in a flag, and in the commented Env.
repository
policy < /dev/null
echo 'build --action_env=CC=/usr/bin/gcc' >> repository/.bazelrc
sed -i 's|^# CC=.*|# CC=/usr/bin/cc|' repository/lre.bazelrc
exits 1 check repository --format json
holds '[(f["rule"], f["path"], f["referenced"]) for f in errors] == [
  ("LRE501", "repository/.bazelrc", "/usr/bin/gcc"), ("LRE501", "repository/lre.bazelrc", "/usr/bin/cc")]'

# Files that there is nothing to compare with are not clean.
mkdir alone
cp repository/kubernetes/worker.* repository/MODULE.bazel alone
exits 3 check alone
says 'nothing was compared'
cp repository/flake.lock alone
exits 0 check alone

# The worker's environment, where no manifest sets it.
repository repositories/container-image-of-nobody
policy < /dev/null
exits 1 check repository
tag=$(sed -n 's|.*docker://lre-cc:\(.*\)".*|\1|p' repository/generated-cc/config/BUILD)
policy <<< "environment { name: \"NATIVELINK_WORKER_PLATFORM\" value: \"docker://lre-cc:$tag\" }"
exits 0 check repository

# What the policy names and cannot be read makes the check incomplete; the rest of it is done.
repository repositories/tool-outside-store
policy <<< 'manifest: "kubernetes/absent.yaml"'
exits 3 check repository --format json
holds 'report["verdict"] == "INCOMPLETE" and {"LRE501", "LRE901"} <= set(rules)'
repository
policy < /dev/null
sed -i 's|reference: "oci:.*/oci:.*"|reference: "oci:absent"|' repository/lre-audit.textproto
exits 3 check repository --format json
holds 'any(f["rule"] == "LRE901" and "absent" in f["subject"] + f["path"] + f["message"] for f in findings)'
repository
policy < /dev/null
printf '{ workers: [' > repository/kubernetes/worker.json5
exits 3 check repository --color never
says '  --> repository/kubernetes/worker.json5:1:'
