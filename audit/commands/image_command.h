// lre-audit image REF
#ifndef LRE_AUDIT_AUDIT_COMMANDS_IMAGE_COMMAND_H_
#define LRE_AUDIT_AUDIT_COMMANDS_IMAGE_COMMAND_H_

#include <ostream>

#include "audit/commands/options.h"

namespace lre_audit {

// Returns the exit code.
int RunImage(const ImageOptions& options, std::ostream& out, std::ostream& err);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMMANDS_IMAGE_COMMAND_H_
