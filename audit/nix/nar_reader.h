// The files in a Nix archive (NAR), as they stream by. Strict: what Nix would not write is refused,
// so that an archive which is read to its end has the hash that NarHasher makes of its entries.
// Source: Nix doc/manual "Nix Archive (NAR) format", src/libutil/archive.cc.
#ifndef LRE_AUDIT_AUDIT_NIX_NAR_READER_H_
#define LRE_AUDIT_AUDIT_NIX_NAR_READER_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "audit/nix/stream_reader.h"

namespace lre_audit::nix {

// Receives the entries, each directory before what it holds. Paths are relative to the store path,
// "" for the store path itself.
class NarVisitor {
 public:
  virtual ~NarVisitor() = default;
  virtual void Directory(std::string_view /*path*/) {}
  virtual void Symlink(std::string_view /*path*/, std::string_view /*target*/) {}
  // Contents of exactly `size` bytes follow in Data() calls; EndRegular() says that they did.
  virtual void Regular(std::string_view /*path*/, bool /*executable*/, uint64_t /*size*/) {}
  virtual void Data(std::string_view /*piece*/) {}
  virtual void EndRegular() {}
};

// The first three are those of Nix 2.35; a Linux file system has the same.
struct NarLimits {
  size_t depth = 64;
  size_t name_bytes = 255;
  size_t target_bytes = 4095;
  uint64_t entries = 5'000'000;
};

// Reads one NAR and stops behind it. DataLoss names the offset, what is there and what was
// expected; ResourceExhausted a limit. What was read before reached the visitor.
absl::Status ReadNar(StreamReader& reader, NarVisitor& visitor, const NarLimits& limits = {});

}  // namespace lre_audit::nix

#endif  // LRE_AUDIT_AUDIT_NIX_NAR_READER_H_
