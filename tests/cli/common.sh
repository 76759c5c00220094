# What every test here starts with: a directory of its own, and the two words that tests are made of.
set -euo pipefail
: "${LRE_AUDIT:?the lre-audit to test}" "${LRE_AUDIT_WORLD:?the directory that tests/world/build.sh made}"
here=$(cd "$(dirname "$0")" && pwd)
world=$LRE_AUDIT_WORLD
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
cd "$work"
# What one test has kept is none of another's business, nor is what the user's audits have. A
# directory in LRE_AUDIT_TESTS_CACHE is shared all the same: every test must pass with it, too.
unset LRE_AUDIT_CACHE_DIR LRE_AUDIT_CACHE_SIZE
export XDG_CACHE_HOME=${LRE_AUDIT_TESTS_CACHE:-$work/.cache}

fail() {
  echo "FAILED: $*" >&2
  local stream
  for stream in out err; do [ ! -s $stream ] || { echo "--- $stream:" >&2; head -c 4000 $stream >&2; }; done
  exit 1
}

# exits CODE ARGUMENT...: runs lre-audit; leaves what it says in out and err.
exits() {
  local expected=$1 status=0; shift
  (cd "${started_in:-.}" && exec "$LRE_AUDIT" "$@") > out 2> err || status=$?
  [ $status = "$expected" ] || fail "lre-audit $* exited with $status, not $expected"
}
# exits_in DIRECTORY CODE ARGUMENT...: the same, started there.
exits_in() { local started_in=$1; shift; exits "$@"; }

# says WORDS [FILE]: the words are in out, or in FILE.
says() { grep -qF -- "$1" "${2:-out}" || fail "\"$1\" is not in ${2:-out}"; }
says_not() { ! grep -qF -- "$1" "${2:-out}" || fail "\"$1\" is in ${2:-out}"; }

# holds PYTHON: the expression over `report`, the JSON in out, is true.
holds() {
  python3 -c 'import json, sys
report = json.load(open("out"))
findings = report.get("findings", [])
rules = [f["rule"] for f in findings]
errors = [f for f in findings if f["severity"] == "ERROR"]
sys.exit(0 if eval(sys.argv[1]) else 1)' "$1" || fail "not so: $1"
}

# repository [NAME]: a copy of one of the world's repositories. discoverable [NAME]: one without a
# policy, and with the image beside it.
repository() { rm -rf repository && cp -r "$world/${1:-repository}" repository; }
discoverable() {
  local tag
  repository "$@"
  rm repository/lre-audit.textproto
  tag=$(sed -n 's|.*docker://lre-cc:\(.*\)".*|\1|p' repository/generated-cc/config/BUILD)
  skopeo copy -q "oci:$world/oci:clean" "oci:repository/image:lre-cc:$tag"
}
