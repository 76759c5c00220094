// What every fuzz target implements, and what several of them need.
#ifndef LRE_AUDIT_TESTS_FUZZ_FUZZ_H_
#define LRE_AUDIT_TESTS_FUZZ_FUZZ_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lre_audit::fuzz {

// Gives one input to the reader that the target is for. Any input is fine that does not crash, trip
// a sanitizer, hang or take memory without end.
void One(std::string_view input);

// Takes the first byte off `input`, 0 where there is none: for what is not part of the bytes read.
inline uint8_t TakeByte(std::string_view& input) {
  if (input.empty()) return 0;
  uint8_t byte = static_cast<uint8_t>(input.front());
  input.remove_prefix(1);
  return byte;
}

// Writes `input` to a file of this process's own and returns its path. The file is the same each
// time, and removed at exit.
const std::string& AsFile(std::string_view input);

}  // namespace lre_audit::fuzz

#endif  // LRE_AUDIT_TESTS_FUZZ_FUZZ_H_
