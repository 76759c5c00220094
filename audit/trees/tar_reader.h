// A small, strict, bounded tar reader that is fed with pieces. It reads what GNU tar, libarchive,
// Go and Python write (v7, ustar, star, GNU, PAX, sparse files) and says so wherever the readers
// that run containers would disagree about an archive, rather than choosing in silence.
#ifndef LRE_AUDIT_AUDIT_TREES_TAR_READER_H_
#define LRE_AUDIT_AUDIT_TREES_TAR_READER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/trees/problem_log.h"
#include "audit/trees/tar_header.h"
#include "audit/trees/tree.h"

namespace lre_audit {

class TarReader {
 public:
  enum class Flavour {
    kArchive,  // names mean what they say
    kLayer,    // ".wh.x" and ".wh..wh..opq" are whiteouts (OCI image-spec layer.md)
  };

  // `where` names the archive in problems, whose offsets count from the archive's start. `sink` and
  // `problems` must outlive this.
  TarReader(std::string where, Flavour flavour, const TreeLimits& limits, EntrySink& sink,
            std::vector<Problem>& problems);

  void Push(std::string_view piece);
  // The archive ends here. End-of-archive blocks may be missing (umoci writes none). `cut` says why
  // nothing more could be had, where that is not its end: ResourceExhausted becomes a kLimit
  // problem, other errors kUnreadable. What is open then is told in the same problem.
  void Finish(const absl::Status& cut = absl::OkStatus());

  // Where the next byte to be pushed stands. During BeginEntry: where the contents begin.
  uint64_t offset() const { return offset_; }
  // During BeginEntry: whether the contents lie in the archive in one run (a sparse file's do not).
  bool contiguous() const { return !sparse_; }
  // Bytes that may be skipped with Skip() instead of being pushed; the sink then misses contents.
  uint64_t skippable() const;
  void Skip(uint64_t bytes);
  // True once nothing that is pushed can reach the sink any more.
  bool done() const { return state_ == State::kEnd || state_ == State::kStopped; }

 private:
  enum class State {
    kHeader,     // collecting a header block
    kExtended,   // collecting the data of an L, K, x or g header
    kSparse,     // collecting an old GNU sparse extension block
    kSparseMap,  // collecting a block of a PAX 1.0 sparse map
    kContents,
    kSkip,     // padding, or data of an entry that is refused
    kPadding,  // as kSkip, after contents
    kEnd,      // behind the end-of-archive block: expecting zeros
    kStopped,  // after something that makes the rest unreadable
  };
  // Extended headers, waiting for the entry that they belong to.
  struct Extensions {
    std::optional<std::string> long_name, long_link;
    std::optional<PaxRecords> pax;
    uint64_t bytes = 0;
    bool any() const { return long_name || long_link || pax; }
  };

  void OnBlock(const char* block);
  void OnHeader(const char* block);
  void OnEntry(TarHeader header);
  void OnExtended();
  void OnPax(PaxRecords records);
  void OnSparseMapBlock(const char* block);
  // Fills in entry_ from the header and its extensions; what is wrong with it, or OK.
  absl::Status FillEntry(const TarHeader& header, const PaxRecords& pax);
  void CheckEngineAttributes();
  void StartContents();
  void Contents(std::string_view piece);
  void Zeros(uint64_t count);
  void EndContents(bool complete);
  void SkipData(uint64_t bytes);
  void Refuse(const std::string& message);
  bool CountMetadata();
  void Stop(Problem::Kind kind, const std::string& message);

  const TreeLimits limits_;
  const Flavour flavour_;
  EntrySink& sink_;
  ProblemLog log_;

  State state_ = State::kHeader;
  uint64_t offset_ = 0;
  uint64_t header_offset_ = 0;
  char block_[kTarBlock];
  size_t block_fill_ = 0;
  uint64_t left_ = 0;     // bytes left in kExtended, kContents, kSkip, kPadding
  uint64_t padding_ = 0;  // behind them

  char extended_type_ = 0;
  std::string extended_;
  Extensions extensions_;
  // Data that a link or directory claims to have: skipped unless a header stands there.
  uint64_t doubtful_ = 0;

  Entry entry_;
  uint64_t next_index_ = 0;
  uint64_t metadata_bytes_ = 0;  // of all entries so far
  uint64_t stored_ = 0;          // bytes of entry_'s data in the archive
  bool sparse_ = false, refused_ = false;
  bool given_up_ = false;  // Stop() has told that the rest is not read
  std::vector<SparseRun> runs_;
  size_t run_ = 0;         // of runs_: the one being written
  uint64_t position_ = 0;  // in the sparse file's contents
  uint64_t zeros_ = 0;     // of all sparse files so far
  // PAX 1.0 sparse map: the numbers read so far.
  std::string map_line_;
  std::optional<uint64_t> map_count_;
  std::vector<uint64_t> map_numbers_;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_TAR_READER_H_
