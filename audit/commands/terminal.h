// What the standard streams are connected to, and what may therefore be written to them.
#ifndef LRE_AUDIT_AUDIT_COMMANDS_TERMINAL_H_
#define LRE_AUDIT_AUDIT_COMMANDS_TERMINAL_H_

#include <ostream>

#include "audit/commands/options.h"

namespace lre_audit {

// True for std::cout and std::cerr where they are a terminal.
bool IsTerminal(const std::ostream& out);

// Whether to colour `out`. --color always and never decide alone. In auto, in this order: NO_COLOR
// not empty means no (https://no-color.org), CLICOLOR_FORCE other than empty or "0" means yes
// (https://bixense.com/clicolors), and else a terminal that is not "dumb" is coloured.
bool UseColor(ColorMode mode, const std::ostream& out);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMMANDS_TERMINAL_H_
