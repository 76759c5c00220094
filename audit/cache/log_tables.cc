#include "audit/cache/log_tables.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "base/text.h"

namespace lre_audit::cache {
namespace {

// Compared byte by byte.
static_assert(std::has_unique_object_representations_v<Artifact>);

absl::string_view BytesOf(std::span<const uint32_t> ids) {
  return {reinterpret_cast<const char*>(ids.data()), ids.size_bytes()};
}

}  // namespace

LogTables::LogTables() {
  artifacts.Add({});
  sets.Add({});
  symlink_sets.Add({});
}

size_t TableIndex::ArtifactHash::operator()(const Artifact& artifact) const {
  return absl::HashOf(
      absl::string_view(reinterpret_cast<const char*>(&artifact), sizeof(Artifact)));
}

bool TableIndex::ArtifactEqual::operator()(ArtifactId a, const Artifact& b) const {
  return memcmp(&tables->artifacts[a], &b, sizeof(Artifact)) == 0;
}

size_t TableIndex::SetHash::operator()(SetId id) const {
  const InputSet& set = tables->sets[id];
  return (*this)(SetContents{tables->lists.Get(set.direct), tables->lists.Get(set.sets)});
}

size_t TableIndex::SetHash::operator()(const SetContents& set) const {
  return absl::HashOf(BytesOf(set.direct), BytesOf(set.sets));
}

bool TableIndex::SetEqual::operator()(SetId a, const SetContents& b) const {
  const InputSet& set = tables->sets[a];
  return std::ranges::equal(tables->lists.Get(set.direct), b.direct) &&
         std::ranges::equal(tables->lists.Get(set.sets), b.sets);
}

TableIndex::TableIndex(const LogTables& tables)
    : tables_(tables),
      artifact_count_(static_cast<uint32_t>(tables.artifacts.size())),
      set_count_(static_cast<uint32_t>(tables.sets.size())),
      artifacts_(0, ArtifactHash{&tables}, ArtifactEqual{&tables}),
      sets_(0, SetHash{&tables}, SetEqual{&tables}) {}

ArtifactId TableIndex::Find(const Artifact& artifact) {
  if (artifact.damaged) return 0;
  ArtifactId found = next_artifact_;
  if (found >= artifact_count_ || !ArtifactEqual{&tables_}(found, artifact)) {
    if (artifacts_.empty()) {
      artifacts_.reserve(artifact_count_);
      for (ArtifactId id = 1; id < artifact_count_; ++id) {
        const Artifact& known = tables_.artifacts[id];
        if (!known.damaged && !artifacts_.contains(known)) artifacts_.insert(id);
      }
    }
    const auto place = artifacts_.find(artifact);
    if (place == artifacts_.end()) return 0;
    found = *place;
  }
  next_artifact_ = found + 1;
  return found;
}

SetId TableIndex::Find(std::span<const ArtifactId> direct, std::span<const SetId> sets) {
  const SetContents contents{direct, sets};
  SetId found = next_set_;
  if (found >= set_count_ || tables_.sets[found].damaged || !SetEqual{&tables_}(found, contents)) {
    if (sets_.empty()) {
      sets_.reserve(set_count_);
      for (SetId id = 1; id < set_count_; ++id) {
        const InputSet& set = tables_.sets[id];
        if (set.damaged) continue;
        if (!sets_.contains(
                SetContents{tables_.lists.Get(set.direct), tables_.lists.Get(set.sets)})) {
          sets_.insert(id);
        }
      }
    }
    const auto place = sets_.find(contents);
    if (place == sets_.end()) return 0;
    found = *place;
  }
  next_set_ = found + 1;
  return found;
}

}  // namespace lre_audit::cache
