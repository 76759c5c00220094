#include "audit/registry/challenge.h"

#include "absl/strings/ascii.h"
#include "base/text.h"

namespace lre_audit::registry {
namespace {

// "token" of RFC 9110 section 5.6.2.
bool IsToken(char c) {
  constexpr std::string_view kOther = "!#$%&'*+-.^_`|~";
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         kOther.find(c) != std::string_view::npos;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool AtEnd() const { return at_ == text_.size(); }
  void Skip(std::string_view characters) {
    while (!AtEnd() && characters.find(text_[at_]) != std::string_view::npos) ++at_;
  }
  bool Take(char c) {
    if (AtEnd() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string Token() {
    const size_t begin = at_;
    while (!AtEnd() && IsToken(text_[at_])) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }
  std::string Value() {
    if (!Take('"')) return Token();
    std::string value;
    while (!AtEnd() && text_[at_] != '"') {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      value.push_back(text_[at_++]);
    }
    Take('"');
    return value;
  }
  // Whatever it is, it is none of the above.
  void SkipOne() { at_ += !AtEnd(); }

 private:
  const std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::vector<Challenge> ParseChallenges(std::string_view header) {
  constexpr std::string_view kBlank = " \t", kBetween = " \t,";
  std::vector<Challenge> challenges;
  Reader reader(header);
  while (true) {
    reader.Skip(kBetween);
    if (reader.AtEnd()) return challenges;
    std::string word = reader.Token();
    absl::AsciiStrToLower(&word);
    if (word.empty()) {
      reader.SkipOne();
      continue;
    }
    reader.Skip(kBlank);
    if (!reader.Take('=')) {
      challenges.push_back({std::move(word), {}});
      continue;
    }
    reader.Skip(kBlank);
    std::string value = reader.Value();
    // Of two parameters of one name, the first counts.
    if (!challenges.empty()) {
      challenges.back().parameters.emplace(std::move(word), std::move(value));
    }
  }
}

}  // namespace lre_audit::registry
