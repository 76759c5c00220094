#include "audit/trees/toc.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "nlohmann/json.hpp"

namespace lre_audit {
namespace {

using namespace std::string_view_literals;
using Json = nlohmann::json;

// Reads the table as it is parsed: as a tree of JSON values it would take ten times its size.
class Handler : public nlohmann::json_sax<Json> {
 public:
  Toc toc;
  std::string error;

  bool null() override { return Value(); }
  bool boolean(bool /*value*/) override { return Value(); }
  bool number_integer(number_integer_t value) override {
    if (value < 0 && depth_ == 3 && IsNumber(key_)) {
      return Fail(absl::StrCat("\"", key_, "\" is ", value));
    }
    return number_unsigned(static_cast<uint64_t>(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (depth_ == 3 && in_entries_) {
      if (key_ == "size") entry_.size = value;
      if (key_ == "mode") entry_.mode = value;
      if (key_ == "uid") entry_.uid = value;
      if (key_ == "gid") entry_.gid = value;
      if (key_ == "chunksize") chunk_.size = value;
      if (key_ == "chunkoffset") chunk_.offset = value;
    }
    return Value();
  }
  bool number_float(number_float_t /*value*/, const std::string& text) override {
    if (depth_ == 3 && IsNumber(key_)) return Fail(absl::StrCat("\"", key_, "\" is ", text));
    return Value();
  }
  bool string(std::string& value) override {
    if (depth_ == 3 && in_entries_) {
      if (key_ == "name") name_ = value;
      if (key_ == "type") entry_.type = value;
      if (key_ == "linkname") entry_.link = value;
      if (key_ == "digest") entry_.digest = value;
      if (key_ == "chunkdigest") chunk_.digest = value;
      if (key_ == "chunktype") chunk_.zeros = value == "zeros";
    } else if (depth_ == 4 && in_entries_ && in_xattrs_) {
      entry_.xattrs[xattr_] = value;
    }
    return Value();
  }
  bool binary(Json::binary_t& /*value*/) override { return Value(); }
  bool start_object(size_t /*elements*/) override {
    if (depth_ == 0) is_object_ = true;
    if (depth_ == 2 && in_entries_) {
      entry_ = {};
      chunk_ = {};
      name_.clear();
    }
    if (depth_ == 3) in_xattrs_ = key_ == "xattrs";
    ++depth_;
    return depth_ < kMaxDepth || Fail("nests too deeply");
  }
  bool key(std::string& value) override {
    if (depth_ == 4) {
      xattr_ = value;
      return true;
    }
    // As Go reads it: in any case.
    key_ = absl::AsciiStrToLower(value);
    return true;
  }
  bool end_object() override {
    --depth_;
    if (depth_ == 3) in_xattrs_ = false;
    return depth_ != 2 || !in_entries_ || AddEntry();
  }
  bool start_array(size_t /*elements*/) override {
    if (depth_ == 1 && key_ == "entries") in_entries_ = has_entries_ = true;
    ++depth_;
    return depth_ < kMaxDepth || Fail("nests too deeply");
  }
  bool end_array() override {
    --depth_;
    if (depth_ == 1) in_entries_ = false;
    return true;
  }
  bool parse_error(size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*exception*/) override {
    return Fail(absl::StrCat("is no JSON at byte ", position));
  }
  bool complete() const { return is_object_ && has_entries_; }

 private:
  static constexpr int kMaxDepth = 32;

  static bool IsNumber(std::string_view key) {
    return key == "size" || key == "mode" || key == "uid" || key == "gid" || key == "chunksize" ||
           key == "chunkoffset";
  }
  bool Value() { return depth_ > 0 || Fail("is no object"); }
  bool Fail(std::string why) {
    if (error.empty()) error = std::move(why);
    return false;
  }
  // The member of the archive, or a further chunk of the one before.
  bool AddEntry() {
    if (name_.empty()) return Fail("has an entry without a name");
    const std::optional<std::string> path = TocPath(name_);
    if (!path) return Fail(absl::StrCat("has an entry named \"", Escaped(name_), "\""));
    if (entry_.type == "chunk") {
      const auto file = toc.entries.find(*path);
      if (file == toc.entries.end() || *path != last_) {
        return Fail(absl::StrCat("has a chunk of \"", Escaped(name_), "\" that follows no file"));
      }
      file->second.chunks.push_back(std::move(chunk_));
      return true;
    }
    if (entry_.type == "reg" && entry_.size > 0) entry_.chunks.push_back(std::move(chunk_));
    last_ = *path;
    const auto [known, is_new] = toc.entries.insert_or_assign(*path, std::move(entry_));
    if (!is_new) toc.duplicates.push_back(known->first);
    return true;
  }

  int depth_ = 0;  // of objects and arrays that are open
  bool is_object_ = false, has_entries_ = false, in_entries_ = false, in_xattrs_ = false;
  std::string key_, xattr_, name_, last_;
  TocEntry entry_;
  TocChunk chunk_;
};

uint64_t Unsigned64(std::string_view bytes, size_t at) {
  uint64_t value = 0;
  for (size_t i = 8; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

// The extra field of an empty gzip member that is all of `footer`; nullopt if it is none.
std::optional<std::string_view> GzipExtra(std::string_view footer, size_t extra_size) {
  constexpr std::string_view kEmptyBlock = "\1\0\0\xff\xff\0\0\0\0\0\0\0\0"sv;
  if (footer.size() != 12 + extra_size + kEmptyBlock.size()) return std::nullopt;
  if (!footer.starts_with("\x1f\x8b\x08\x04"sv) || !footer.ends_with(kEmptyBlock)) {
    return std::nullopt;
  }
  if (footer[10] != static_cast<char>(extra_size) || footer[11] != '\0') return std::nullopt;
  return footer.substr(12, extra_size);
}

std::optional<TocFooter> StargzFooter(std::string_view tail) {
  constexpr std::string_view kStargzMagic = "STARGZ", kExternal = "STARGZEXTERNALTOC";
  constexpr size_t kAround = 25, kDigits = 16;
  const auto extra_of = [&](size_t size) -> std::optional<std::string_view> {
    if (tail.size() < kAround + size) return std::nullopt;
    return GzipExtra(tail.substr(tail.size() - kAround - size), size);
  };
  std::string_view field;
  size_t bytes = 0;
  if (const auto extra = extra_of(26); extra && extra->starts_with("SG\x16\0"sv)) {
    field = extra->substr(4);
    bytes = kAround + 26;
  } else if (const auto legacy = extra_of(22)) {
    field = *legacy;
    bytes = kAround + 22;
  } else if (const auto external = extra_of(21);
             external && external->starts_with("SG\x11\0"sv) && external->substr(4) == kExternal) {
    return TocFooter{TocFooter::Kind::kStargzExternal, 0, 0, kAround + 21};
  }
  TocFooter footer;
  footer.bytes = bytes;
  if (field.size() != kDigits + kStargzMagic.size() || field.substr(kDigits) != kStargzMagic ||
      !absl::SimpleHexAtoi(ToAbsl(field.substr(0, kDigits)), &footer.offset)) {
    return std::nullopt;
  }
  return footer;
}

// The numbers in a skippable frame, of 40 bytes or, since there is a tar-split, of 64.
std::optional<TocFooter> ZstdChunkedFooter(std::string_view tail) {
  if (!tail.ends_with("GNUlInUx") && !tail.ends_with("GnUlInUx")) return std::nullopt;
  for (const size_t size : {size_t{64}, size_t{40}}) {
    if (tail.size() < size + 8) continue;
    const std::string_view frame = tail.substr(tail.size() - size - 8);
    const char length[] = {static_cast<char>(size), 0, 0, 0};
    if (!frame.starts_with("\x50\x2a\x4d\x18"sv) ||
        frame.substr(4, 4) != std::string_view(length, 4)) {
      continue;
    }
    return TocFooter{TocFooter::Kind::kZstdChunked, Unsigned64(frame, 8), Unsigned64(frame, 16),
                     size + 8};
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<Toc> ParseToc(std::string_view json) {
  Handler handler;
  const bool parsed = Json::sax_parse(json.begin(), json.end(), &handler);
  if (parsed && handler.complete()) return std::move(handler.toc);
  return absl::InvalidArgumentError(
      absl::StrCat("the table of contents ",
                   handler.error.empty() ? "has no array \"entries\"" : handler.error));
}

std::optional<std::string> TocPath(std::string_view name) {
  std::string path;
  while (!name.empty()) {
    const size_t slash = std::min(name.find('/'), name.size());
    const std::string_view part = name.substr(0, slash);
    name.remove_prefix(std::min(slash + 1, name.size()));
    if (part.empty() || part == ".") continue;
    if (part == "..") return std::nullopt;
    path += '/';
    path += part;
  }
  return path.empty() ? "/" : path;
}

std::optional<TocFooter> ParseTocFooter(std::string_view tail) {
  if (const auto stargz = StargzFooter(tail)) return stargz;
  return ZstdChunkedFooter(tail);
}

}  // namespace lre_audit
