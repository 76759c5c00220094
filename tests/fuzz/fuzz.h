// What every fuzz target implements, and what several of them need.
#ifndef LRE_AUDIT_TESTS_FUZZ_FUZZ_H_
#define LRE_AUDIT_TESTS_FUZZ_FUZZ_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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

// A directory of this process's own, removed at exit.
const std::string& OwnDirectory();

// Writes `input` to the file `path`.
void WriteFile(const std::string& path, std::string_view input);

// Writes `input` to a file of OwnDirectory(), the same each time, and returns its path.
const std::string& AsFile(std::string_view input);

// The documents of an input that holds several: between any two stands a line "%%". There is at
// least one, and `most` at most, the last of them with all the rest.
std::vector<std::string_view> SplitDocuments(std::string_view input, size_t most);

// Ends the process as a crash does: what was read contradicts itself.
[[noreturn]] void Wrong(const char* what);

}  // namespace lre_audit::fuzz

#endif  // LRE_AUDIT_TESTS_FUZZ_FUZZ_H_
