// `nix-store --export`: NARs, each followed by what the store knows of it.
// Source: Nix src/libstore/export-import.cc.
#include <optional>

#include "absl/strings/str_cat.h"
#include "audit/bytes/sha256.h"
#include "audit/nix/closure_builder.h"
#include "audit/nix/nar_reader.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::nix {
namespace {

constexpr uint64_t kMagic = 0x4558494e;       // "NIXE", between a NAR and its description
constexpr uint64_t kMaxPath = 4096;           // bytes of a store path
constexpr uint64_t kMaxReferences = 1000000;  // of one path
constexpr uint64_t kMaxSignature = 1 << 20;   // of Nix before 2.0

class Reader {
 public:
  Reader(StreamReader& reader, ClosureBuilder& closure, std::vector<ExportedNar>* nars)
      : reader_(reader), closure_(closure), nars_(nars) {}

  absl::Status Run() {
    while (true) {
      LRE_ASSIGN_OR_RETURN(const bool at_end, reader_.AtEnd());
      if (at_end) return absl::OkStatus();
      LRE_RETURN_IF_ERROR(ReadOne());
    }
  }

 private:
  absl::Status ReadOne() {
    while (true) {
      const uint64_t at = reader_.offset();
      LRE_ASSIGN_OR_RETURN(const uint64_t more, reader_.Number());
      if (more == 0) return absl::OkStatus();
      if (more != 1) {
        return reader_.Malformed(at, absl::StrCat(more,
                                                  " where 1 (another path) or 0 (the end) "
                                                  "should be"));
      }
      LRE_RETURN_IF_ERROR(ReadPath());
    }
  }

  absl::Status ReadPath() {
    ExportedNar nar;
    nar.offset = reader_.offset();
    Sha256 sha256;
    reader_.set_tap(&sha256);
    NarVisitor nobody;
    const absl::Status read = ReadNar(reader_, nobody);
    reader_.set_tap(nullptr);
    LRE_RETURN_IF_ERROR(read);
    nar.size = reader_.offset() - nar.offset;

    const uint64_t at = reader_.offset();
    LRE_ASSIGN_OR_RETURN(const uint64_t magic, reader_.Number());
    if (magic != kMagic) {
      return reader_.Malformed(
          at, absl::StrCat(Hex(magic), " behind a NAR, where ", Hex(kMagic), " should be"));
    }
    ClosureBuilder::Entry entry;
    entry.where = absl::StrCat("the path whose NAR begins at ", Hex(nar.offset));
    LRE_ASSIGN_OR_RETURN(entry.path, reader_.String(kMaxPath, "a store path"));
    const uint64_t count_at = reader_.offset();
    LRE_ASSIGN_OR_RETURN(const uint64_t count, reader_.Number());
    if (count > kMaxReferences) {
      return reader_.Malformed(
          count_at, absl::StrCat(count, " references, at most ", kMaxReferences, " expected"));
    }
    for (uint64_t i = 0; i < count; ++i) {
      LRE_ASSIGN_OR_RETURN(std::string reference, reader_.String(kMaxPath, "a reference"));
      entry.references.push_back(std::move(reference));
    }
    LRE_ASSIGN_OR_RETURN(entry.deriver, reader_.String(kMaxPath, "a deriver"));
    const uint64_t signed_at = reader_.offset();
    LRE_ASSIGN_OR_RETURN(const uint64_t has_signature, reader_.Number());
    if (has_signature > 1) {
      return reader_.Malformed(
          signed_at, absl::StrCat(has_signature, " where 0 or 1 (a signature) should be"));
    }
    if (has_signature == 1) {
      LRE_RETURN_IF_ERROR(reader_.String(kMaxSignature, "a signature").status());
    }
    entry.has_references = true;
    entry.hash = absl::StrCat("sha256:", sha256.FinishHex());
    entry.nar_size = nar.size;
    nar.path = entry.path;
    closure_.Add(std::move(entry));
    if (nars_ != nullptr) nars_->push_back(std::move(nar));
    return absl::OkStatus();
  }

  StreamReader& reader_;
  ClosureBuilder& closure_;
  std::vector<ExportedNar>* nars_;
};

}  // namespace

bool LooksLikeExport(std::string_view head) {
  using namespace std::string_view_literals;
  return head.starts_with("\1\0\0\0\0\0\0\0\x0d\0\0\0\0\0\0\0nix-archive-1"sv);
}

absl::Status ReadExport(StreamReader& reader, ClosureBuilder& closure,
                        std::vector<ExportedNar>* nars) {
  closure.set_format("nix-store --export");
  absl::Status status = Reader(reader, closure, nars).Run();
  if (status.ok()) return status;
  if (closure.size() == 0) return status;
  closure.Problem("", absl::StrCat(status.message(), "; only the ", closure.size(),
                                   " paths before it are known"));
  return absl::OkStatus();
}

}  // namespace lre_audit::nix
