// Indexes, manifests and configurations. The input holds several documents, each behind a line
// "%%": index.json first, and the others stand for whatever a descriptor asks for.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "audit/trees/image.h"
#include "audit/trees/oci_manifest.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

namespace {
class Documents : public BlobSource {
 public:
  explicit Documents(std::string_view input)
      : documents_(absl::StrSplit(std::string(input), "\n%%\n")) {}

  absl::StatusOr<std::unique_ptr<ByteSource>> Open(const std::string& name,
                                                   uint64_t* size) const override {
    size_t chosen =
        name == "index.json" ? 0 : static_cast<uint8_t>(name.back()) % documents_.size();
    *size = documents_[chosen].size();
    return std::make_unique<StringSource>(documents_[chosen]);
  }

 private:
  const std::vector<std::string> documents_;
};
}  // namespace

void One(std::string_view input) {
  const uint8_t choice = TakeByte(input);
  Documents blobs(input);
  OpenOptions options;
  options.platform = "linux/amd64";
  options.all_platforms = choice & 1;
  ManifestStart start;
  start.name = "index.json";
  start.is_layout = choice & 2;
  start.all_entries = choice & 4;
  if (choice & 8) start.tag = "latest";
  (void)ReadManifests(blobs, start, options);
}

}  // namespace lre_audit::fuzz
