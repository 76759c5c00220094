// Colours of text reports, for terminals (ECMA-48 SGR).
#ifndef LRE_AUDIT_REPORTS_PAINT_H_
#define LRE_AUDIT_REPORTS_PAINT_H_

#include <string>
#include <string_view>

namespace lre_audit {

class Paint {
 public:
  // Bold, as rustc colours its levels.
  static constexpr char kRed[] = "\x1b[1;31m";
  static constexpr char kGreen[] = "\x1b[1;32m";
  static constexpr char kYellow[] = "\x1b[1;33m";
  static constexpr char kBlue[] = "\x1b[1;34m";
  static constexpr char kCyan[] = "\x1b[1;36m";
  static constexpr char kBold[] = "\x1b[1m";
  // As git colours whole lines.
  static constexpr char kPlainRed[] = "\x1b[31m";
  static constexpr char kPlainGreen[] = "\x1b[32m";
  static constexpr char kPlainYellow[] = "\x1b[33m";

  // Without `enabled`, text stays as it is.
  explicit Paint(bool enabled) : enabled_(enabled) {}

  std::string operator()(std::string_view text, const char* color) const {
    if (!enabled_) return std::string(text);
    std::string painted = color;
    painted.append(text).append("\x1b[0m");
    return painted;
  }

 private:
  bool enabled_;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_REPORTS_PAINT_H_
