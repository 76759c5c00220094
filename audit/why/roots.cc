#include "audit/why/roots.h"

#include <string_view>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_split.h"
#include "base/store_path.h"
#include "base/text.h"

namespace lre_audit::why {
namespace {

Root MakeRoot(Root::Kind kind, LinkedClaim claim) {
  Root root;
  root.kind = kind;
  root.claim = std::move(claim);
  return root;
}

Root MakeRoot(Root::Kind kind, const std::string& path, const TreeIndex& index) {
  LinkedClaim claim;
  claim.text = path;
  claim.target = index.Lookup(path, {});
  return MakeRoot(kind, std::move(claim));
}

std::string_view HashOf(std::string_view base_name) {
  return base_name.substr(0, nix::kHashLength);
}

}  // namespace

std::vector<Root> RootsOfImage(const LinkedImage& image, const TreeIndex& index) {
  std::vector<Root> roots;
  for (const LinkedClaim& claim : image.entrypoint) {
    roots.push_back(MakeRoot(Root::Kind::kEntrypoint, claim));
  }
  for (const LinkedClaim& claim : image.environment) {
    roots.push_back(MakeRoot(Root::Kind::kEnvironment, claim));
  }
  for (const LinkedImage::Variable& variable : image.loader_variables) {
    // ld.so(8): LD_LIBRARY_PATH is split at colons and semicolons, LD_PRELOAD at blanks too.
    for (absl::string_view element : absl::StrSplit(variable.value, absl::ByAnyChar(":; "))) {
      if (element.empty() || element[0] != '/') continue;
      LinkedClaim claim;
      claim.kind = Claim::ENVIRONMENT;
      claim.text = std::string(element);
      claim.context = variable.name;
      claim.target = index.Lookup(claim.text, {});
      roots.push_back(MakeRoot(Root::Kind::kEnvironment, std::move(claim)));
    }
  }
  return roots;
}

void AddRootsOfToolchain(const ConfigFacts& file, const TreeIndex& index,
                         std::vector<Root>& roots) {
  for (const Claim& fact : file.claims()) {
    LinkedClaim claim;
    claim.kind = fact.kind();
    claim.text = fact.text();
    claim.offset = fact.offset();
    claim.line = fact.line();
    claim.context = fact.context();
    claim.excerpt = fact.excerpt();
    claim.target = index.Lookup(claim.text, {});
    Root& root = roots.emplace_back(MakeRoot(Root::Kind::kToolchain, std::move(claim)));
    root.file = file.path();
    root.column = fact.column();
  }
}

std::vector<Root> RootsOfStore(const std::vector<std::string>& store_paths,
                               const TreeIndex& index) {
  std::vector<Root> roots;
  roots.reserve(store_paths.size());
  for (const std::string& path : store_paths) {
    roots.push_back(MakeRoot(Root::Kind::kStorePath, path, index));
  }
  return roots;
}

std::vector<Root> UnreferencedRoots(const Subject& subject, const TreeIndex& index) {
  absl::flat_hash_set<std::string_view> referenced;  // hashes
  for (const LinkedFile& file : subject.files) {
    const std::string_view own =
        file.store_path.empty()
            ? std::string_view()
            : HashOf(std::string_view(file.store_path).substr(file.store_path.rfind('/') + 1));
    const auto add = [&](const auto& references) {
      for (const auto& reference : references) {
        const std::string_view hash = HashOf(reference.base_name());
        if (hash != own) referenced.insert(hash);
      }
    };
    add(file.facts->references());
    add(file.facts->hidden_references());
  }
  std::vector<Root> roots;
  for (const LinkedStorePath& path : subject.store_paths) {
    if (!path.in_tree) continue;
    if (referenced.contains(HashOf(std::string_view(path.path).substr(path.path.rfind('/') + 1)))) {
      continue;
    }
    roots.push_back(MakeRoot(Root::Kind::kUnreferenced, path.path, index));
  }
  for (const LinkedFile& file : subject.files) {
    if (!file.store_path.empty() || file.facts->type() == FileFacts::DIRECTORY) continue;
    roots.push_back(MakeRoot(Root::Kind::kUnreferenced, file.facts->path(), index));
  }
  return roots;
}

}  // namespace lre_audit::why
