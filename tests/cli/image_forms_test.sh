#!/bin/bash
# One image gives the same findings, layer by layer, whatever form it comes in.
source "$(dirname "$0")/common.sh"
source "$here/image_forms.sh"

# findings [RULE...]: what the report in out says, without what names the form, and these rules.
findings() {
  python3 -c 'import json, sys
report = json.load(open("out"))
for f in report.get("findings", []):
    if f["rule"] in sys.argv[1:]: continue
    location = {k: v for k, v in f.get("location", {}).items() if k != "layer" or not sys.argv[1:]}
    print(f["rule"], f["severity"], f.get("path"), f.get("referenced"), f["message"],
          f.get("evidence"), location, f.get("notes"))
print({k: v for k, v in report["statistics"].items() if not sys.argv[1:] or k not in ("layers", "bytes", "errors")})' "$@"
}

made=()
for tag in clean leaky store-path-altered metadata-not-canonical; do
  forms $tag
  made+=("worker:$tag=$tag-docker.tar")
done
daemon "${made[@]}"
for tag in clean leaky store-path-altered metadata-not-canonical; do
  closure=$world/closures/$tag.json status=1
  [ -e "$closure" ] || closure=$world/closure.json
  [ $tag = leaky ] || [ $tag = store-path-altered ] || status=0
  references=("oci:$world/oci:$tag" "oci-archive:$tag-oci.tar:$tag" "docker-archive:$tag-docker.tar"
    "dir:$tag-dir" "$tag-dir" "$(storage overlay)worker:$tag" "$(storage vfs)worker:$tag"
    "docker-daemon:worker:$tag")
  for reference in "${references[@]}"; do
    # Directories that a layer's archive leaves out are made with modes of the engine's own, which
    # overlay shows in each layer.
    [[ $tag != store-path-altered || $reference != "$(storage overlay)"* ]] || continue
    exits $status image "$reference" --closure "$closure" --format json
    findings > actual
    [ "$reference" != "${references[0]}" ] || cp actual expected
    diff -u expected actual > difference || { cat difference; fail "$reference is not like ${references[0]}"; }
  done
done
# An unpacked image has no configuration.
umoci --log=error raw unpack --rootless --image "$world/oci:leaky" leaky-rootfs
exits 1 image "oci:$world/oci:leaky" --closure "$world/closures/leaky.json" --format json
findings LRE406 > expected
exits 1 image rootfs:leaky-rootfs --closure "$world/closures/leaky.json" --format json
findings LRE406 > actual
diff -u expected actual || fail "rootfs: is not like oci:"
