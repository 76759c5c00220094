// The entries of a ZIP archive (zip, jar, whl, ...) as its bytes go by, by their local headers: no
// seeking, no memory but the decoder's. What is damaged, encrypted or of an unknown method is
// passed over. Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3 to 4.5.
#ifndef LRE_AUDIT_AUDIT_BYTES_ZIP_STREAM_H_
#define LRE_AUDIT_AUDIT_BYTES_ZIP_STREAM_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "audit/bytes/codec.h"
#include "audit/bytes/inflate.h"

namespace lre_audit {

class ZipSink {
 public:
  virtual ~ZipSink() = default;
  virtual void BeginEntry(std::string_view name) = 0;
  // Decoded bytes, valid during the call. False stops the reading of the archive.
  virtual bool Data(std::string_view piece) = 0;
  virtual void EndEntry() = 0;
  // ResourceExhausted: the rest of the entry is out of the decoder's limits.
  virtual void Limit(const absl::Status& status) = 0;
};

class ZipStream {
 public:
  // "PK\3\4", the first entry's local header.
  static bool HasMagic(std::string_view head);

  // `sink` must outlive this. Of `limits`, those of the decoders count; the sink counts bytes.
  ZipStream(const DecodeLimits& limits, ZipSink& sink);
  ~ZipStream();

  void Push(std::string_view piece);
  void Finish();

 private:
  enum class State {
    kSearch,  // for the next local header
    kHeader,  // collecting one, with name and extra field
    kContents,
    kStopped,
  };

  size_t Search(std::string_view input);
  size_t CollectHeader(std::string_view input);
  void BeginContents();
  size_t Contents(std::string_view input);
  size_t Decode(std::string_view input);
  void EndContents();
  void CloseEntry();

  const DecodeLimits limits_;
  ZipSink& sink_;
  State state_ = State::kSearch;
  std::string header_;     // of the current entry, or what may be the begin of one
  bool has_size_ = false;  // of the entry's packed data; else it ends where its decoder says
  uint64_t left_ = 0;      // of the packed data
  bool open_ = false;      // the sink has an entry
  bool stored_ = false, deflating_ = false;
  std::unique_ptr<Codec> codec_;    // of the current entry; null: its bytes are passed over
  std::unique_ptr<Codec> deflate_;  // kept from one entry to the next
  std::unique_ptr<char[]> output_;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_BYTES_ZIP_STREAM_H_
