// The JSON of nix2container, and the patterns in it.
#include "audit/trees/go_regexp.h"
#include "audit/trees/nix2container.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

void One(std::string_view input) {
  NixImage image = ReadNix2container(input, "image.json", {});
  constexpr std::string_view kName =
      "/nix/store/0c7s4z8d4vrvqbbmsax9h8hqywmdvd2a-hello-2.12/bin/hello";
  for (const NixLayer& layer : image.layers) {
    if (!layer.paths) continue;
    for (const NixPath& path : *layer.paths) {
      auto rewrite = GoRewrite::Compile(path.rewrite, path.replacement);
      if (rewrite.ok()) (void)rewrite->Apply(kName, 4096);
    }
  }
}

}  // namespace lre_audit::fuzz
