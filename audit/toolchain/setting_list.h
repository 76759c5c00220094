// Where readers of configuration files put what they find, with line, column and excerpt.
#ifndef LRE_AUDIT_AUDIT_TOOLCHAIN_SETTING_LIST_H_
#define LRE_AUDIT_AUDIT_TOOLCHAIN_SETTING_LIST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rules/facts.pb.h"

namespace lre_audit {

class SettingList {
 public:
  static constexpr size_t kMaxSettings = 20'000;  // settings and claims of one file
  static constexpr size_t kMaxDefects = 100;      // of one file; the rest is counted

  // `text` is the file, `facts` receives what is found; both outlive the list.
  SettingList(std::string_view text, ConfigFacts* facts);

  // The file says `key` = `value`, written at byte `offset` of the text.
  void Add(Setting::Kind kind, std::string_view key, std::string_view value, size_t offset,
           std::string_view context);

  // The file names `path`, as rules/facts.proto says of its Claims.
  void AddClaim(Claim::Kind kind, std::string_view path, size_t offset, std::string_view context,
                std::string_view system = {});
  // The file names the program or directory `path`; `name` is that of the tool or variable.
  void AddTool(std::string_view path, size_t offset, std::string_view name);

  void AddDefect(size_t offset, std::string_view message);
  // About the file as a whole.
  void AddFileDefect(std::string_view message);

  // Adds what was found in a text that stands inside this file's: `inner` in the lines from
  // `first_line` on, `indent` bytes to the right.
  void AddInner(const ConfigFacts& inner, uint32_t first_line, uint32_t indent);

  // Both count from 1.
  struct Place {
    uint32_t line = 0, column = 0;
  };
  Place PlaceOf(size_t offset) const;
  size_t OffsetOf(uint32_t line, uint32_t column) const;

  std::string_view text() const { return text_; }

 private:
  std::string Excerpt(size_t offset) const;
  bool HasRoom(size_t offset);

  std::string_view text_;
  ConfigFacts* facts_;
  std::vector<size_t> lines_;  // offsets where they begin
  bool full_ = false;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TOOLCHAIN_SETTING_LIST_H_
