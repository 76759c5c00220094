// Text that makes claims, each kind of it.
#include "audit/claims/claims.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

void One(std::string_view input) {
  const auto source =
      ClaimSource(TakeByte(input) % (static_cast<int>(ClaimSource::kLinkerScript) + 1));
  FileFacts facts;
  facts.set_size(input.size());
  Classify("/nix/store/0c7s4z8d4vrvqbbmsax9h8hqywmdvd2a-hello-2.12/bin/hello",
           input.substr(0, kHeadSize), input.size(), true);
  ExtractClaims(source, "/nix/store/0c7s4z8d4vrvqbbmsax9h8hqywmdvd2a-hello-2.12/bin/hello", input,
                "/nix/store", &facts);
}

}  // namespace lre_audit::fuzz
