// The progress line of a long audit, on standard error.
#ifndef LRE_AUDIT_AUDIT_COMMANDS_PROGRESS_H_
#define LRE_AUDIT_AUDIT_COMMANDS_PROGRESS_H_

#include <cstdint>
#include <memory>
#include <string_view>

namespace lre_audit {

// One line, redrawn in place at most 10 times a second and wiped when the object goes: phase, bytes
// done of total, time. Every member may be called from any thread; Add() is an atomic addition,
// cheap enough for every block that is read. Disabled, it does nothing at all.
class Progress {
 public:
  explicit Progress(bool enabled);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void SetTotal(uint64_t bytes);  // 0: unknown, only what is done is shown
  void Add(uint64_t bytes);
  void SetPhase(std::string_view phase);  // "reading layer 3 of 8"; escaped here

 private:
  class Line;
  std::unique_ptr<Line> line_;  // null if disabled
};

// True if a progress line would be seen: standard error is a terminal that can move its cursor.
bool ProgressWanted(bool quiet);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMMANDS_PROGRESS_H_
