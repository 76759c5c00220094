// Between libFuzzer, or the driver beside it, and a target.
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>

#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

const std::string& AsFile(std::string_view input) {
  static const std::string* const path = [] {
    auto* made = new std::string("/tmp/lre-audit-fuzz-XXXXXX");
    int fd = mkstemp(made->data());
    if (fd < 0) abort();
    close(fd);
    atexit([] { unlink(path->c_str()); });
    return made;
  }();
  FILE* file = fopen(path->c_str(), "wb");
  if (file == nullptr || fwrite(input.data(), 1, input.size(), file) != input.size()) abort();
  fclose(file);
  return *path;
}

}  // namespace lre_audit::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lre_audit::fuzz::One({reinterpret_cast<const char*>(data), size});
  return 0;
}
