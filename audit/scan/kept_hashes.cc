#include "audit/scan/kept_hashes.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/bytes/sha256.h"
#include "audit/facts/facts_cache.h"
#include "audit/scan/kept.pb.h"
#include "base/text.h"

namespace lre_audit {
namespace {

std::optional<KeptHashesFacts> Recall(FactsCache& cache, const std::string& key) {
  const std::optional<std::string> facts = cache.Find(key);
  if (!facts) return std::nullopt;
  KeptHashesFacts kept;
  if (kept.ParseFromString(*facts)) return kept;
  cache.Drop(key, "holds no hashes");
  return std::nullopt;
}

// Text of any bytes, told apart from what follows it.
void Add(std::string_view text, Sha256& hash) {
  hash.Update(absl::StrCat(text.size(), ":"));
  hash.Update(text);
}

}  // namespace

KeptHashes::KeptHashes(FactsCache* cache, const std::vector<ScannedPart>& parts) : cache_(cache) {
  if (cache == nullptr) return;
  for (const ScannedPart& part : parts) contents_.push_back(part.content);
}

std::string KeptHashes::KeyOf(const std::vector<const NarRequest*>& requests) const {
  if (cache_ == nullptr) return {};
  Sha256 hash;
  for (const NarRequest* request : requests) {
    Add(request->store_path, hash);
    hash.Update(absl::StrCat(request->nodes.size(), "\n"));
    for (const NarNode& node : request->nodes) {
      Add(node.path, hash);
      hash.Update(absl::StrCat(static_cast<int>(node.type), " ", node.executable ? 1 : 0, " ",
                               node.size, "\n"));
      Add(node.target, hash);
      if (node.type != Entry::Type::kRegular) continue;
      const std::string& content = contents_.at(node.content.part);
      if (content.empty()) return {};
      Add(content, hash);
      hash.Update(absl::StrCat(node.content.index, "\n"));
    }
  }
  return cache_->KeyOf({"NAR hashes", hash.FinishHex()});
}

std::optional<KeptHashes::Nars> KeptHashes::RecallNars(
    const std::vector<const NarRequest*>& requests) const {
  const std::string key = KeyOf(requests);
  if (key.empty()) return std::nullopt;
  const std::optional<KeptHashesFacts> kept = Recall(*cache_, key);
  if (!kept) return std::nullopt;
  Nars nars;
  for (const KeptNar& nar : kept->nars()) nars[nar.store_path()] = {nar.hash(), nar.size()};
  return nars;
}

void KeptHashes::KeepNars(const std::vector<const NarRequest*>& requests, const Nars& nars) const {
  // What cannot be read today may be read tomorrow.
  if (nars.size() != requests.size()) return;
  const std::string key = KeyOf(requests);
  if (key.empty()) return;
  KeptHashesFacts kept;
  for (const auto& [store_path, result] : nars) {
    KeptNar* nar = kept.add_nars();
    nar->set_store_path(store_path);
    nar->set_hash(result.hash);
    nar->set_size(result.size);
  }
  cache_->Keep(key, kept.SerializeAsString());
}

std::string KeptHashes::KeyOf(size_t part, const std::vector<uint64_t>& indices) const {
  if (cache_ == nullptr || contents_.at(part).empty()) return {};
  std::string wanted;
  for (const uint64_t index : indices) absl::StrAppend(&wanted, index, " ");
  return cache_->KeyOf({"contents", contents_[part], wanted});
}

std::optional<std::vector<std::string>> KeptHashes::RecallContents(
    size_t part, const std::vector<uint64_t>& indices) const {
  const std::string key = KeyOf(part, indices);
  if (key.empty()) return std::nullopt;
  const std::optional<KeptHashesFacts> kept = Recall(*cache_, key);
  if (!kept || kept->contents_size() != indices.size()) return std::nullopt;
  return std::vector<std::string>(kept->contents().begin(), kept->contents().end());
}

void KeptHashes::KeepContents(size_t part, const std::vector<uint64_t>& indices,
                              const std::vector<std::string>& hashes) const {
  const std::string key = KeyOf(part, indices);
  if (key.empty()) return;
  KeptHashesFacts kept;
  for (const std::string& hash : hashes) kept.add_contents(hash);
  cache_->Keep(key, kept.SerializeAsString());
}

}  // namespace lre_audit
