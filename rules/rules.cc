// The one table of rules, and the judge that runs it.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "rules/absences.h"
#include "rules/finding.h"
#include "rules/judges.h"
#include "rules/pages.h"
#include "rules/rule.h"

namespace lre_audit {
namespace {

constexpr Rule::Absence kAbsence = Rule::Absence::kFromTree;

// clang-format off
constexpr Rule kRules[] = {
    // ELF objects, as the loader sees them.
    {"LRE101", "interpreter-outside-store", Finding::ERROR,
     "PT_INTERP is outside the store", page::kLre101, judge::InterpreterOutsideStore},
    {"LRE102", "interpreter-missing", Finding::ERROR,
     "PT_INTERP is not in the audited tree", page::kLre102, judge::InterpreterMissing, kAbsence},
    {"LRE103", "search-path-outside-store", Finding::ERROR,
     "an RPATH/RUNPATH element is outside the store", page::kLre103, judge::SearchPathOutsideStore},
    {"LRE104", "search-path-relative", Finding::ERROR,
     "an element is relative or empty, so it means the current directory", page::kLre104, judge::SearchPathRelative},
    {"LRE105", "search-path-build-directory", Finding::ERROR,
     "an element names a build or home directory (/build, /tmp, $TMPDIR, /home)", page::kLre105, judge::SearchPathBuildDirectory},
    {"LRE106", "search-path-escapes", Finding::ERROR,
     "$ORIGIN/.. or a symlink leads out of the store", page::kLre106, judge::SearchPathEscapes},
    {"LRE107", "search-path-dangling", Finding::WARNING,
     "an element names a store path that is not there", page::kLre107, judge::SearchPathDangling, kAbsence},
    {"LRE108", "library-not-found", Finding::ERROR,
     "a NEEDED library is found nowhere", page::kLre108, judge::LibraryNotFound, kAbsence},
    {"LRE109", "library-outside-store", Finding::ERROR,
     "a NEEDED library resolves, or is named, outside the store", page::kLre109, judge::LibraryOutsideStore},
    {"LRE110", "library-undeclared", Finding::ERROR,
     "it resolves into a store path that the object's own package does not reference", page::kLre110, judge::LibraryUndeclared},
    {"LRE111", "symbol-version-missing", Finding::ERROR,
     "the resolved library lacks a symbol version that the object needs", page::kLre111, judge::SymbolVersionMissing},
    {"LRE112", "two-libcs", Finding::ERROR,
     "one process would load two C libraries", page::kLre112, judge::TwoLibcs},
    {"LRE113", "views-disagree", Finding::ERROR,
     "sections tell another story than the segments that the loader reads", page::kLre113, judge::ViewsDisagree},
    {"LRE114", "audit-module-outside-store", Finding::ERROR,
     "DT_AUDIT, DT_DEPAUDIT, DT_FILTER, DT_AUXILIARY lead outside the store", page::kLre114, judge::AuditModuleOutsideStore},
    {"LRE115", "loader-note-outside-store", Finding::ERROR,
     ".note.nixos.ldcache leads outside the store or contradicts RUNPATH", page::kLre115, judge::LoaderNoteOutsideStore},
    {"LRE116", "dlopen-not-found", Finding::WARNING,
     "a library named in .note.dlopen is found nowhere (error where marked required)", page::kLre116, judge::DlopenNotFound, kAbsence},
    {"LRE117", "malformed-object", Finding::WARNING,
     "ELF, Mach-O or archive by its magic, but not readable as such", page::kLre117, judge::MalformedObject},
    {"LRE118", "foreign-architecture", Finding::WARNING,
     "an executable or its library is for another machine than the tree's platform", page::kLre118, judge::ForeignArchitecture},
    {"LRE119", "debug-path", Finding::NOTE,
     "DWARF names a directory outside the store", page::kLre119, judge::DebugPath},
    {"LRE120", "impure-loader", Finding::WARNING,
     "the interpreter's own built-in search paths or cache lie outside the store", page::kLre120, judge::ImpureLoader},

    // Other files.
    {"LRE201", "shebang-outside-store", Finding::ERROR,
     "an executable script's interpreter is outside the store (note when not executable)", page::kLre201, judge::ShebangOutsideStore},
    {"LRE202", "shebang-missing", Finding::ERROR,
     "a script's interpreter is not in the tree", page::kLre202, judge::ShebangMissing, kAbsence},
    {"LRE203", "symlink-outside-store", Finding::ERROR,
     "a symlink in the store leads outside it", page::kLre203, judge::SymlinkOutsideStore},
    {"LRE204", "symlink-dangling", Finding::ERROR,
     "a symlink leads to a store path that is not there (warning inside one path)", page::kLre204, judge::SymlinkDangling, kAbsence},
    {"LRE205", "wrapper-outside-store", Finding::ERROR,
     "a wrapper script or nix-support file runs or passes a path outside the store", page::kLre205, judge::WrapperOutsideStore},
    {"LRE206", "build-metadata-outside-store", Finding::WARNING,
     ".pc, .la, .cmake, .prl, *-config, GCC specs, Python _sysconfigdata name a path outside the store", page::kLre206, judge::BuildMetadataOutsideStore},
    {"LRE207", "embedded-path", Finding::NOTE,
     "a binary embeds a path outside the store as a string, one finding per file", page::kLre207, judge::EmbeddedPath},
    {"LRE208", "privileged-file", Finding::ERROR,
     "setuid, setgid or file capabilities", page::kLre208, judge::PrivilegedFile},
    {"LRE209", "writable-store-file", Finding::WARNING,
     "a store file or directory is writable", page::kLre209, judge::WritableStoreFile},
    {"LRE210", "special-file", Finding::ERROR,
     "a device, fifo or socket in the store", page::kLre210, judge::SpecialFile},
    {"LRE211", "metadata-not-canonical", Finding::NOTE,
     "store mtime, owner or mode is not what Nix writes", page::kLre211, judge::MetadataNotCanonical},

    // The closure.
    {"LRE301", "path-not-in-closure", Finding::ERROR,
     "the tree holds a store path that the closure does not", page::kLre301, judge::PathNotInClosure, Rule::Absence::kFromClosure},
    {"LRE302", "closure-path-missing", Finding::ERROR,
     "the closure holds a store path that the tree does not", page::kLre302, judge::ClosurePathMissing, kAbsence},
    {"LRE303", "reference-dangling", Finding::ERROR,
     "a file refers to a store path that is not in the tree", page::kLre303, judge::ReferenceDangling, kAbsence},
    {"LRE304", "reference-undeclared", Finding::WARNING,
     "contents refer to a path that the recorded references omit", page::kLre304, judge::ReferenceUndeclared},
    {"LRE305", "nar-hash-mismatch", Finding::ERROR,
     "the contents are not those that the closure records", page::kLre305, judge::NarHashMismatch},
    {"LRE306", "reference-hidden", Finding::WARNING,
     "a reference that Nix's scanner cannot see (compressed, UTF-16) leads outside the closure", page::kLre306, judge::ReferenceHidden},
    {"LRE307", "store-entry-invalid", Finding::ERROR,
     "an entry of the store directory is no store path (locks, temporary files, bad names)", page::kLre307, judge::StoreEntryInvalid},
    {"LRE308", "signature-invalid", Finding::ERROR,
     "the closure's record of a path is not what its signature or content address says", page::kLre308, judge::SignatureInvalid},

    // The image.
    {"LRE401", "blob-digest-mismatch", Finding::ERROR,
     "a blob is not what its digest or size says", page::kLre401, judge::BlobDigestMismatch},
    {"LRE402", "diff-id-mismatch", Finding::ERROR,
     "a layer's contents are not what the configuration says", page::kLre402, judge::DiffIdMismatch},
    {"LRE403", "file-outside-store", Finding::ERROR,
     "the image holds an executable or library outside the store (warning for other files)", page::kLre403, judge::FileOutsideStore},
    {"LRE404", "store-path-altered", Finding::ERROR,
     "a later layer changes or removes part of a store path", page::kLre404, judge::StorePathAltered},
    {"LRE405", "environment-outside-store", Finding::ERROR,
     "an Env path element is outside the store, relative or empty", page::kLre405, judge::EnvironmentOutsideStore},
    {"LRE406", "loader-environment", Finding::ERROR,
     "Env sets LD_LIBRARY_PATH, LD_PRELOAD, LD_AUDIT and their like", page::kLre406, judge::LoaderEnvironment},
    {"LRE407", "entrypoint-outside-store", Finding::ERROR,
     "Entrypoint or Cmd is outside the store or not in the image", page::kLre407, judge::EntrypointOutsideStore},
    {"LRE408", "loader-configuration", Finding::ERROR,
     "ld.so.preload, ld-nix.so.preload, ld.so.conf or a cache is present", page::kLre408, judge::LoaderConfiguration},
    {"LRE409", "environment-path-missing", Finding::ERROR,
     "Env names a store path that is not in the image", page::kLre409, judge::EnvironmentPathMissing, kAbsence},
    {"LRE410", "image-views-disagree", Finding::ERROR,
     "two descriptions of one image differ", page::kLre410, judge::ImageViewsDisagree},
    {"LRE411", "trailing-data", Finding::WARNING,
     "bytes after the end of a layer's archive", page::kLre411, judge::TrailingData},

    // Generated toolchains.
    {"LRE501", "tool-outside-store", Finding::ERROR,
     "a tool path, JAVA_HOME or CC is outside the store", page::kLre501, judge::ToolOutsideStore},
    {"LRE502", "tool-missing", Finding::ERROR,
     "a tool is in the store but not in the closure, image or local store", page::kLre502, judge::ToolMissing},
    {"LRE503", "include-directory-outside-store", Finding::ERROR,
     "a builtin include directory is outside the store", page::kLre503, judge::IncludeDirectoryOutsideStore},
    {"LRE504", "include-directory-missing", Finding::ERROR,
     "a builtin include directory is in the store but not there", page::kLre504, judge::IncludeDirectoryMissing},
    {"LRE505", "flag-outside-store", Finding::ERROR,
     "-B, -L, -I, -isystem, --sysroot, -fuse-ld, -rpath name a path outside the store", page::kLre505, judge::FlagOutsideStore},
    {"LRE506", "script-outside-store", Finding::ERROR,
     "a generated script's interpreter or command is outside the store", page::kLre506, judge::ScriptOutsideStore},
    {"LRE507", "libc-mismatch", Finding::WARNING,
     "the declared libc is not the one in the closure", page::kLre507, judge::LibcMismatch},
    {"LRE508", "tool-unresolved", Finding::NOTE,
     "a tool is \"None\", empty, or a bare name looked up in PATH", page::kLre508, judge::ToolUnresolved},

    // Agreement.
    {"LRE601", "toolchain-path-not-in-image", Finding::ERROR,
     "the toolchain names a store path that the image lacks", page::kLre601, judge::ToolchainPathNotInImage},
    {"LRE602", "toolchain-path-not-local", Finding::ERROR,
     "the toolchain names a store path that the local closure lacks", page::kLre602, judge::ToolchainPathNotLocal},
    {"LRE603", "content-differs", Finding::ERROR,
     "a store path differs between local and image (with the first differing file)", page::kLre603, judge::ContentDiffers},
    {"LRE604", "only-in-one-side", Finding::WARNING,
     "a store path is on one side only", page::kLre604, judge::OnlyInOneSide},
    {"LRE605", "bazelrc-differs", Finding::ERROR,
     "lre.bazelrc, toolchain configuration and image Env name different store paths", page::kLre605, judge::BazelrcDiffers},
    {"LRE606", "container-image-differs", Finding::ERROR,
     "the platform's container-image, the image's own name and tag, and what workers advertise differ", page::kLre606, judge::ContainerImageDiffers},
    {"LRE607", "pin-differs", Finding::ERROR,
     "MODULE.bazel and flake.lock pin different commits of the same project", page::kLre607, judge::PinDiffers},
    {"LRE608", "platform-differs", Finding::ERROR,
     "architecture or OS differ between toolchain, image and objects", page::kLre608, judge::PlatformDiffers},
    {"LRE609", "environment-differs", Finding::ERROR,
     "the image's Env is not the one the toolchain was generated under (or was lost from the base image)", page::kLre609, judge::EnvironmentDiffers},

    // Cache keys: explain finds them, by audit/explain/naming.h.
    {"LRE701", "evicted-or-never-uploaded", Finding::ERROR,
     "the key is the same on both sides, and the cache has no entry of it", page::kLre701, nullptr},
    {"LRE702", "instance-mismatch", Finding::ERROR,
     "the builds asked different instances of the cache", page::kLre702, nullptr},
    {"LRE703", "digest-function", Finding::ERROR,
     "the builds use different digest functions", page::kLre703, nullptr},
    {"LRE704", "rpc-failure", Finding::ERROR,
     "calls to the remote cache or executor failed for good", page::kLre704, nullptr},
    {"LRE705", "policy", Finding::ERROR,
     "an action may be cached on one side alone (note where on neither)", page::kLre705, nullptr},
    {"LRE706", "env-path-leak", Finding::ERROR,
     "PATH, or another list of directories in an action's environment, differs", page::kLre706, nullptr},
    {"LRE707", "env-other", Finding::ERROR,
     "another environment variable of an action differs", page::kLre707, nullptr},
    {"LRE708", "platform-property", Finding::ERROR,
     "a platform property (exec_properties) differs, such as container-image", page::kLre708, nullptr},
    {"LRE709", "toolchain-drift", Finding::ERROR,
     "the command line names other tools, or other store paths of the same packages", page::kLre709, nullptr},
    {"LRE710", "builtin-includes-drift", Finding::ERROR,
     "the list of the compiler's builtin include directories differs, an input of every compile", page::kLre710, nullptr},
    {"LRE711", "shell-drift", Finding::ERROR,
     "actions are run by different shells", page::kLre711, nullptr},
    {"LRE712", "absolute-path", Finding::ERROR,
     "the command line names a home, output base, execution root or other path of one machine", page::kLre712, nullptr},
    {"LRE713", "host-config-leak", Finding::ERROR,
     "the same action is of different configurations (bazel-out/<cfg>)", page::kLre713, nullptr},
    {"LRE714", "stamp", Finding::ERROR,
     "an action reads the build's stable or volatile status", page::kLre714, nullptr},
    {"LRE715", "salt", Finding::ERROR,
     "the keys differ in what no log says: the salt, the form of the messages", page::kLre715, nullptr},
    {"LRE716", "timeout", Finding::ERROR,
     "the action's timeout differs", page::kLre716, nullptr},
    {"LRE717", "declared-outputs", Finding::ERROR,
     "the action declares other outputs", page::kLre717, nullptr},
    {"LRE718", "input-set", Finding::ERROR,
     "an input is there on one side alone", page::kLre718, nullptr},
    {"LRE719", "source-content", Finding::ERROR,
     "the contents of a source file differ", page::kLre719, nullptr},
    {"LRE720", "tree-order", Finding::ERROR,
     "the same arguments stand in another order", page::kLre720, nullptr},
    {"LRE721", "symlink-vs-file", Finding::ERROR,
     "an input is a symlink on one side and a file or directory on the other", page::kLre721, nullptr},
    {"LRE722", "upstream", Finding::ERROR,
     "a generated input differs, and the logs do not show why", page::kLre722, nullptr},
    {"LRE723", "nondeterministic", Finding::ERROR,
     "the same action made other outputs", page::kLre723, nullptr},
    {"LRE724", "key-blind", Finding::WARNING,
     "an action read files that its key does not know: absolute paths outside the store", page::kLre724, nullptr},
    {"LRE725", "arguments", Finding::ERROR,
     "an argument of the command line differs, and is none of the others' business", page::kLre725, nullptr},
    {"LRE726", "unpaired", Finding::NOTE,
     "an action is in one of the logs alone", page::kLre726, nullptr},
    {"LRE727", "options", Finding::NOTE,
     "the two builds were asked for with other options", page::kLre727, nullptr},

    // The audit itself.
    {"LRE901", "incomplete", Finding::ERROR,
     "something asked for could not be read (exit 3)", page::kLre901, judge::Incomplete},
    {"LRE902", "limit-reached", Finding::ERROR,
     "a limit stopped the reading (exit 3)", page::kLre902, judge::LimitReached},
    {"LRE903", "suppression-unused", Finding::WARNING,
     "a suppression matches nothing", page::kLre903, nullptr},
    {"LRE904", "suppression-expired", Finding::ERROR,
     "a suppression is past its date", page::kLre904, nullptr},
};
// clang-format on

bool IsFileRule(const Finding& finding) {
  return finding.rule().starts_with("LRE1") || finding.rule().starts_with("LRE2");
}

// Drops what another finding says better, so that one cause in one file is one finding.
void DropRepetitions(const Subject& subject, std::vector<Finding>& findings) {
  // Which store paths the LRE1xx and LRE2xx findings of each file name. What they name relative to
  // the file ($ORIGIN) is told by their cause.
  std::set<std::pair<std::string, std::string>> named;     // file, store path
  std::set<std::pair<std::string, std::string>> dangling;  // the same: LRE303
  std::set<std::string> loader_configuration;              // files: LRE408
  for (const Finding& finding : findings) {
    if (IsFileRule(finding)) {
      for (const std::string& name : {finding.referenced(), finding.cause()}) {
        const std::string_view path = StorePathOf(name, subject.store_directory);
        if (!path.empty()) named.emplace(finding.path(), path);
      }
    }
    if (finding.rule() == "LRE303") dangling.emplace(finding.path(), finding.referenced());
    if (finding.rule() == "LRE408") loader_configuration.insert(finding.path());
  }

  const auto said_better = [&](const Finding& finding) {
    const std::string& rule = finding.rule();
    // "It refers to X, which is missing" says less than "its interpreter X is missing".
    if (rule == "LRE303") return named.contains({finding.path(), finding.referenced()});
    // "It hides a reference" is news only where the same file does not show it as well.
    if (rule == "LRE306") return dangling.contains({finding.path(), finding.referenced()});
    // "A file outside the store" says less than "it configures the loader".
    if (rule == "LRE403") return loader_configuration.contains(finding.path());
    return false;
  };
  std::erase_if(findings, said_better);
}

// Severity first, then what makes two findings different, then what makes the order total.
auto SortKey(const Finding& finding) {
  return std::make_tuple(-static_cast<int>(finding.severity()), std::cref(finding.rule()),
                         std::cref(finding.path()), std::cref(finding.referenced()),
                         std::cref(finding.message()), finding.location().line(),
                         finding.location().offset(), std::cref(finding.evidence()));
}

bool SaysTheSame(const Finding& a, const Finding& b) {
  return a.severity() == b.severity() && a.rule() == b.rule() && a.path() == b.path() &&
         a.referenced() == b.referenced() && a.message() == b.message();
}

}  // namespace

std::span<const Rule> AllRules() { return kRules; }

const Rule* FindRule(std::string_view code_or_name) {
  for (const Rule& rule : kRules) {
    if (absl::EqualsIgnoreCase(ToAbsl(code_or_name), rule.code) || code_or_name == rule.name) {
      return &rule;
    }
  }
  return nullptr;
}

void SortFindings(std::vector<Finding>& findings) {
  std::sort(findings.begin(), findings.end(),
            [](const Finding& a, const Finding& b) { return SortKey(a) < SortKey(b); });
}

std::vector<Finding> Judge(const Subject& subject) {
  std::vector<Finding> findings;
  for (const Rule& rule : kRules) {
    if (rule.judge != nullptr) rule.judge(subject, rule, findings);
  }

  DropAbsences(subject, findings);
  DropRepetitions(subject, findings);
  SortFindings(findings);
  // A path that a file names on ten lines is one finding, at the first of them; but a toolchain's
  // lines are what people edit, so each is told.
  const auto is_repetition = [&](const Finding& a, const Finding& b) {
    return SaysTheSame(a, b) &&
           (!subject.toolchain || (a.location().line() == b.location().line() &&
                                   a.location().column() == b.location().column()));
  };
  findings.erase(std::unique(findings.begin(), findings.end(), is_repetition), findings.end());

  // Lines of one file that name the same path are told apart by their order.
  std::map<std::string, int> told;
  for (Finding& finding : findings) {
    finding.set_subject(subject.reference);
    finding.set_fingerprint(Fingerprint(finding, subject));
    const int before = told[finding.fingerprint()]++;
    if (before > 0) finding.set_fingerprint(absl::StrCat(finding.fingerprint(), "-", before + 1));
  }
  return findings;
}

}  // namespace lre_audit
