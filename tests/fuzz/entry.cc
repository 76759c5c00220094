// Between libFuzzer, or the driver beside it, and a target.
#include <stdlib.h>

#include <cstdio>
#include <filesystem>

#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

const std::string& OwnDirectory() {
  static const std::string* const path = [] {
    auto* made = new std::string("/tmp/lre-audit-fuzz-XXXXXX");
    if (mkdtemp(made->data()) == nullptr) abort();
    atexit([] { std::filesystem::remove_all(*path); });
    return made;
  }();
  return *path;
}

void WriteFile(const std::string& path, std::string_view input) {
  FILE* file = fopen(path.c_str(), "wb");
  if (file == nullptr) abort();
  // The driver's empty input is at no address.
  if (!input.empty() && fwrite(input.data(), 1, input.size(), file) != input.size()) abort();
  fclose(file);
}

const std::string& AsFile(std::string_view input) {
  static const std::string* const path = new std::string(OwnDirectory() + "/input");
  WriteFile(*path, input);
  return *path;
}

std::vector<std::string_view> SplitDocuments(std::string_view input, size_t most) {
  constexpr std::string_view kBetween = "\n%%\n";
  std::vector<std::string_view> documents;
  while (documents.size() + 1 < most) {
    const size_t end = input.find(kBetween);
    if (end == std::string_view::npos) break;
    documents.push_back(input.substr(0, end));
    input.remove_prefix(end + kBetween.size());
  }
  documents.push_back(input);
  return documents;
}

void Wrong(const char* what) {
  fprintf(stderr, "%s\n", what);
  abort();
}

}  // namespace lre_audit::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lre_audit::fuzz::One({reinterpret_cast<const char*>(data), size});
  return 0;
}
