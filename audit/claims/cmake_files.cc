// CMake package configurations and exported targets.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "audit/claims/cmake_language.h"
#include "audit/claims/metadata.h"
#include "audit/claims/path_flags.h"
#include "base/text.h"

namespace lre_audit {
namespace {

// Commands whose arguments become variables and properties that a build uses.
constexpr std::string_view kSetters[] = {"set",
                                         "set_and_check",
                                         "list",
                                         "set_property",
                                         "set_target_properties",
                                         "set_directory_properties",
                                         "target_include_directories",
                                         "target_link_libraries",
                                         "target_link_directories",
                                         "target_link_options",
                                         "target_compile_options",
                                         "target_sources",
                                         "include_directories",
                                         "link_directories",
                                         "link_libraries",
                                         "add_compile_options",
                                         "add_link_options",
                                         "include"};

class CMakeReader {
 public:
  explicit CMakeReader(ClaimList* claims) : claims_(claims), text_(claims->text()) {}

  void Read() {
    ForEachCMakeCommand(text_,
                        [this](const std::string& name, const std::vector<Token>& arguments) {
                          // A path that the file looks for first is optional.
                          if (name != "if" && name != "elseif") return;
                          for (const Token& argument : arguments)
                            tested_.insert(std::string(argument.text));
                        });
    ForEachCMakeCommand(
        text_, [this](const std::string& name, const std::vector<Token>& arguments) {
          if (std::find(std::begin(kSetters), std::end(kSetters), name) == std::end(kSetters))
            return;
          Arguments(arguments);
        });
  }

 private:
  void Arguments(const std::vector<Token>& arguments) {
    // The property or variable whose value follows: IMPORTED_LOCATION_RELEASE, foo_LIBRARIES.
    std::string_view context;
    for (const Token& argument : arguments) {
      if (IsCMakeName(argument.text)) {
        context = argument.text;
        continue;
      }
      // Lists with `;`, options with blanks, and $<BUILD_INTERFACE:/x> each enclose paths.
      FindPathsInOptions(Split(argument.text, argument.offset, "; \t\r\n<>:"), true,
                         [&](std::string_view path, uint64_t offset, std::string_view) {
                           if (tested_.contains(ToAbsl(path))) return;
                           const bool url = offset > argument.offset && text_[offset - 1] == ':' &&
                                            path.substr(0, 2) == "//";
                           if (url) return;
                           claims_->Add(Claim::BUILD_METADATA, path, offset, context);
                         });
    }
  }

  ClaimList* claims_;
  std::string_view text_;
  absl::flat_hash_set<std::string> tested_;
};

}  // namespace

void AddCMakeClaims(ClaimList* claims) { CMakeReader(claims).Read(); }

}  // namespace lre_audit
