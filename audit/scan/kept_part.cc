#include "audit/scan/kept_part.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/facts/facts_cache.h"
#include "audit/scan/kept.pb.h"

namespace lre_audit {
namespace {

std::optional<Entry::Type> TypeOf(FileFacts::Type type) {
  switch (type) {
    case FileFacts::REGULAR:
      return Entry::Type::kRegular;
    case FileFacts::DIRECTORY:
      return Entry::Type::kDirectory;
    case FileFacts::SYMLINK:
      return Entry::Type::kSymlink;
    case FileFacts::CHARACTER_DEVICE:
      return Entry::Type::kCharacterDevice;
    case FileFacts::BLOCK_DEVICE:
      return Entry::Type::kBlockDevice;
    case FileFacts::FIFO:
      return Entry::Type::kFifo;
    case FileFacts::SOCKET:
      return Entry::Type::kSocket;
    default:
      return std::nullopt;
  }
}

// The entry as far as its facts know it.
Entry EntryOf(const FileFacts& facts, size_t position) {
  Entry entry;
  entry.path = facts.path();
  entry.type = TypeOf(facts.type()).value_or(Entry::Type::kRegular);
  entry.mode = facts.mode();
  entry.uid = facts.uid();
  entry.gid = facts.gid();
  entry.mtime = facts.mtime();
  entry.size = facts.size();
  entry.target = facts.target();
  entry.index = position;
  return entry;
}

void ToKept(const Entry& entry, size_t position, KeptPart::KeptEntry* kept) {
  kept->set_position(position);
  kept->set_path(entry.path);
  kept->set_type(static_cast<int>(entry.type));
  kept->set_mode(entry.mode);
  kept->set_uid(entry.uid);
  kept->set_gid(entry.gid);
  kept->set_mtime(entry.mtime);
  kept->set_size(entry.size);
  kept->set_target(entry.target);
  kept->set_index(entry.index);
}

Entry FromKept(const KeptPart::KeptEntry& kept) {
  Entry entry;
  entry.path = kept.path();
  entry.type = static_cast<Entry::Type>(kept.type());
  entry.mode = kept.mode();
  entry.uid = kept.uid();
  entry.gid = kept.gid();
  entry.mtime = kept.mtime();
  entry.size = kept.size();
  entry.target = kept.target();
  entry.index = kept.index();
  return entry;
}

// Moves the part's facts into `kept`; SwapFacts brings them back. False for what could not be had
// back as it is.
bool ToKept(ScannedPart& part, KeptPart* kept) {
  bool same = true;
  for (size_t i = 0; i < part.entries.size(); ++i) {
    const Entry& entry = part.entries[i];
    FileFacts* facts = kept->add_facts();
    facts->Swap(&part.facts[i]);
    facts->clear_layer();
    if (EntryOf(*facts, i) == entry) continue;
    KeptPart::KeptEntry* own = kept->add_entries();
    ToKept(entry, i, own);
    same = same && FromKept(*own) == entry;
  }
  for (const auto& [store_path, streamed] : part.nars) {
    KeptNar* nar = kept->add_nars();
    nar->set_store_path(store_path);
    nar->set_hash(streamed.nar.hash);
    nar->set_size(streamed.nar.size);
    nar->set_entries(streamed.entries);
  }
  return same;
}

void SwapFacts(KeptPart& kept, size_t layer, ScannedPart* part) {
  for (int i = 0; i < kept.facts_size(); ++i) {
    FileFacts& facts = part->facts[i];
    facts.Swap(kept.mutable_facts(i));
    if (facts.type() != FileFacts::TYPE_UNSPECIFIED) facts.set_layer(static_cast<int32_t>(layer));
  }
}

// False if `kept` contradicts itself.
bool FromKept(KeptPart& kept, size_t layer, ScannedPart* part) {
  part->entries.reserve(kept.facts_size());
  part->facts.resize(kept.facts_size());
  for (int i = 0; i < kept.facts_size(); ++i) part->entries.push_back(EntryOf(kept.facts(i), i));
  SwapFacts(kept, layer, part);
  for (const KeptPart::KeptEntry& own : kept.entries()) {
    if (own.position() >= part->entries.size()) return false;
    part->entries[own.position()] = FromKept(own);
  }
  for (const KeptNar& nar : kept.nars()) {
    part->nars[nar.store_path()] = {{nar.hash(), nar.size()}, nar.entries()};
  }
  return true;
}

std::string KeyOf(FactsCache& cache, const Tree::Content& content, const ScanOptions& options,
                  bool nar_hashes) {
  return cache.KeyOf({"part", content.digest, content.reading, options.store_directory,
                      nar_hashes ? "with NAR hashes" : ""});
}

// What second passes call the bytes.
std::string ContentName(const Tree::Content& content) {
  return absl::StrCat(content.digest, "\n", content.reading);
}

bool RecallAs(const std::string& key, const Tree& tree, size_t part, const ScanOptions& options,
              ScannedPart* out) {
  const std::optional<std::string> facts = options.cache->Find(key);
  if (!facts) return false;
  KeptPart kept;
  ScannedPart recalled;
  if (!kept.ParseFromString(*facts) || !FromKept(kept, part, &recalled)) {
    options.cache->Drop(key, "holds no facts of a layer");
    return false;
  }
  if (!tree.Verify(part, kept.diff_id(), recalled.problems)) return false;
  recalled.content = ContentName(tree.content(part));
  options.on_bytes(tree.parts()[part].size_hint);
  *out = std::move(recalled);
  return true;
}

}  // namespace

bool RecallPart(const Tree& tree, size_t part, const ScanOptions& options, ScannedPart* out) {
  if (options.cache == nullptr) return false;
  const Tree::Content content = tree.content(part);
  if (content.digest.empty()) return false;
  // Who needs no NAR hashes is not disturbed by them.
  if (RecallAs(KeyOf(*options.cache, content, options, true), tree, part, options, out)) {
    return true;
  }
  return !options.nar_hashes &&
         RecallAs(KeyOf(*options.cache, content, options, false), tree, part, options, out);
}

bool IsAsPromised(const Tree::Part& part, const std::vector<Problem>& problems) {
  // Where no digest is promised, the diff_id is what identifies the bytes.
  return problems.empty() ||
         (problems.size() == 1 && problems[0].kind == Problem::Kind::kDiffIdMismatch &&
          !part.digest.empty());
}

void KeepPart(const Tree& tree, size_t part, const ScanOptions& options, ScannedPart* scanned) {
  if (options.cache == nullptr) return;
  const Tree::Content content = tree.content(part);
  if (content.digest.empty()) return;
  const Tree::Part& promised = tree.parts()[part];
  if (!IsAsPromised(promised, scanned->problems)) return;
  // Without a promised digest, the diff_id stands for the stored bytes only if they are no packed
  // form of what it is the digest of: another packing can hold a table of contents, too.
  std::vector<Problem> known;
  if (promised.digest.empty() && !tree.Verify(part, promised.diff_id, known)) return;
  const std::string& diff_id =
      scanned->problems.empty() ? promised.diff_id : scanned->problems[0].actual;
  scanned->content = ContentName(content);
  KeptPart kept;
  kept.set_diff_id(diff_id);
  // Serialised at once or not at all: protobuf's limit.
  if (ToKept(*scanned, &kept) && kept.ByteSizeLong() <= INT32_MAX) {
    options.cache->Keep(KeyOf(*options.cache, content, options, options.nar_hashes),
                        kept.SerializeAsString());
  }
  SwapFacts(kept, part, scanned);
}

}  // namespace lre_audit
