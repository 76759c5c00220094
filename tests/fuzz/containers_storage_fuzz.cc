// The tables of containers/storage and the documents of one image in it. The input holds them, each
// behind a line "%%": images.json, layers.json, the manifest, the configuration, and a layer's
// tar-split, not packed. The image's id is 64 zeros, the configuration's digest is of zeros too,
// and the layers are aa..., with a file, and bb..., without.
#include <algorithm>
#include <filesystem>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "audit/trees/tree.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/no_sink.h"

namespace lre_audit::fuzz {

void One(std::string_view input) {
  static const std::string* const root = [] {
    auto* made = new std::string(OwnDirectory() + "/storage");
    const std::string zeros(64, '0');
    std::filesystem::create_directories(absl::StrCat(*made, "/overlay-images/", zeros));
    std::filesystem::create_directories(*made + "/overlay-layers");
    for (const char name : {'a', 'b'}) {
      std::filesystem::create_directories(
          absl::StrCat(*made, "/overlay/", std::string(64, name), "/diff/bin"));
    }
    const std::string files = absl::StrCat(*made, "/overlay/", std::string(64, 'a'), "/diff");
    WriteFile(files + "/bin/hello", "hello\n");
    WriteFile(files + "/data", std::string(700, 'x'));
    WriteFile(files + "/large", std::string(2000, '\0'));
    return made;
  }();
  const auto documents = SplitDocuments(input, 5);
  const auto document = [&](size_t i) {
    return i < documents.size() ? documents[i] : std::string_view();
  };
  const std::string zeros(64, '0'), image = absl::StrCat(*root, "/overlay-images/", zeros, "/");
  WriteFile(*root + "/overlay-images/images.json", document(0));
  WriteFile(*root + "/overlay-layers/layers.json", document(1));
  WriteFile(image + "manifest", document(2));
  WriteFile(absl::StrCat(image, "=", absl::Base64Escape("sha256:" + zeros)), document(3));
  WriteFile(absl::StrCat(*root, "/overlay-layers/", std::string(64, 'a'), ".tar-split.gz"),
            document(4));
  OpenOptions options;
  options.platform = "linux/amd64";
  options.limits.decode.bytes = 16 << 20;
  ReadImages(absl::StrCat("containers-storage:[overlay@", *root, "]hello"), options);
}

}  // namespace lre_audit::fuzz
