// Claims that a file's contents make: "this script runs that interpreter", "this wrapper passes
// that directory", "this .pc file names that prefix". They come from the bytes of one file alone;
// whether the path exists, and whether it may be named, is for link and the rules.
//
// Precision comes first: a claim is what a tool will execute, search or pass on. A path that is
// only mentioned (in a comment, message, test or here-document) and a path that depends on a
// variable are no claims.
#ifndef LRE_AUDIT_AUDIT_CLAIMS_CLAIMS_H_
#define LRE_AUDIT_AUDIT_CLAIMS_CLAIMS_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "rules/facts.pb.h"

namespace lre_audit {

// What kind of text a file is, for the claims it can make.
enum class ClaimSource {
  kNone,             // no claims: the contents need not be kept
  kShebang,          // only its #! line counts: the first kHeadSize bytes are enough
  kShell,            // a shell script; a wrapper, perhaps
  kNixSupport,       // <store path>/nix-support/*
  kPkgConfig,        // *.pc
  kLibtool,          // *.la
  kCMake,            // CMake package configuration and exported targets
  kQtPrl,            // *.prl
  kConfigScript,     // an executable script *-config
  kGccSpecs,         // specs, *.specs
  kPythonSysconfig,  // _sysconfigdata*.py
  kPerlConfig,       // Perl's Config.pm, Config_heavy.pl
  kLinkerScript,     // lib*.so and lib*.a that are text for GNU ld
};

// How many bytes of a file's beginning Classify wants; fewer only if the file is shorter.
inline constexpr size_t kHeadSize = 4096;

// `path` is the file's path in the tree, `size` its length in bytes, `executable` whether it has an
// execute bit.
ClaimSource Classify(std::string_view path, std::string_view head, uint64_t size, bool executable,
                     std::string_view store_directory = "/nix/store");

// How many bytes of a source's files ExtractClaims wants at most. Of a longer file, pass the first
// so many; facts->size() then tells that it is longer, which becomes a Defect LIMIT.
uint64_t MaxTextSize();
uint64_t MaxTextSize(ClaimSource source);

// Appends the claims of `text` to `facts`, in the order of their first occurrence, one per kind and
// text, and Defects for what could not be read. Reads facts->size() and nothing else of `facts`.
// Time and memory are linear in the length of `text`.
void ExtractClaims(ClaimSource source, std::string_view path, std::string_view text,
                   std::string_view store_directory, FileFacts* facts);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_CLAIMS_CLAIMS_H_
