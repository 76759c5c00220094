// Scripts of a toolchain, read as audit/claims reads those of a tree.
#include <optional>
#include <string_view>

#include "audit/claims/claim_list.h"
#include "audit/claims/shebang.h"
#include "audit/claims/wrapper.h"
#include "audit/toolchain/toolchain_files.h"

namespace lre_audit {
namespace {

bool IsShell(std::string_view path, std::string_view text) {
  const std::optional<Shebang> shebang = ParseShebang(text);
  if (!shebang.has_value()) return path.ends_with(".sh") || path.ends_with(".bash");
  const std::string_view name = InterpreterName(*shebang);
  for (std::string_view shell : {"sh", "bash", "dash", "ash", "ksh", "zsh", "busybox"}) {
    if (name == shell) return true;
  }
  return false;
}

}  // namespace

void AddToolchainScriptClaims(std::string_view path, SettingList* list) {
  FileFacts facts;
  ClaimList claims(list->text(), &facts);
  AddShebangClaim(list->text(), &claims);
  const bool is_read = !IsShell(path, list->text()) || AddScriptClaims(&claims);
  for (const Claim& claim : facts.claims()) {
    list->AddClaim(claim.kind(), claim.text(), claim.offset(), claim.context());
  }
  for (const Defect& defect : facts.defects()) list->AddDefect(defect.offset(), defect.message());
  if (!is_read)
    list->AddFileDefect(
        "is not a shell script that can be read: its quotes, branches "
        "or substitutions do not end, or it holds a NUL");
}

}  // namespace lre_audit
