// What each rule does: one function per rule, under the rule's name. The table in rules.cc binds
// them to codes and pages.
#ifndef LRE_AUDIT_RULES_JUDGES_H_
#define LRE_AUDIT_RULES_JUDGES_H_

#include <vector>

#include "rules/rule.h"

namespace lre_audit::judge {

using Findings = std::vector<Finding>;
using JudgeFunction = void(const Subject& subject, const Rule& rule, Findings& findings);

// elf_rules.cc: an object by itself.
JudgeFunction InterpreterOutsideStore, InterpreterMissing;
JudgeFunction SearchPathOutsideStore, SearchPathRelative, SearchPathBuildDirectory,
    SearchPathEscapes, SearchPathDangling;
JudgeFunction ViewsDisagree, MalformedObject, ForeignArchitecture, DebugPath, ImpureLoader;

// elf_library_rules.cc: what an object loads.
JudgeFunction LibraryNotFound, LibraryOutsideStore, LibraryUndeclared, SymbolVersionMissing,
    TwoLibcs, AuditModuleOutsideStore, LoaderNoteOutsideStore, DlopenNotFound;

// file_rules.cc
JudgeFunction ShebangOutsideStore, ShebangMissing, SymlinkOutsideStore, SymlinkDangling,
    WrapperOutsideStore, BuildMetadataOutsideStore, EmbeddedPath, PrivilegedFile, WritableStoreFile,
    SpecialFile, MetadataNotCanonical;

// closure_rules.cc
JudgeFunction PathNotInClosure, ClosurePathMissing, ReferenceDangling, ReferenceUndeclared,
    NarHashMismatch, ReferenceHidden, StoreEntryInvalid, SignatureInvalid, OnlyInOneSide;

// image_rules.cc
JudgeFunction BlobDigestMismatch, DiffIdMismatch, FileOutsideStore, StorePathAltered,
    EnvironmentOutsideStore, LoaderEnvironment, EntrypointOutsideStore, LoaderConfiguration,
    EnvironmentPathMissing, ImageViewsDisagree, TrailingData;

// toolchain_rules.cc: what a generated toolchain names.
JudgeFunction ToolOutsideStore, ToolMissing, IncludeDirectoryOutsideStore, IncludeDirectoryMissing,
    FlagOutsideStore, ScriptOutsideStore, LibcMismatch, ToolUnresolved;
JudgeFunction ToolchainPathNotInImage, ToolchainPathNotLocal;
JudgeFunction ToolchainPathNotInLocalStore;  // OnlyInOneSide, for a toolchain

// platform_rules.cc, environment_rules.cc, agreement_rules.cc: what several must say alike.
JudgeFunction PlatformDiffers;
JudgeFunction BazelrcDiffers, EnvironmentDiffers;
JudgeFunction ContentDiffers, ContainerImageDiffers, PinDiffers;

// audit_rules.cc
JudgeFunction Incomplete, LimitReached;

}  // namespace lre_audit::judge

#endif  // LRE_AUDIT_RULES_JUDGES_H_
