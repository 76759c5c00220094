// A NAR, hashed again from what was read of it: an archive that is read to its end has to be what
// the hasher makes of its entries.
#include "audit/nix/nar.h"
#include "audit/nix/nar_reader.h"
#include "audit/nix/stream_reader.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

namespace {
class Rehash : public nix::NarVisitor {
 public:
  void Directory(std::string_view path) override { Keep(hasher.Directory(path)); }
  void Symlink(std::string_view path, std::string_view target) override {
    Keep(hasher.Symlink(path, target));
  }
  void Regular(std::string_view path, bool executable, uint64_t size) override {
    Keep(hasher.Regular(path, executable, size));
  }
  void Data(std::string_view piece) override { Keep(hasher.Data(piece)); }

  nix::NarHasher hasher;
  absl::Status status;

 private:
  void Keep(const absl::Status& what) {
    if (status.ok()) status = what;
  }
};
}  // namespace

void One(std::string_view input) {
  StringSource source{std::string(input)};
  nix::StreamReader reader(source);
  Rehash rehash;
  if (!nix::ReadNar(reader, rehash).ok()) return;
  if (rehash.status.ok()) {
    auto result = rehash.hasher.Finish();
    if (result.ok() && result->size == reader.offset()) return;
  }
  Wrong("a NAR was read that its hasher does not take");
}

}  // namespace lre_audit::fuzz
