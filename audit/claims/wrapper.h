// Claims of shell scripts that stand for a program: nixpkgs' makeWrapper, cc-wrapper and
// bintools-wrapper, hooks, and *-config scripts.
#ifndef LRE_AUDIT_AUDIT_CLAIMS_WRAPPER_H_
#define LRE_AUDIT_AUDIT_CLAIMS_WRAPPER_H_

#include <string_view>

#include "audit/claims/claim_list.h"

namespace lre_audit {

// A wrapper is a script that ends by exec'ing a program, that reads a package's nix-support, or
// that is short, lies in a bin directory and runs programs. Of a wrapper, these are claims:
// programs run or files sourced by absolute path, also by a variable that the script assigns once
// (`CC=/usr/bin/cc; exec "$CC"`) or as a default (`${CC:-/usr/bin/cc}`); directories in search
// paths (PATH, PYTHONPATH, XDG_DATA_DIRS, ...); installation paths in other exported variables;
// paths in compiler and linker options that it sets or passes on; and installation paths passed to
// the program that it execs.
//
// Only what always runs counts, with two exceptions: an `exec` in one of several branches, and the
// branches of nixpkgs' own compiler wrappers. A path that the script tests for (`[ -x /usr/bin/x
// ]`) is optional, and no claim. A script of another kind makes no claims.
void AddWrapperClaims(std::string_view path, ClaimList* claims);

// Claims of a script that belongs to a toolchain, which is a wrapper whatever it looks like: every
// path that AddWrapperClaims would find if all of its commands always ran, with those that it tests
// for before it runs them, assigns to a variable or passes as an argument. False, and no claim,
// where the text is no shell script that can be read.
bool AddScriptClaims(ClaimList* claims);

// Claims of <store path>/nix-support/*: `name` is the file's name there. Files of options give the
// paths in them; hooks (setup-hook, *.sh, *.bash) are read as wrappers; the rest are lists of words
// of which absolute paths count.
void AddNixSupportClaims(std::string_view name, ClaimList* claims);

// Claims of a *-config script: the options that it prints and the directories in its variables.
void AddConfigScriptClaims(ClaimList* claims);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_CLAIMS_WRAPPER_H_
