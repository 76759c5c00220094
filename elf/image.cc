#include "elf/image.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace lre_audit::elf {

uint64_t Image::Unsigned(std::string_view structure, size_t at, size_t width) const {
  uint64_t value = 0;
  for (size_t i = 0; i < width; ++i) {
    const size_t place = object.is_little_endian ? width - 1 - i : i;
    value = value << 8 | static_cast<unsigned char>(structure[at + place]);
  }
  return value;
}

void Image::Add(Defect::Kind kind, uint64_t offset, std::string message) {
  if (object.defects.size() < kMaxDefects) {
    object.defects.push_back({kind, offset, std::move(message)});
  }
}

void Image::Malformed(uint64_t offset, std::string message) {
  Add(Defect::Kind::kMalformed, offset, std::move(message));
}

void Image::Limit(uint64_t offset, std::string message) {
  Add(Defect::Kind::kLimit, offset, std::move(message));
}

std::optional<std::string_view> Image::Read(uint64_t offset, uint64_t length,
                                            std::string_view structure) {
  absl::StatusOr<std::string_view> read = bytes.Read(offset, length);
  if (read.ok()) return *read;
  Add(absl::IsResourceExhausted(read.status()) ? Defect::Kind::kLimit : Defect::Kind::kMalformed,
      offset, absl::StrCat(ToAbsl(structure), ": ", read.status().message()));
  return std::nullopt;
}

std::optional<uint64_t> Image::FileOffset(uint64_t address) const {
  constexpr uint32_t kPtLoad = 1;
  constexpr uint64_t kPage = 4096;
  for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
    if (segment->type != kPtLoad || segment->offset > bytes.size()) continue;
    // mmap(2) maps whole pages: what lies before the segment in its first page is mapped too.
    const bool is_congruent = segment->address % kPage == segment->offset % kPage;
    const uint64_t lead = is_congruent ? segment->address % kPage : 0;
    const uint64_t start = segment->address - lead;
    const uint64_t in_file = std::min(segment->file_size, bytes.size() - segment->offset);
    if (segment->file_size == 0 || address < start || address - start >= in_file + lead) continue;
    return segment->offset - lead + (address - start);
  }
  return std::nullopt;
}

std::optional<std::string_view> Image::ReadMapped(uint64_t address, uint64_t length,
                                                  std::string_view structure) {
  const auto offset = FileOffset(address);
  if (!offset) {
    Malformed(0, absl::StrCat(ToAbsl(structure), ": address ", Hex(address),
                              " is in no PT_LOAD of the file of ", Hex(bytes.size()), " bytes"));
    return std::nullopt;
  }
  return Read(*offset, length, structure);
}

std::optional<Text> Image::String(const StringTable& table, uint64_t index, std::string_view what) {
  const auto mapped = table.address ? FileOffset(*table.address + index) : std::nullopt;
  if (!mapped && (index >= bytes.size() || table.offset >= bytes.size() - index)) {
    Malformed(table.offset,
              absl::StrCat(ToAbsl(what), ": string at ", Hex(index), " of ", table.name, " at ",
                           Hex(table.offset), " leaves the file of ", Hex(bytes.size()), " bytes"));
    return std::nullopt;
  }
  const uint64_t offset = mapped.value_or(table.offset + index);
  const std::string_view rest = bytes.From(offset);
  const std::string_view window =
      rest.substr(0, std::min<uint64_t>(kMaxStringBytes, string_budget_));
  const void* nul = window.empty() ? nullptr : std::memchr(window.data(), 0, window.size());
  if (nul == nullptr) {
    const bool ends_with_file = offset + window.size() == bytes.size();
    std::string message =
        absl::StrCat(ToAbsl(what), ": no end of the string at ", Hex(index), " of ", table.name,
                     " within ", Hex(window.size()), " bytes");
    ends_with_file ? Malformed(offset, std::move(message)) : Limit(offset, std::move(message));
    return std::nullopt;
  }
  const size_t length = static_cast<const char*>(nul) - window.data();
  string_budget_ -= std::min<uint64_t>(string_budget_, length + 1);
  if (index >= table.size || length >= table.size - index) {
    Malformed(offset,
              absl::StrCat(ToAbsl(what), ": string at ", Hex(index), " with ", Hex(length),
                           " bytes leaves ", table.name, " of ", Hex(table.size), " bytes"));
  }
  return Text{std::string(window.substr(0, length)), offset};
}

}  // namespace lre_audit::elf
