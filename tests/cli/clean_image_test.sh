#!/bin/bash
# The clean image is clean, whatever form it comes in.
source "$(dirname "$0")/common.sh"
for reference in oci:$world/oci:clean oci-archive:$world/oci-archive.tar:clean \
  docker-archive:$world/docker-archive.tar oci:$world/oci-zstd:clean rootfs:$world/rootfs \
  $world/oci-archive.tar $world/docker-archive.tar $world/oci-zstd; do
  exits 0 image "$reference" --closure "$world/closure.json" --format json
  holds 'report["verdict"] == "CLEAN" and not errors'
  holds 'report["statistics"]["store_paths"] == '"$(wc -l < "$world/closure.txt")"
done
