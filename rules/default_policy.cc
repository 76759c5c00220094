#include "rules/policy.h"

namespace lre_audit {

// Each entry is what nixpkgs, or a container runtime, means to be outside the store.
std::string_view DefaultPolicyText() {
  return R"textproto(
# The default policy of lre-audit: what nixpkgs means to be outside the store. Entries of your own
# policy come before these, and the first that matches a finding decides. Patterns are RE2 and match
# the whole text.

# Interpreters that Nix's sandbox and images provide. The rule fires only where they do not lead
# into the store.
exception {
  rule: "LRE201"
  referenced: "/bin/sh|/usr/bin/env"
  at_most: WARNING
  reason: "nixpkgs leaves them in scripts on purpose; images link them into the store"
}
exception {
  rule: "LRE205" rule: "LRE206"
  referenced: "/bin/sh"
  reason: "glibc's system(3) and popen(3) run it, and so does Nix's sandbox"
}
exception {
  rule: "LRE205" rule: "LRE206"
  referenced: "/usr/bin/env"
  at_most: WARNING
  reason: "images link it into the store"
}

# The graphics driver, which is the machine's own (addDriverRunpath). No compiler needs one.
exception {
  rule: "LRE103"
  referenced: "/run/opengl-driver(-32)?(/.*)?"
  path: ".*/[0-9a-z]{32}-([^/]*-)?(gcc|clang|llvm|lld|mold|binutils|rust|rustc|cargo|go|zig|ghc|bazel|cmake|gnumake|ninja)(-[^/]*)?/.*"
  at_most: WARNING
  reason: "a compiler does not draw: its RUNPATH should not depend on the machine's driver"
}
exception {
  rule: "LRE103"
  referenced: "/run/opengl-driver(-32)?(/.*)?"
  reason: "the graphics driver belongs to the machine"
}

# Configuration of the machine, read at run time by design (glibc --sysconfdir=/etc, OpenSSL).
exception {
  rule: "LRE203" rule: "LRE205" rule: "LRE206"
  referenced: "/etc/(passwd|group|shadow|nsswitch\\.conf|hosts|hostname|host\\.conf|resolv\\.conf|services|protocols|localtime|mtab|os-release|machine-id)"
  reason: "configuration of the machine, not of the build"
}
exception {
  rule: "LRE203" rule: "LRE205" rule: "LRE206"
  referenced: "/etc/zoneinfo(/.*)?|/etc/ssl/certs(/.*)?|/etc/pki/tls/certs/ca-bundle\\.crt|/etc/bashrc|/etc/bash_logout|/etc/profile"
  reason: "nixpkgs' tzdata, openssl and bash look there on purpose"
}

# What every kernel and runtime provides.
exception {
  rule: "LRE203" rule: "LRE205" rule: "LRE206"
  referenced: "/dev(/.*)?|/proc(/.*)?|/sys(/.*)?|/tmp|/var/empty|/no-such-path"
  reason: "provided by the kernel and the runtime, or never there"
}

# Left over from the build sandbox: in metadata they name what no machine has.
exception {
  rule: "LRE206"
  referenced: "/build(/.*)?|/homeless-shelter(/.*)?|/no-cert-file\\.crt"
  at_most: NOTE
  reason: "directories of the build sandbox, which exist nowhere else"
}

# Files outside the store that an image has to have, or its runtime writes. Programs, libraries and
# executable scripts are errors of LRE403, and so never among them.
exception {
  rule: "LRE403"
  up_to: WARNING
  path: "/etc/(passwd|group|shadow|gshadow|subuid|subgid|nsswitch\\.conf|hosts|hostname|host\\.conf|resolv\\.conf|services|protocols|localtime|timezone|mtab|os-release|machine-id|shells)"
  reason: "the runtime and glibc look these up by their fixed names"
}
exception {
  rule: "LRE403"
  up_to: WARNING
  path: "/etc/zoneinfo/.*|/etc/(ssl|pki/tls)/certs/[^/]*(\\.crt|\\.pem|\\.[0-9])|/etc/ssl/cert\\.pem|/etc/nix/nix\\.conf"
  reason: "certificates, time zones and Nix's configuration are the machine's"
}
exception {
  rule: "LRE403"
  up_to: WARNING
  path: "/dev/.*|/proc/.*|/sys/.*|/\\.dockerenv|/run/\\.containerenv|/nix-support/.*"
  reason: "mount points and markers of container runtimes; nix-support of what was copied to the root"
}
exception {
  rule: "LRE403"
  up_to: WARNING
  path: "/nix/var/nix/(db/(db\\.sqlite(-wal|-shm)?|schema|reserved|big-lock)|gc\\.lock|gcroots/.*|profiles/.*|temproots/.*|userpool/.*|gc-socket/.*|daemon-socket/.*)"
  reason: "the store's own database and roots"
}
exception {
  rule: "LRE403"
  referenced: "/dev/.*|/proc/.*|\\.\\./proc/.*"
  reason: "links to what the kernel provides, such as /etc/mtab"
}

# Variables of an image that name a place to write to, or configuration of the machine.
exception {
  rule: "LRE405"
  path: "HOME|TMPDIR|TMP|TEMP|TEMPDIR|PWD|XDG_[A-Z]+_(HOME|DIR)|NIX_BUILD_TOP"
  referenced: "/.*"
  reason: "places to write to"
}
exception {
  rule: "LRE405"
  path: "(NIX_)?SSL_CERT_(FILE|DIR)|CURL_CA_BUNDLE|GIT_SSL_CAINFO|REQUESTS_CA_BUNDLE|TZDIR|SHELL"
  referenced: "/etc/ssl/certs(/.*)?|/etc/pki/tls/certs/ca-bundle\\.crt|/no-cert-file\\.crt|/etc/zoneinfo|/bin/sh"
  reason: "certificates and time zones are the machine's"
}
exception {
  rule: "LRE405" rule: "LRE407"
  path: "[^P].*|P[^A].*"
  referenced: "/dev/(null|zero|full|random|urandom|stdin|stdout|stderr|tty|fd/.*)|/tmp|/var/empty"
  reason: "provided by the kernel and the runtime"
}
)textproto";
}

}  // namespace lre_audit
