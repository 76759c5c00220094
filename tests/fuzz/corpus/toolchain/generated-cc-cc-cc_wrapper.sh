#!/nix/store/275gwi3f6yafw48vfwfdjwxdr4qj5pcs-bash-5.2.15/bin/bash
# Runs the compiler, and leaves the empty file that stands for a header that was parsed.
set -eu

output=
for argument; do
  if [[ $output == next ]]; then output=$argument; fi
  if [[ $argument == -o ]]; then output=next; fi
done

/nix/store/0kzc0np7yi56bpjd51np7v43cbqm0p3g-cc-wrapper-12.2.0/bin/cc "$@"

if [[ $output == *.h.processed ]]; then : > "$output"; fi
