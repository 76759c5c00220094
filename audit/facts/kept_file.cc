#include "audit/facts/kept_file.h"

#include <zstd.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "audit/bytes/sha256.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr std::string_view kMagic = "LREFACTS";
constexpr size_t kFormatAt = 8, kFactsBytesAt = 16, kStoredBytesAt = 24, kVersionAt = 32,
                 kKeyAt = 64, kSumAt = 96, kSumBytes = 32;
// Facts shrink to a quarter in less time than the file system takes to write them.
constexpr int kCompressionLevel = 1;

void PutNumber(uint64_t value, int bytes, std::string& out) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
}

uint64_t GetNumber(std::string_view file, size_t at, int bytes) {
  uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) {
    value |= static_cast<uint64_t>(static_cast<unsigned char>(file[at + i])) << (8 * i);
  }
  return value;
}

std::string Unhex(const std::string& hex) { return absl::HexStringToBytes(hex); }
std::string ToHex(std::string_view bytes) { return absl::BytesToHexString(ToAbsl(bytes)); }

std::string SumOf(std::string_view file) {
  Sha256 sum;
  sum.Update(file.substr(0, kSumAt));
  sum.Update(file.substr(kKeptHeaderBytes));
  return sum.FinishHex();
}

}  // namespace

absl::StatusOr<std::string> EncodeKept(const KeptName& name, std::string_view facts) {
  if (facts.size() > kMostKeptBytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat(facts.size(), " bytes of facts, the limit is ", kMostKeptBytes));
  }
  std::string packed(ZSTD_compressBound(facts.size()), '\0');
  const size_t size =
      ZSTD_compress(packed.data(), packed.size(), facts.data(), facts.size(), kCompressionLevel);
  if (ZSTD_isError(size)) return absl::InternalError(ZSTD_getErrorName(size));
  packed.resize(size);

  std::string file(kMagic);
  PutNumber(kKeptFormat, 4, file);
  PutNumber(0, 4, file);
  PutNumber(facts.size(), 8, file);
  PutNumber(packed.size(), 8, file);
  file += Unhex(name.version);
  file += Unhex(name.key);
  file.resize(kKeptHeaderBytes);
  file += packed;
  file.replace(kSumAt, kSumBytes, Unhex(SumOf(file)));
  return file;
}

absl::StatusOr<KeptName> PeekKept(std::string_view head) {
  if (head.size() < kKeptHeaderBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("has ", head.size(), " bytes, the header alone ", kKeptHeaderBytes));
  }
  if (!head.starts_with(kMagic)) {
    return absl::InvalidArgumentError(absl::StrCat("begins with \"",
                                                   Escaped(head.substr(0, kMagic.size())),
                                                   "\", expected \"", ToAbsl(kMagic), "\""));
  }
  const uint64_t format = GetNumber(head, kFormatAt, 4);
  if (format != kKeptFormat) {
    return absl::InvalidArgumentError(
        absl::StrCat("is of format ", format, ", expected ", kKeptFormat));
  }
  return KeptName{ToHex(head.substr(kVersionAt, kSumBytes)), ToHex(head.substr(kKeyAt, kSumBytes))};
}

absl::Status CheckKept(std::string_view file) {
  if (const absl::StatusOr<KeptName> name = PeekKept(file); !name.ok()) {
    return absl::DataLossError(name.status().message());
  }
  const uint64_t stored = GetNumber(file, kStoredBytesAt, 8);
  if (stored != file.size() - kKeptHeaderBytes) {
    return absl::DataLossError(absl::StrCat("has ", file.size() - kKeptHeaderBytes,
                                            " bytes after the header, which says ", stored));
  }
  const std::string expected = ToHex(file.substr(kSumAt, kSumBytes)), actual = SumOf(file);
  if (expected != actual) {
    return absl::DataLossError(absl::StrCat("has the SHA-256 ", actual, ", expected ", expected));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> DecodeKept(std::string_view file, const KeptName& name) {
  LRE_RETURN_IF_ERROR(CheckKept(file));
  LRE_ASSIGN_OR_RETURN(const KeptName actual, PeekKept(file));
  if (actual.version != name.version) {
    return absl::InvalidArgumentError("was written by another version of the scanner");
  }
  if (actual.key != name.key) {
    return absl::InvalidArgumentError(
        absl::StrCat("holds the facts of ", actual.key, ", expected ", name.key));
  }
  const uint64_t size = GetNumber(file, kFactsBytesAt, 8);
  const std::string_view packed = file.substr(kKeptHeaderBytes);
  // The sum is right, so these are our own bytes; a bound all the same.
  if (size > kMostKeptBytes || ZSTD_getFrameContentSize(packed.data(), packed.size()) != size) {
    return absl::DataLossError(absl::StrCat("holds no frame of ", size, " bytes"));
  }
  std::string facts(size, '\0');
  const size_t got = ZSTD_decompress(facts.data(), facts.size(), packed.data(), packed.size());
  if (ZSTD_isError(got)) return absl::DataLossError(ZSTD_getErrorName(got));
  if (got != size) return absl::DataLossError(absl::StrCat("unpacks to ", got, " bytes"));
  return facts;
}

}  // namespace lre_audit
