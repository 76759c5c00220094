// oci-archive and docker-archive files as a whole: archive, documents, layers.
#include "audit/trees/tree.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/no_sink.h"

namespace lre_audit::fuzz {

void One(std::string_view input) {
  const uint8_t choice = TakeByte(input);
  OpenOptions options;
  options.platform = "linux/amd64";
  options.all_platforms = true;
  options.limits.decode.bytes = 16 << 20;
  ReadImages((choice & 1 ? "oci-archive:" : "docker-archive:") + AsFile(input), options);
}

}  // namespace lre_audit::fuzz
