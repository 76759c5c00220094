// `lre-audit rule [CODE]`: the catalogue.
#ifndef LRE_AUDIT_AUDIT_COMMANDS_RULE_COMMAND_H_
#define LRE_AUDIT_AUDIT_COMMANDS_RULE_COMMAND_H_

#include <ostream>

#include "audit/commands/options.h"

namespace lre_audit {

// Writes all rules as a table, or the page of the one that is named by code or name. As JSON, both
// are a list of objects {"code", "name", "severity", "summary", "page"}, severity as in a report.
// Returns the exit code: kExitUsage, with one line on `err`, if there is no such rule.
int RunRule(const RuleOptions& options, std::ostream& out, std::ostream& err);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMMANDS_RULE_COMMAND_H_
