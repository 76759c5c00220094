// `nix-store --export`: what was read, and where each NAR of it stands.
#include <string>
#include <vector>

#include "audit/nix/closure_builder.h"
#include "audit/nix/nar_reader.h"
#include "audit/nix/stream_reader.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

void One(std::string_view input) {
  nix::LooksLikeExport(input.substr(0, nix::kExportHead));
  StringSource source{std::string(input)};
  nix::StreamReader reader(source);
  nix::ClosureBuilder builder("export");
  std::vector<nix::ExportedNar> nars;
  const absl::Status status = nix::ReadExport(reader, builder, &nars);
  const nix::Closure closure = std::move(builder).Finish();
  if (!status.ok()) return;
  uint64_t end = 0;
  for (const nix::ExportedNar& nar : nars) {
    if (nar.offset < end || nar.offset > input.size() || nar.size > input.size() - nar.offset) {
      Wrong("a NAR lies elsewhere");
    }
    end = nar.offset + nar.size;
    StringSource window{std::string(input.substr(nar.offset, nar.size))};
    nix::StreamReader again(window);
    nix::NarVisitor nobody;
    if (!nix::ReadNar(again, nobody).ok() || again.offset() != nar.size) Wrong("no NAR lies there");
  }
}

}  // namespace lre_audit::fuzz
