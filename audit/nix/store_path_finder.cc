#include "audit/nix/store_path_finder.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/store_path.h"

namespace lre_audit::nix {
namespace {

constexpr size_t kSample = 8;  // bytes that tell UTF-16 from other data

// Whether these are four characters of ASCII in UTF-16, of either endianness.
bool LooksLikeUtf16(const char* bytes) {
  uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
  // In each 16-bit lane: one byte zero, the other 0x01 to 0x7f.
  constexpr uint64_t kLow = 0x00ff00ff00ff00ff, kTop = 0x0080008000800080;
  const uint64_t even = value & kLow, odd = value >> 8 & kLow;
  if (even != 0 && odd != 0) return false;
  const uint64_t text = even | odd;
  return (text & kTop) == 0 && ((text + (kLow ^ kTop)) & kTop) == kTop;
}

}  // namespace

StorePathFinder::StorePathFinder(std::string_view store_directory, Encoding encoding)
    : encoding_(encoding), width_(encoding == Encoding::kBytes ? 1 : 2) {
  for (const char c : store_directory) {
    prefix_.push_back(c);
    if (width_ == 2) prefix_.push_back('\0');
  }
  prefix_.push_back('/');
  shortest_ = prefix_.size() + kHashLength * width_;
  longest_ = shortest_ + (1 + kMaxNameLength) * width_;
}

// A store path is read once all of its longest possible form is here. So of each piece the last
// bytes are carried over, and scanned together with the first of the next one.
void StorePathFinder::Update(std::string_view piece, std::vector<Found>* found) {
  const size_t reach = longest_ - 1;
  if (!carried_.empty()) {
    const size_t past = carried_.size();
    const uint64_t base = offset_ - past;
    carried_.append(piece.substr(0, reach));
    const size_t ready = carried_.size() < longest_ ? 0 : carried_.size() - reach;
    const size_t end = std::min(past, ready);
    if (end > 0) Scan(carried_, end, base, found);
    if (piece.size() < reach) {
      carried_.erase(0, end);
      offset_ += piece.size();
      return;
    }
  }
  if (piece.size() > reach) Scan(piece, piece.size() - reach, offset_, found);
  carried_ = piece.substr(piece.size() - std::min(piece.size(), reach));
  offset_ += piece.size();
}

void StorePathFinder::Finish(std::vector<Found>* found) {
  Scan(carried_, carried_.size(), offset_ - carried_.size(), found);
  carried_.clear();
  offset_ = 0;
}

// The store paths that begin in the first `end` bytes of `data`, which lie at `base` in the input.
void StorePathFinder::Scan(std::string_view data, size_t end, uint64_t base,
                           std::vector<Found>* found) const {
  if (data.size() < shortest_) return;
  if (encoding_ == Encoding::kUtf16) return ScanUtf16(data, end, base, found);
  const char* at = data.data();
  const char* const last = at + std::min(data.size(), end + prefix_.size() - 1);
  while (true) {
    at = static_cast<const char*>(memmem(at, last - at, prefix_.data(), prefix_.size()));
    if (at == nullptr) return;
    Read(data, at - data.data(), base, found);
    ++at;
  }
}

// Few bytes of most files are UTF-16. Any store path written in it spans at least one sample, so
// that only those are looked at.
void StorePathFinder::ScanUtf16(std::string_view data, size_t end, uint64_t base,
                                std::vector<Found>* found) const {
  const size_t stride = shortest_ - kSample + 1;
  size_t from = 0;  // what begins before this has been told
  for (size_t sample = 0; sample + kSample <= data.size(); sample += stride) {
    if (!LooksLikeUtf16(data.data() + sample)) continue;
    from = std::max(from, sample - std::min(sample, stride - 1));
    const size_t until = std::min(end, sample + 1);
    while (from < until) {
      const size_t at = data.substr(0, until + prefix_.size() - 1).find(prefix_, from);
      if (at == std::string_view::npos) break;
      Read(data, at, base, found);
      from = at + 1;
    }
  }
}

void StorePathFinder::Read(std::string_view data, size_t begin, uint64_t base,
                           std::vector<Found>* found) const {
  std::string name;
  // Behind the last byte of the prefix, a character's other byte comes first in both endiannesses.
  for (size_t i = begin + prefix_.size(); i + width_ <= data.size(); i += width_) {
    const char c = data[i + width_ - 1];
    if (width_ == 2 && data[i] != '\0') break;
    const bool fits = name.size() < kHashLength    ? IsNix32(c)
                      : name.size() == kHashLength ? c == '-'
                                                   : IsNameCharacter(c);
    if (!fits || name.size() == kHashLength + 1 + kMaxNameLength) break;
    name.push_back(c);
  }
  if (name.size() > kHashLength + 1) found->push_back({std::move(name), base + begin});
}

}  // namespace lre_audit::nix
