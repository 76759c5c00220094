#include "audit/nix/closure_builder.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/nix/hash.h"
#include "base/status.h"
#include "base/store_path.h"
#include "base/text.h"

namespace lre_audit::nix {
namespace {

// Long enough for any store path in a message; what is longer is none.
std::string Shown(std::string_view text) {
  constexpr size_t kMaxShown = 300;
  return absl::StrCat("\"", Escaped(text.substr(0, kMaxShown)),
                      text.size() > kMaxShown ? "...\"" : "\"");
}

}  // namespace

absl::Status ClosureBuilder::CheckPath(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (!path.starts_with('/') || slash == 0) {
    return absl::InvalidArgumentError(absl::StrCat(Shown(path), " is no store path"));
  }
  if (absl::Status status = ParseBaseName(path.substr(slash + 1)).status(); !status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(Shown(path), " is no store path: ", status.message()));
  }
  const std::string_view directory = path.substr(0, slash);
  if (closure_.store_directory.empty()) closure_.store_directory = directory;
  if (directory != closure_.store_directory) {
    return absl::InvalidArgumentError(absl::StrCat(Shown(path), " is not in the store directory ",
                                                   Shown(closure_.store_directory)));
  }
  return absl::OkStatus();
}

void ClosureBuilder::Add(Entry entry) {
  if (absl::Status status = CheckPath(entry.path); !status.ok()) {
    return Problem(entry.where, ToStd(status.message()));
  }
  PathInfo info;
  info.path = std::move(entry.path);
  info.nar_size = entry.nar_size;
  info.deriver = std::move(entry.deriver);
  info.ca = std::move(entry.ca);
  info.signatures = std::move(entry.signatures);
  info.ultimate = entry.ultimate;

  if (!entry.hash.empty()) {
    const bool names_algorithm = entry.hash.find_first_of(":-") != std::string::npos;
    absl::StatusOr<std::string> hash = NormaliseHash(entry.hash, names_algorithm ? "" : "sha256");
    if (hash.ok()) {
      info.nar_hash = *std::move(hash);
    } else {
      Problem(entry.where, absl::StrCat(info.path, ": ", hash.status().message()));
    }
  }

  info.has_references = entry.has_references;
  if (!entry.references_checked) {
    for (const std::string& reference : entry.references) {
      if (absl::Status status = CheckPath(reference); !status.ok()) {
        Problem(entry.where, absl::StrCat(info.path, ": reference ", status.message()));
        info.has_references = false;
      }
    }
  }
  if (info.has_references) info.references = std::move(entry.references);
  if (!entry.references_checked) {
    std::sort(info.references.begin(), info.references.end());
    info.references.erase(std::unique(info.references.begin(), info.references.end()),
                          info.references.end());
  }

  // Moved only if it is added; sources mostly come in order.
  const std::string path = info.path;
  const size_t before = closure_.paths.size();
  const auto position = closure_.paths.try_emplace(closure_.paths.end(), path, std::move(info));
  if (closure_.paths.size() > before) return;
  const PathInfo& first = position->second;
  if (first.nar_hash != info.nar_hash || first.nar_size != info.nar_size ||
      first.has_references != info.has_references || first.references != info.references) {
    Problem(entry.where, absl::StrCat(info.path,
                                      " is there twice, with different contents; the "
                                      "first one counts"));
  }
}

void ClosureBuilder::Problem(std::string_view where, std::string_view what) {
  if (closure_.problems.size() == kMaxProblems) {
    ++dropped_problems_;
    return;
  }
  closure_.problems.push_back(absl::StrCat(ToAbsl(where), where.empty() ? "" : ": ", ToAbsl(what)));
}

absl::StatusOr<Closure> ClosureBuilder::FinishUsable() && {
  if (!closure_.paths.empty() || closure_.problems.empty()) return std::move(*this).Finish();
  const uint64_t more = closure_.problems.size() - 1 + dropped_problems_;
  return absl::InvalidArgumentError(absl::StrCat(
      "holds no store path that could be read: ", closure_.problems.front(),
      more == 0 ? ""
                : absl::StrCat(" (and ", more, more == 1 ? " problem more)" : " problems more)")));
}

Closure ClosureBuilder::Finish() && {
  if (closure_.store_directory.empty()) closure_.store_directory = kDefaultStoreDirectory;
  if (dropped_problems_ > 0) {
    closure_.problems.push_back(absl::StrCat("and ", dropped_problems_, " problems more"));
  }
  return std::move(closure_);
}

}  // namespace lre_audit::nix
