// Claims of files that tell builds where things are installed. Each reads the list's whole text, of
// the format that its name says, and adds claims of kind BUILD_METADATA.
#ifndef LRE_AUDIT_AUDIT_CLAIMS_METADATA_H_
#define LRE_AUDIT_AUDIT_CLAIMS_METADATA_H_

#include <string_view>

#include "audit/claims/claim_list.h"

namespace lre_audit {

// pkg-config (pkg.m4's and pc(5)'s format): variables written as absolute installation paths, and
// the options of Libs and Cflags with variables expanded. A path that expands to a doubled prefix
// (`${prefix}//nix/store/...`) is claimed as it expands, for that is what compilers are given.
void AddPkgConfigClaims(ClaimList* claims);

// Libtool archives: libdir, dependency_libs, inherited_linker_flags.
void AddLibtoolClaims(ClaimList* claims);

// qmake's library files: every value's options and absolute paths.
void AddQtPrlClaims(ClaimList* claims);

// GCC's specs (GCC manual, "Spec Files"): absolute paths anywhere in a spec.
void AddGccSpecsClaims(ClaimList* claims);

// Python's build-time variables: absolute paths and options in string values.
void AddPythonSysconfigClaims(ClaimList* claims);

// Perl's Config.pm and Config_heavy.pl: name='value' and name => 'value'.
void AddPerlConfigClaims(ClaimList* claims);

// CMake package configurations and exported targets: absolute paths in the arguments of commands
// that set variables and properties; not in conditions, messages or comments.
void AddCMakeClaims(ClaimList* claims);

// Whether a file that begins with `head` is a script for GNU ld in the place of a library, as glibc
// and ncurses install them: its first command is one of those that name files or formats.
bool IsLinkerScript(std::string_view head);

// GNU ld's manual, "Commands Dealing with Files": absolute paths in GROUP, INPUT, AS_NEEDED and
// SEARCH_DIR. Those that begin with `=` or $SYSROOT are below a sysroot, and none.
void AddLinkerScriptClaims(ClaimList* claims);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_CLAIMS_METADATA_H_
