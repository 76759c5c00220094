// Between the command line's grammar (options.cc) and what its words mean (words.cc).
#ifndef LRE_AUDIT_AUDIT_COMMANDS_WORDS_H_
#define LRE_AUDIT_AUDIT_COMMANDS_WORDS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "audit/commands/options.h"

namespace lre_audit {

template <typename... Parts>
absl::Status UsageError(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

// The options of all commands as CLI11 delivers them: words. They are read by the functions below
// rather than by CLI11's validators, so that messages have one style and name what was meant.
struct Words {
  std::string format = "text";
  std::vector<std::string> outputs;
  std::string fail_on;
  std::string jobs = "0";
  std::string color = "auto";
  bool quiet = false;
  bool verbose = false;
  bool no_cache = false;
  std::string max_size;
  std::string platform;
  bool all_platforms = false;
  std::string closure;
  std::string root;
  std::string from;
  std::vector<std::string> trusted_keys;
  std::string policy;
  std::string now;
  std::vector<std::string> images;
  std::vector<std::string> toolchains;
  std::string file;
  std::string authfile;
  std::string cert_dir;
  std::string tls_verify = "true";
  bool all = false;
  bool force = false;
  bool no_contents = false;
  std::vector<std::string> build_caches;
  std::vector<std::string> cache_headers;
  std::string cache_timeout;
  std::vector<std::string> local_grpc_logs, remote_grpc_logs;
  std::string local_bep, remote_bep;
  std::string action;
  bool show_secrets = false;
  std::vector<std::string> operands;  // REF, PATH..., FILE..., CODE
};

// Each command's options of its words; an error is one line for the user.
absl::StatusOr<CommandLine> ParseCheck(const Words& words);
absl::StatusOr<CommandLine> ParseInit(const Words& words);
absl::StatusOr<CommandLine> ParseImage(const Words& words);
absl::StatusOr<CommandLine> ParseStore(const Words& words);
absl::StatusOr<CommandLine> ParseToolchain(const Words& words);
absl::StatusOr<CommandLine> ParseDiff(const Words& words);
absl::StatusOr<CommandLine> ParseExplain(const Words& words);
absl::StatusOr<CommandLine> ParseWhy(const Words& words);
absl::StatusOr<CommandLine> ParseElf(const Words& words);
absl::StatusOr<CommandLine> ParseRule(const Words& words);
absl::StatusOr<CommandLine> ParseCacheCommand(const Words& words);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMMANDS_WORDS_H_
