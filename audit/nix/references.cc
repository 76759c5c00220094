#include "audit/nix/references.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include "base/store_path.h"

namespace lre_audit::nix {
namespace {

// No real file comes near; a hostile one holds 80 MB of memory with it.
constexpr size_t kMaxReferences = 250'000;

constexpr size_t kFirstCompaction = 4096;  // windows

constexpr std::array<bool, 256> MakeHashCharacters() {
  std::array<bool, 256> is_hash{};
  for (char c : kNix32Digits) is_hash[static_cast<unsigned char>(c)] = true;
  return is_hash;
}
constexpr std::array<bool, 256> kHashCharacters = MakeHashCharacters();

// IsNix32(), for the loop that sees every byte.
bool IsHashCharacter(char c) { return kHashCharacters[static_cast<unsigned char>(c)]; }

uint64_t LoadLittleEndian(const char* bytes) {
  uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
  return std::endian::native == std::endian::little ? value : __builtin_bswap64(value);
}

// Both halves of the 128-bit product: every bit of the result depends on every bit of a and b.
uint64_t Mix(uint64_t a, uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// The same on every machine, because facts are merged across them. Constants: wyhash's secret.
uint64_t Fingerprint(const char* window) {
  constexpr uint64_t kA = 0xa0761d6478bd642f, kB = 0xe7037ed1a0b428db, kC = 0x8ebc6af09c88c6e3,
                     kD = 0x589965cc75374cc3;
  const uint64_t first = Mix(LoadLittleEndian(window) ^ kA, LoadLittleEndian(window + 8) ^ kB);
  const uint64_t second =
      Mix(LoadLittleEndian(window + 16) ^ kC, LoadLittleEndian(window + 24) ^ kD);
  return Mix(first ^ kB, second ^ kC) ^ std::rotl(first, 32);
}

}  // namespace

uint64_t HashFingerprint(std::string_view hash32) {
  char window[kHashLength] = {};
  std::memcpy(window, hash32.data(), std::min(hash32.size(), kHashLength));
  return Fingerprint(window);
}

ReferenceScanner::ReferenceScanner(std::string_view store_directory, size_t max_windows)
    : store_prefix_(std::string(store_directory) + "/"),
      max_windows_(max_windows),
      compact_at_(kFirstCompaction),
      largest_window_(std::numeric_limits<uint64_t>::max()) {}

// A window or store prefix may lie across pieces. So the last bytes of the past and the first of
// the new piece are scanned together, for the windows that end in the new piece and whose window
// or prefix begins in the past; then the piece alone, without a copy, for all others.
void ReferenceScanner::Update(std::string_view piece) {
  if (piece.empty()) return;
  if (!pending_.empty()) ContinueName(piece);

  const size_t reach = store_prefix_.size() + kHashLength - 1;
  if (!tail_.empty()) {
    const size_t past = tail_.size();
    tail_.append(piece.substr(0, reach));
    ScanWindows(tail_, past - std::min(past, kHashLength - 1), consumed_ - past, piece);
    tail_.resize(past);
    ScanWindows(piece, store_prefix_.size(), consumed_, piece);
  } else {
    ScanWindows(piece, 0, consumed_, piece);
  }

  if (piece.size() >= reach) {
    tail_ = piece.substr(piece.size() - reach);
  } else {
    tail_.append(piece);
    if (tail_.size() > reach) tail_.erase(0, tail_.size() - reach);
  }
  consumed_ += piece.size();
}

// Finds the windows of `data` that begin at `first` or later. `data_offset` is where data begins in
// the whole input. Names are read from `piece`, whose end is as far as the input is known.
//
// Nix's algorithm, that looks at a window from its end and jumps behind the first character that is
// none of a hash, so that most input is touched once in 32 bytes. No character is tested twice.
void ReferenceScanner::ScanWindows(std::string_view data, size_t first, uint64_t data_offset,
                                   std::string_view piece) {
  const char* const bytes = data.data();
  const size_t size = data.size();
  size_t begin = first;  // of the window
  size_t known = first;  // from begin to here all are hash characters
  while (begin + kHashLength <= size) {
    const size_t end = begin + kHashLength;
    size_t i = end;
    while (i > known && IsHashCharacter(bytes[i - 1])) --i;
    if (i > known) {
      begin = i;
      known = end;
      continue;
    }

    AddWindow(Fingerprint(bytes + begin));
    if (begin >= store_prefix_.size() &&
        data.substr(begin - store_prefix_.size(), store_prefix_.size()) == store_prefix_) {
      pending_ = data.substr(begin, kHashLength);
      pending_offset_ = data_offset + begin - store_prefix_.size();
      ContinueName(piece.substr(data_offset + end - consumed_));
    }
    size_t run_end = end;
    for (; run_end < size && IsHashCharacter(bytes[run_end]); ++run_end) {
      AddWindow(Fingerprint(bytes + run_end + 1 - kHashLength));
    }
    if (run_end == size) return;
    begin = known = run_end + 1;
  }
}

void ReferenceScanner::AddWindow(uint64_t fingerprint) {
  if (fingerprint > largest_window_) {
    limit_reached_ = true;
    return;
  }
  // A run of one repeated character, such as a table of zeros, is one window.
  if (!windows_.empty() && windows_.back() == fingerprint) return;
  windows_.push_back(fingerprint);
  if (windows_.size() >= compact_at_) CompactWindows();
}

void ReferenceScanner::CompactWindows() {
  std::sort(windows_.begin(), windows_.end());
  windows_.erase(std::unique(windows_.begin(), windows_.end()), windows_.end());
  if (windows_.size() > max_windows_) {
    limit_reached_ = true;
    windows_.resize(max_windows_);
  }
  if (windows_.size() == max_windows_) largest_window_ = windows_.empty() ? 0 : windows_.back();
  // Doubling keeps the cost per window constant, the limit's quarter keeps memory near the limit.
  const size_t next = std::max(kFirstCompaction, 2 * windows_.size());
  compact_at_ = std::min(next, max_windows_ + std::max(kFirstCompaction, max_windows_ / 4));
}

// Reads on in a reference's name: "-", then one or more characters.
void ReferenceScanner::ContinueName(std::string_view text) {
  size_t i = 0;
  if (pending_.size() == kHashLength && i < text.size()) {
    if (text[i] != '-') {
      pending_.clear();
      return;
    }
    ++i;
    pending_.push_back('-');
  }
  const size_t begin = i;
  const size_t room = kHashLength + 1 + kMaxNameLength - pending_.size();
  while (i < text.size() && i - begin < room && IsNameCharacter(text[i])) ++i;
  pending_.append(text.substr(begin, i - begin));
  if (i < text.size()) EndName();
}

void ReferenceScanner::EndName() {
  if (pending_.size() > kHashLength + 1) {
    if (references_.size() < kMaxReferences) {
      references_.try_emplace(std::move(pending_), pending_offset_);
    } else if (!references_.contains(pending_)) {
      limit_reached_ = true;
    }
  }
  pending_.clear();
}

ReferenceScanner::Result ReferenceScanner::Finish() {
  EndName();
  CompactWindows();
  Result result;
  result.references.reserve(references_.size());
  for (auto& [base_name, offset] : references_) result.references.push_back({base_name, offset});
  std::sort(result.references.begin(), result.references.end(),
            [](const Reference& a, const Reference& b) { return a.offset < b.offset; });
  result.windows = std::move(windows_);
  result.limit_reached = limit_reached_;
  return result;
}

}  // namespace lre_audit::nix
