#include "audit/commands/help.h"

namespace lre_audit {

const CommandHelp kProgramHelp = {
    .name = "lre-audit",
    .usage = "COMMAND [OPTIONS] ...",
    .summary =
        "Proves that a Nix-built toolchain, image or store is hermetic: follows every path "
        "that its files\nname, and fails when one leaks outside the store, is missing, or "
        "differs from the Nix closure.",
    .footer = R"(Exit codes:
  0  clean
  1  findings at or above --fail-on
  2  bad usage, or a report that could not be written
  3  incomplete: something asked for could not be audited (outranks 1)

Examples:
  lre-audit image oci:worker:latest --closure closure.json
  lre-audit store $(nix-build toolchain.nix)
  lre-audit elf result/bin/gcc
  lre-audit rule LRE101

lre-audit COMMAND --help says more about each.)",
};

const CommandHelp kImageHelp = {
    .name = "image",
    .usage = "REF [OPTIONS]",
    .summary = "Audits one container image: its layers, files, environment and entrypoint.",
    .footer = R"(REF:
  oci:DIR[:TAG]  oci-archive:FILE[:TAG]  docker-archive:FILE[:NAME]  rootfs:DIR
  or a bare path, whose kind is found out. Nothing is extracted to disk.

Examples:
  nix path-info --json -r $(nix-build toolchain.nix) > closure.json
  lre-audit image oci:worker:latest --closure closure.json
  lre-audit image oci-archive:worker.tar --format json | jq '.findings[].rule'
  lre-audit image oci:worker --output json=report.json --fail-on warning)",
};

const CommandHelp kStoreHelp = {
    .name = "store",
    .usage = "[PATH...] [OPTIONS]",
    .summary = "Audits store paths and everything that they refer to.",
    .footer = R"(PATH:
  store paths, or links to them such as ./result; none means the whole store.

Examples:
  lre-audit store ./result
  lre-audit store --root /mnt/chroot --closure store:/mnt/chroot)",
};

const CommandHelp kElfHelp = {
    .name = "elf",
    .usage = "FILE... [OPTIONS]",
    .summary =
        "Shows what the dynamic loader would do with each FILE: which libraries, asked for "
        "by whom, found how.",
    .footer = R"(Examples:
  lre-audit elf result/bin/gcc
  lre-audit elf --root ./rootfs /usr/bin/env
  lre-audit elf --format json result/bin/* | jq '.objects[].libraries[].path')",
};

const CommandHelp kRuleHelp = {
    .name = "rule",
    .usage = "[CODE|NAME] [OPTIONS]",
    .summary = "Lists the rules, or explains one: what it says, why it matters, how to fix it.",
    .footer = R"(Examples:
  lre-audit rule
  lre-audit rule LRE101
  lre-audit rule interpreter-outside-store)",
};

}  // namespace lre_audit
