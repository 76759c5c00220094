// What --help says, apart from the options, which stand beside their parsing.
#ifndef LRE_AUDIT_AUDIT_COMMANDS_HELP_H_
#define LRE_AUDIT_AUDIT_COMMANDS_HELP_H_

namespace lre_audit {

struct CommandHelp {
  const char* name;
  const char* usage;  // after "lre-audit NAME "
  const char* summary;
  const char* footer;  // operands and examples
};

extern const CommandHelp kProgramHelp;
extern const CommandHelp kImageHelp;
extern const CommandHelp kStoreHelp;
extern const CommandHelp kElfHelp;
extern const CommandHelp kRuleHelp;

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMMANDS_HELP_H_
