#!/bin/bash
# `lre-audit explain` on real builds: each planted difference is named by its diagnosis, proven, at
# its root, once; builds that agree have none.
: "${LRE_AUDIT:?the lre-audit to test}" "${LRE_AUDIT_PLANTED:?what tests/bazel/planted.sh wrote}"
export LRE_AUDIT_WORLD=$LRE_AUDIT_PLANTED  # common.sh wants one
source "$(dirname "$0")/../cli/common.sh"
planted=$LRE_AUDIT_PLANTED

# explains LOCAL REMOTE CODE [OPTION...]
explains() {
  exits "$3" explain "$planted/$1/log.json" "$planted/$2/log.json" --cache "$planted/$1/cache" \
    --cache "$planted/$2/cache" "${@:4}"
}
# names LOCAL REMOTE RULE ACTIONS: the one error, its count of actions, and that it is proven.
names() {
  explains "$1" "$2" 1 --format json
  holds "[f['rule'] for f in errors] == ['$3']"
  holds "errors[0]['key_cause']['proof'] == 'PROVEN'"
  holds "errors[0]['key_cause']['actions'] == $4"
  holds "errors[0]['help']"
  holds "report['verdict'] == 'FINDINGS'"
}

# --- two builds that agree, whichever formats their logs are in
explains base same 0
says '11 with the same key, 0 with another, 1 whose keys cannot be told: no difference'
# ... but for what no key knows: the compiler of this machine reads its C library's headers.
says 'warning[LRE724]: actions read files of /usr/include'
says '/usr/include/stdc-predef.h: 2 actions'
explains base same 1 --fail-on warning
exits 0 explain "$planted/base/log.json" "$planted/same/log.json" --quiet
[ ! -s out ] || fail "a clean explanation is not quiet"
for log in log.json log.binary compact.zst; do
  exits 0 explain "$planted/same/log.json" "$planted/base/$log" --cache "$planted/base/cache"
done

# --- planted differences
names base path LRE706 12
holds "errors[0]['key_cause']['remote'] == '/usr/local/bin:/home/jane/bin:/usr/bin:/bin'"
holds "'/home/jane/bin in remote alone' in errors[0]['message']"
# All but the one whose log Bazel 4 gets wrong and the one that no cache may have.
holds "errors[0]['key_cause']['proven_actions'] == 10"
names path base LRE706 12
holds "'/home/jane/bin in local alone' in errors[0]['message']"
names base variable LRE707 12
says_not hunter2
holds "errors[0]['key_cause']['remote'] == '(masked, 14 bytes)' and 'local' not in errors[0]['key_cause']"
names base image LRE708 12
names base tool LRE709 5
holds "errors[0]['key_cause']['remote'] == '/usr/bin/g++'"
names base includes LRE710 5
names base header LRE719 2
holds "errors[0]['referenced'] == 'lib/lib.h'"
names base argument LRE725 2
holds "errors[0]['key_cause']['remote'] == '-DNEW=1'"
names stamp-one stamp-two LRE714 1
# The root is the action that is not deterministic; what reads its output has another key.
explains random-one random-two 1 --format json
holds "{f['rule'] for f in errors} == {'LRE723'} and len(errors) == 5"
holds "errors[0]['key_cause']['actions'] == 2 and errors[0]['key_cause']['direct_actions'] == 1"
holds "errors[0]['path'].endswith('/random.txt')"
# What differs is in the caches, and says why.
because() { holds "[f['notes'][0] for f in errors if f['path'].endswith('/$1')][0].startswith('$2')"; }
because random.txt 'contents: the first differing byte'
because time.h 'timestamp: '
because directory.txt 'build path: '
because order.txt 'ordering: the lines are the same'
because archive.a 'archive metadata: '
explains random-one random-two 1
says 'another key for reading what it makes'

# --- parameter files: a cache alone does not have them, for inputs are uploaded to be executed with
explains base link 1 --format json
holds "[f['rule'] for f in errors] == ['LRE725'] * 2"
holds "all('parameter file' in f['message'] for f in errors)"
cp -r "$planted/base/cache" executor
for build in base link; do
  while read -r params; do
    hash=$(sha256sum < "$params") && hash=${hash%% *}
    mkdir -p "executor/cas/${hash:0:2}" && cp "$params" "executor/cas/${hash:0:2}/$hash"
  done < <(find "$planted/$build/bazel-bin/" -name '*.params')
done
explains base link 1 --cache executor --format json
holds "[f['rule'] for f in errors] == ['LRE725']"
holds "errors[0]['key_cause']['remote'] == '-Wl,-O1' and 'local' not in errors[0]['key_cause']"
holds "errors[0]['key_cause']['proof'] == 'PROVEN' and errors[0]['key_cause']['direct_actions'] == 2"

# --- the keys that are said to be Bazel's are: each cache has an entry of its side's
names base path LRE706 12
python3 - "$planted" > keys << 'END_OF_PYTHON'
import json, sys
cause = json.load(open("out"))["findings"][0]["key_cause"]
for side, build in ("local_key", "base"), ("remote_key", "path"):
    digest = cause[side].split("/")[0]
    print(f"{sys.argv[1]}/{build}/cache/ac/{digest[:2]}/{digest}")
END_OF_PYTHON
while read -r entry; do [ -f "$entry" ] || fail "no $entry"; done < keys

# --- build events: the option that is behind a cause, and labels, which Bazel 4 does not log
for form in json binary; do
  explains base argument 1 --local-bep "$planted/base/bep.json" \
    --remote-bep "$planted/argument/bep.$form" --format json
  holds "any('--copt=-DNEW=1 is in remote alone' in note for note in errors[0]['notes'])"
  # Where the builds' own repositories are differs, too.
  holds "['--copt=-DNEW=1 is in remote alone' in f['notes'] for f in findings if f['rule'] == 'LRE727'] == [True]"
done
explains stamp-one stamp-two 1 --local-bep "$planted/stamp-one/bep.binary" --format json
holds "errors[0]['key_cause']['label'] == '//tools:stamped'"
explains base argument 2 --local-bep "$planted/base/log.json"
says 'no build events' err

# --- formats do not matter
exits 1 explain "$planted/base/compact.zst" "$planted/path/log.binary" --cache "$planted/base/cache" \
  --cache "$planted/path/cache" --format json
holds "[f['rule'] for f in errors] == ['LRE706'] and errors[0]['key_cause']['proof'] == 'PROVEN'"

# --- without the caches the cause is the same, and not proven
exits 1 explain "$planted/base/log.json" "$planted/path/log.json"
says 'error[LRE706]: PATH differs: /home/jane/bin in remote alone'
says 'UNVERIFIED'
says '--cache'
says_not PROVEN

# --- secrets on demand
explains base variable 1 --show-secrets
says hunter2hunter2

# --- one action in full
output=bazel-out/k8-fastbuild/bin/lib/_objs/lib/lib.pic.o
explains base header 1 --action $output
says '  - input lib/lib.h: '
says '  + input lib/lib.h: '
says '    variable PATH: /usr/local/bin:/usr/bin:/bin'
explains base argument 1 --action $output
[ "$(grep -c '^  [-+] ' out)" = 1 ] || fail "what is after an argument more is not aligned"
digest=$(python3 -c 'import json; print(json.load(open("out"))["findings"][0]["key_cause"]["local_key"].split("/")[0])' \
  2> /dev/null || true)
explains base header 1 --format json
digest=$(python3 -c 'import json; print(json.load(open("out"))["findings"][0]["key_cause"]["local_key"].split("/")[0])')
explains base header 1 --action "$digest"
says "local key: $digest"
# An action that the cause does not reach.
explains base header 0 --action bazel-out/k8-fastbuild/bin/gen/generated.h
says 'key on both sides: '
explains base header 2 --action //no:such
says "neither log has an action '//no:such'" err

# --- an entry that the cache has lost
cp -r "$planted/base/cache" cache
explains base same 0 --format json
rm "cache/ac/${digest:0:2}/$digest"
exits 1 explain "$planted/base/log.json" "$planted/same/log.json" --cache cache --format json
holds "[f['rule'] for f in errors] == ['LRE701']"

# --- logs that end early are explained as far as they go
size=$(stat -c %s "$planted/base/log.binary")
head -c $((size / 2)) "$planted/base/log.binary" > half
exits 3 explain half "$planted/path/log.binary" --format json
holds "report['verdict'] == 'INCOMPLETE'"
holds "sorted(f['rule'] for f in errors) == ['LRE706', 'LRE901']"
holds "any('offset' in f['message'] for f in errors if f['rule'] == 'LRE901')"
# --- two builds in one file; the same one twice is no other
cat "$planted/base/log.json" "$planted/path/log.json" > both
exits 3 explain "$planted/base/log.json" both --format json
holds "'two builds in one file' in errors[0]['message'] and 'entry 12' in errors[0]['message']"
cat "$planted/base/log.json" "$planted/base/log.json" > twice
exits 0 explain "$planted/base/log.json" twice
# --- a pipe among a cache's blobs is waited for by nobody
rm -rf cache
cp -r "$planted/base/cache" cache
for blob in cache/cas/*/*; do rm "$blob"; mkfifo "$blob"; done
exits 3 explain "$planted/base/log.json" "$planted/same/log.json" --cache cache
# --- nothing compared is no agreement
: > empty
exits 2 explain "$planted/base/bazel.log" "$planted/base/log.json"
says bazel.log err
exits 2 explain nowhere "$planted/base/log.json"
exits 2 explain "$planted/base/log.json"
says 'which two logs?' err
exits 2 explain "$planted/base/log.json" "$planted/same/log.json" --cache nowhere
exits 2 explain "$planted/base/log.json" "$planted/same/log.json" --cahce x
says "did you mean '--cache'" err

# --- a policy can excuse a cause, and the number of threads does not show
cat > policy << 'END_OF_POLICY'
suppress { rule: "LRE706" reason: "known" owner: "me" }
END_OF_POLICY
explains base path 0 --policy policy
explains base path 1 --jobs 1 --format json
cp out first
explains base path 1 --jobs 8 --format json
cmp first out || fail "threads show"
