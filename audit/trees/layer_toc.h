// A layer's table of contents (toc.h), compared with the layer's archive as it streams by.
#ifndef LRE_AUDIT_AUDIT_TREES_LAYER_TOC_H_
#define LRE_AUDIT_AUDIT_TREES_LAYER_TOC_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/bytes/sha256.h"
#include "audit/trees/blob_source.h"
#include "audit/trees/toc.h"
#include "audit/trees/tree.h"

namespace lre_audit {

// What a layer's descriptor says of its table, in annotations; empty where it does not.
struct TocAnnotations {
  std::string stargz_digest;     // of the JSON
  std::string chunked_digest;    // of the packed JSON
  std::string chunked_position;  // "<offset>:<size>:<size of the JSON>:1"
  bool any() const {
    return !stargz_digest.empty() || !chunked_digest.empty() || !chunked_position.empty();
  }
};

// Stands before a layer's sink: passes on what the archive holds, apart from the table itself and
// its landmarks, and adds a kViewsDisagree problem for each entry that table and archive describe
// differently.
class TocSink : public EntrySink {
 public:
  // The table of blob `name`, which has `said_size` bytes by its descriptor and is called `where`
  // in problems. Null if there is none: its last bytes tell where they can be had without the
  // others, else the annotations do. What is wrong with the table itself goes to `problems`. `sink`
  // and `problems` must outlive the result.
  static std::unique_ptr<TocSink> Open(const BlobSource& blobs, const std::string& name,
                                       std::optional<uint64_t> said_size,
                                       const TocAnnotations& annotations, const std::string& where,
                                       EntrySink& sink, std::vector<Problem>& problems);

  void BeginEntry(const Entry& entry) override;
  void Data(std::string_view piece) override;
  void EndEntry(bool complete) override;
  // The archive has ended; `complete` is false where more of it could not be read.
  void Finish(bool complete);

 private:
  TocSink(std::string where, EntrySink& sink, std::vector<Problem>& problems);

  void Compare(const Entry& entry);
  void BeginChunk();
  void EndChunk();
  void Tell(const std::string& path, std::string message);

  const std::string where_;
  EntrySink& sink_;
  std::vector<Problem>& problems_;
  Toc toc_;
  bool stargz_ = false;
  std::string table_digest_;
  bool table_seen_ = false;  // eStargz: in the archive
  uint64_t told_ = 0;        // entries that differ
  uint64_t without_digest_ = 0;
  std::string first_without_digest_;

  // The entry at hand.
  std::string path_;
  bool passed_on_ = true;
  TocEntry* listed_ = nullptr;
  std::vector<std::string> differences_;
  std::optional<Sha256> file_sha256_, chunk_sha256_;
  uint64_t position_ = 0;  // in the contents
  size_t chunk_ = 0;       // that position_ is in
  bool chunk_is_zeros_ = true;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_LAYER_TOC_H_
