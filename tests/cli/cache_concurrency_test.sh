#!/bin/bash
# Eight audits share one cache, one of them is killed at random, others prune meanwhile: no wrong
# result, ever.
source "$(dirname "$0")/common.sh"
unset LRE_AUDIT_TESTS_CACHE
export LRE_AUDIT_CACHE_DIR=$work/cache
seed=${LRE_AUDIT_TESTS_SEED:-$RANDOM$RANDOM}
echo "LRE_AUDIT_TESTS_SEED=$seed"
python3 - "$LRE_AUDIT" "$world" "$seed" <<'PYTHON'
import os, pathlib, random, shutil, signal, subprocess, sys, time

program, world, seed = sys.argv[1:]
random.seed(int(seed))
cache = pathlib.Path(os.environ["LRE_AUDIT_CACHE_DIR"])
closure = f"{world}/closures/leaky.json"

def command(tag, *more):
    return [program, "image", f"oci:{world}/oci:{tag}", "--closure", closure, "--format", "json", *more]

tags = ["clean", "leaky", "small", "store-path-altered", "diff-id-mismatch", "nar-hash-mismatch"]
expected, slowest = {}, 0
for tag in tags:
    start = time.monotonic()
    done = subprocess.run(command(tag, "--no-cache"), capture_output=True)
    slowest = max(slowest, time.monotonic() - start)
    expected[tag] = done.stdout, done.returncode

# Every state of the cache is a start: empty, full, damaged, too small for what is to be kept.
for round in range(12):
    if round % 4 == 0:
        shutil.rmtree(cache, ignore_errors=True)
    for entry in random.sample(files := sorted(cache.glob("*.facts")), min(2, len(files))):
        with entry.open("r+b") as file:
            file.seek(random.randrange(max(1, entry.stat().st_size)))
            file.write(random.randbytes(3))
    running = []
    for i in range(8):
        tag = random.choice(tags)
        environment = {**os.environ, "LRE_AUDIT_CACHE_SIZE": random.choice(["2G", "2G", "100k", "30k"])}
        running.append((tag, subprocess.Popen(command(tag, "--jobs", str(random.choice([1, 2, 4]))),
                                              env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)))
    pruning = subprocess.Popen([program, "cache", "prune", "--max-size", "60k"], stdout=subprocess.DEVNULL)
    victim = random.randrange(8)
    time.sleep(random.random() * 3 * slowest)
    running[victim][1].send_signal(signal.SIGKILL)
    for i, (tag, process) in enumerate(running):
        out, err = process.communicate(timeout=600)
        if i == victim and process.returncode == -signal.SIGKILL:
            continue
        if (out, process.returncode) != expected[tag] or err:
            sys.exit(f"round {round}: {tag} exited with {process.returncode}: {err.decode()[:2000]}\n"
                     f"{out.decode()[:2000]}")
    if pruning.wait() != 0:
        sys.exit(f"round {round}: cache prune exited with {pruning.returncode}")

# What stays behind is sound, apart from what the last round damaged and nobody has asked for since.
subprocess.run([program, "cache", "verify"], stdout=subprocess.DEVNULL)
if subprocess.run([program, "cache", "verify"], stdout=subprocess.DEVNULL).returncode != 0:
    sys.exit("cache verify finds what it has removed")
for tag in tags:
    done = subprocess.run(command(tag), capture_output=True)
    if (done.stdout, done.returncode) != expected[tag]:
        sys.exit(f"at the end: {tag} is another one")
PYTHON
