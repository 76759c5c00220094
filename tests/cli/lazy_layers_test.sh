#!/bin/bash
# Layers with a table of contents, which runtimes that fetch files one by one believe instead of the
# archive: zstd:chunked as skopeo writes it, eStargz written to its published format. Table and
# archive that agree are no finding, each difference is LRE410, and what cannot be read is said.
source "$(dirname "$0")/common.sh"
python3 "$here/lazy_layers.py" "$LRE_AUDIT"
