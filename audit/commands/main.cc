// lre-audit: parses the command line and hands over to the command.
#include <csignal>
#include <iostream>
#include <string>
#include <vector>

#include "audit/commands/cache_command.h"
#include "audit/commands/check_command.h"
#include "audit/commands/diff_command.h"
#include "audit/commands/elf_command.h"
#include "audit/commands/explain_command.h"
#include "audit/commands/image_command.h"
#include "audit/commands/init_command.h"
#include "audit/commands/options.h"
#include "audit/commands/rule_command.h"
#include "audit/commands/store_command.h"
#include "audit/commands/toolchain_command.h"
#include "audit/commands/why_command.h"
#include "audit/commands/write_report.h"
#include "base/text.h"

namespace lre_audit {
namespace {

// One overload for each alternative of CommandLine: the table of commands.
struct Commands {
  int operator()(const Answer& answer) const {
    std::cout << answer.text;
    return kExitClean;
  }
  int operator()(const CheckOptions& o) const { return RunCheck(o, std::cout, std::cerr); }
  int operator()(const InitOptions& o) const { return RunInit(o, std::cout, std::cerr); }
  int operator()(const ImageOptions& o) const { return RunImage(o, std::cout, std::cerr); }
  int operator()(const StoreOptions& o) const { return RunStore(o, std::cout, std::cerr); }
  int operator()(const ToolchainOptions& o) const { return RunToolchain(o, std::cout, std::cerr); }
  int operator()(const DiffOptions& o) const { return RunDiff(o, std::cout, std::cerr); }
  int operator()(const ExplainOptions& o) const { return RunExplain(o, std::cout, std::cerr); }
  int operator()(const WhyOptions& o) const { return RunWhy(o, std::cout, std::cerr); }
  int operator()(const ElfOptions& o) const { return RunElf(o, std::cout, std::cerr); }
  int operator()(const RuleOptions& o) const { return RunRule(o, std::cout, std::cerr); }
  int operator()(const CacheCommandOptions& o) const { return RunCache(o, std::cout, std::cerr); }
};

int Main(std::vector<std::string> arguments) {
  // A reader of our output that goes away ends us quietly, even where a parent ignored the signal.
  std::signal(SIGPIPE, SIG_DFL);
  // A file that may not grow further (ulimit -f) is an error of the write, and no end.
  std::signal(SIGXFSZ, SIG_IGN);
  const absl::StatusOr<CommandLine> command = ParseCommandLine(std::move(arguments));
  if (!command.ok()) {
    std::cerr << "error: " << ToStd(command.status().message()) << "\n";
    return kExitUsage;
  }
  const int exit_code = std::visit(Commands(), *command);
  if (std::cout.flush()) return exit_code;
  // WriteReport has said so already, and its code stands.
  if (exit_code != kExitUsage) std::cerr << "error: cannot write to standard output\n";
  return kExitUsage;
}

}  // namespace
}  // namespace lre_audit

int main(int argc, char** argv) { return lre_audit::Main({argv + (argc > 0), argv + argc}); }
