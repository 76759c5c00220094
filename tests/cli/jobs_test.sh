#!/bin/bash
# The report does not depend on the number of threads.
source "$(dirname "$0")/common.sh"
for jobs in 1 2 7; do
  exits 1 image "oci:$world/oci:leaky" --closure "$world/closures/leaky.json" --format json --jobs $jobs
  mv out report.$jobs
done
cmp report.1 report.2
cmp report.1 report.7
