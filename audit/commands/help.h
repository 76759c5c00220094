// What --help says, apart from the options, which stand beside their parsing.
#ifndef LRE_AUDIT_AUDIT_COMMANDS_HELP_H_
#define LRE_AUDIT_AUDIT_COMMANDS_HELP_H_

#include <array>

namespace lre_audit {

struct CommandHelp {
  const char* name;
  const char* usage;  // after "lre-audit NAME "
  const char* summary;
  const char* footer;  // operands and examples
};

extern const CommandHelp kProgramHelp;
extern const CommandHelp kCheckHelp;
extern const CommandHelp kInitHelp;
extern const CommandHelp kImageHelp;
extern const CommandHelp kStoreHelp;
extern const CommandHelp kToolchainHelp;
extern const CommandHelp kDiffHelp;
extern const CommandHelp kExplainHelp;
extern const CommandHelp kWhyHelp;
extern const CommandHelp kElfHelp;
extern const CommandHelp kRuleHelp;
extern const CommandHelp kCacheHelp;

// Of all commands, in the order in which --help lists them.
inline constexpr std::array<const CommandHelp*, 11> kCommandHelps = {
    &kCheckHelp,   &kInitHelp, &kImageHelp, &kStoreHelp, &kToolchainHelp, &kDiffHelp,
    &kExplainHelp, &kWhyHelp,  &kElfHelp,   &kRuleHelp,  &kCacheHelp};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMMANDS_HELP_H_
