// The line formats of a closure. Source: Nix src/libstore/store-api.cc, makeValidityRegistration
// and decodeValidPathInfo; nixpkgs pkgs/build-support/closure-info.nix.
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "audit/nix/closure_builder.h"
#include "audit/nix/hash.h"
#include "base/text.h"

namespace lre_audit::nix {
namespace {

// Lines one by one, without trailing white space. Cheap to copy, for looking ahead.
class LineReader {
 public:
  explicit LineReader(std::string_view text) : rest_(text) {}

  bool Next(std::string_view& line) {
    if (rest_.empty()) return false;
    const size_t end = rest_.find('\n');
    line = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
    while (!line.empty() && absl::ascii_isspace(static_cast<unsigned char>(line.back()))) {
      line.remove_suffix(1);
    }
    ++number_;
    return true;
  }
  // Passes over blank lines.
  bool NextNonBlank(std::string_view& line) {
    while (Next(line)) {
      if (!line.empty()) return true;
    }
    return false;
  }

  uint64_t number() const { return number_; }  // of the last line
  std::string Where() const { return absl::StrCat("line ", number_); }
  size_t remaining_bytes() const { return rest_.size(); }

 private:
  std::string_view rest_;
  uint64_t number_ = 0;
};

bool IsNumber(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool IsHash(std::string_view text) {
  return NormaliseHash(text).ok() || NormaliseHash(text, "sha256").ok();
}

enum class Form { kNone, kHashed, kPlain };

// Whether `path`, before the lines of `after`, begins a record. A record is the path, then with
// hashes a hash and the NAR's size; then the deriver or nothing, the number of references, and
// they.
Form FormOfRecord(std::string_view path, LineReader after) {
  std::string_view line;
  if (!path.starts_with('/') || !after.Next(line)) return Form::kNone;
  if (IsHash(line)) return Form::kHashed;
  if (!line.empty() && !line.starts_with('/')) return Form::kNone;
  return after.Next(line) && IsNumber(line) ? Form::kPlain : Form::kNone;
}

class RegistrationReader {
 public:
  RegistrationReader(std::string_view text, ClosureBuilder& closure)
      : lines_(text), closure_(closure) {}

  absl::Status Read() {
    std::string_view path;
    bool is_skipping = false;  // after a defect, until the next line that begins a record
    while (lines_.NextNonBlank(path)) {
      const Form form = FormOfRecord(path, lines_);
      if (form == Form::kNone) {
        if (!is_skipping) {
          Problem(absl::StrCat("\"", Escaped(path.substr(0, 300)),
                               "\": expected a store path, then its hash, size, deriver and "
                               "references; reading on at the next such record"));
        }
        is_skipping = true;
        continue;
      }
      is_skipping = !ReadRecord(path, form);
    }
    closure_.set_format(has_hashes_ ? "registration (nix-store --dump-db, closureInfo)"
                                    : "reference graph (exportReferencesGraph)");
    return absl::OkStatus();
  }

 private:
  void Problem(std::string_view what) { closure_.Problem(lines_.Where(), what); }

  bool Expect(std::string_view what, std::string_view path, std::string_view& line) {
    if (lines_.Next(line)) return true;
    Problem(absl::StrCat("the file ends in the record of \"", Escaped(path), "\", before its ",
                         ToAbsl(what)));
    return false;
  }

  bool ReadNumber(std::string_view what, std::string_view path, uint64_t& number) {
    std::string_view line;
    if (!Expect(what, path, line)) return false;
    if (IsNumber(line) && absl::SimpleAtoi(ToAbsl(line), &number)) return true;
    Problem(absl::StrCat("\"", Escaped(line.substr(0, 100)), "\" where the ", ToAbsl(what),
                         " of \"", Escaped(path), "\" should be"));
    return false;
  }

  // False when the record is broken; what is known of it stands.
  bool ReadRecord(std::string_view path, Form form) {
    ClosureBuilder::Entry entry;
    entry.where = lines_.Where();
    entry.path = path;
    const bool is_complete = ReadFields(form, entry);
    closure_.Add(std::move(entry));
    return is_complete;
  }

  bool ReadFields(Form form, ClosureBuilder::Entry& entry) {
    std::string_view line;
    if (form == Form::kHashed) {
      has_hashes_ = true;
      if (!Expect("hash", entry.path, line)) return false;
      entry.hash = line;
      uint64_t size;
      if (!ReadNumber("NAR size", entry.path, size)) return false;
      entry.nar_size = size;
    }
    if (!Expect("deriver", entry.path, line)) return false;
    entry.deriver = line;
    uint64_t count;
    if (!ReadNumber("number of references", entry.path, count)) return false;
    if (count > lines_.remaining_bytes()) {
      Problem(absl::StrCat(count, " references announced, ", lines_.remaining_bytes(),
                           " bytes are left in the file"));
      return false;
    }
    for (uint64_t i = 0; i < count; ++i) {
      if (!Expect(absl::StrCat("reference ", i + 1, " of ", count), entry.path, line)) return false;
      if (!line.starts_with('/')) {
        Problem(absl::StrCat("\"", Escaped(line.substr(0, 300)), "\" where reference ", i + 1,
                             " of ", count, " of \"", Escaped(entry.path), "\" should be"));
        return false;
      }
      entry.references.emplace_back(line);
    }
    entry.has_references = true;
    return true;
  }

  LineReader lines_;
  ClosureBuilder& closure_;
  bool has_hashes_ = false;
};

}  // namespace

bool LooksLikeRegistration(std::string_view text) {
  LineReader lines(text);
  std::string_view path;
  return lines.NextNonBlank(path) && FormOfRecord(path, lines) != Form::kNone;
}

absl::Status ReadRegistration(std::string_view text, ClosureBuilder& closure) {
  return RegistrationReader(text, closure).Read();
}

absl::Status ReadPathList(std::string_view text, ClosureBuilder& closure) {
  closure.set_format("path list");
  LineReader lines(text);
  for (std::string_view line; lines.NextNonBlank(line);) {
    ClosureBuilder::Entry entry;
    entry.where = lines.Where();
    entry.path = line;
    closure.Add(std::move(entry));
  }
  return absl::OkStatus();
}

}  // namespace lre_audit::nix
