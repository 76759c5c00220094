// Kept facts: a file as it is, the same with the sums that it should have, and facts that are
// written and read.
#include <algorithm>
#include <string>

#include "absl/strings/escaping.h"
#include "audit/bytes/sha256.h"
#include "audit/facts/kept_file.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

namespace {
constexpr size_t kFactsBytesAt = 16, kStoredBytesAt = 24, kSumAt = 96;

void PutNumber(uint64_t number, size_t at, std::string& file) {
  for (size_t i = 0; i < 8; ++i) file[at + i] = static_cast<char>(number >> (8 * i));
}
uint64_t GetNumber(const std::string& file, size_t at) {
  uint64_t number = 0;
  for (size_t i = 8; i-- > 0;) number = number << 8 | static_cast<unsigned char>(file[at + i]);
  return number;
}

// As its header should be: only our own files get as far as their frame.
std::string Signed(std::string_view input) {
  std::string file(input);
  file.resize(std::max(file.size(), kKeptHeaderBytes));
  PutNumber(file.size() - kKeptHeaderBytes, kStoredBytesAt, file);
  Sha256 sum;
  sum.Update(std::string_view(file).substr(0, kSumAt));
  sum.Update(std::string_view(file).substr(kKeptHeaderBytes));
  const std::string bytes = absl::HexStringToBytes(sum.FinishHex());
  return file.replace(kSumAt, bytes.size(), bytes);
}
}  // namespace

void One(std::string_view input) {
  if (const absl::StatusOr<KeptName> name = PeekKept(input); name.ok()) {
    (void)DecodeKept(input, *name);
    const std::string file = Signed(input);
    // Facts of any size that their header claims are made room for: the sum vouches for it.
    if (GetNumber(file, kFactsBytesAt) <= 64 << 20) (void)DecodeKept(file, *PeekKept(file));
  }
  const KeptName name{std::string(64, 'a'), std::string(64, '5')};
  const absl::StatusOr<std::string> kept = EncodeKept(name, input);
  if (!kept.ok()) Wrong("facts cannot be kept");
  const absl::StatusOr<std::string> facts = DecodeKept(*kept, name);
  if (!facts.ok() || *facts != input) Wrong("facts came back as others");
}

}  // namespace lre_audit::fuzz
