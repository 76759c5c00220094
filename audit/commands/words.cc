#include "audit/commands/words.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "audit/commands/help.h"
#include "base/status.h"
#include "base/suggest.h"
#include "base/text.h"
#include "reports/output.h"

namespace lre_audit {
namespace {

constexpr int kMostJobs = 1024;

// A word that users type and what it stands for.
template <typename T>
struct Choice {
  std::string_view word;
  T value;
};

constexpr Choice<ColorMode> kColors[] = {
    {"auto", ColorMode::kAuto}, {"always", ColorMode::kAlways}, {"never", ColorMode::kNever}};
constexpr Choice<bool> kBools[] = {{"true", true}, {"false", false}};
constexpr Choice<Finding::Severity> kSeverities[] = {
    {"error", Finding::ERROR}, {"warning", Finding::WARNING}, {"note", Finding::NOTE}};

template <typename T, size_t N>
absl::StatusOr<T> Choose(const char* option, std::string_view word, const Choice<T> (&choices)[N]) {
  std::vector<std::string_view> words;
  std::string listed;
  for (const Choice<T>& choice : choices) {
    if (choice.word == word) return choice.value;
    words.push_back(choice.word);
    absl::StrAppend(&listed, listed.empty() ? "" : ", ", ToAbsl(choice.word));
  }
  return UsageError(option, " takes ", listed, ", not '", Escaped(word), "'",
                    DidYouMean(word, words));
}

absl::Status CheckFormat(const std::string& format) { return FindOutputFormat(format).status(); }

// CLI11 gives an option the next word whatever it is, so that "--closure --quiet" would look for a
// closure of that name and not be quiet.
absl::Status CheckValue(const char* option, const std::string& value) {
  if (!value.starts_with("--")) return absl::OkStatus();
  return UsageError(option, " needs a value, not '", Escaped(value), "' (a file called that is './",
                    Escaped(value), "')");
}

absl::Status AtMostOperands(size_t most, const CommandHelp& command, const Words& words) {
  if (words.operands.size() <= most) return absl::OkStatus();
  return UsageError("unexpected '", Escaped(words.operands[most]), "'; usage: lre-audit ",
                    command.name, " ", command.usage);
}

// GOOS/GOARCH[/VARIANT], as the OCI image index has it.
absl::Status CheckPlatform(const std::string& platform) {
  const size_t slash = platform.find('/');
  if (platform.empty() ||
      (slash != 0 && slash != std::string::npos && slash + 1 != platform.size())) {
    return absl::OkStatus();
  }
  return UsageError("--platform takes OS/ARCH such as linux/amd64, not '", Escaped(platform), "'");
}

absl::StatusOr<int> ParseJobs(const Words& words) {
  int jobs = 0;
  if (absl::SimpleAtoi(words.jobs, &jobs) && jobs >= 0 && jobs <= kMostJobs) return jobs;
  return UsageError("--jobs takes a number from 0 to ", kMostJobs, ", not '", Escaped(words.jobs),
                    "'");
}

// "500M", "2G" or bytes alone.
absl::StatusOr<uint64_t> ParseSize(const char* option, const std::string& word) {
  constexpr std::pair<char, int> kUnits[] = {{'K', 10}, {'M', 20}, {'G', 30}, {'T', 40}};
  std::string_view digits = word;
  int shift = 0;
  for (const auto& [unit, bits] : kUnits) {
    if (!digits.empty() && absl::ascii_toupper(digits.back()) == unit) {
      digits.remove_suffix(1);
      shift = bits;
      break;
    }
  }
  uint64_t size = 0;
  const bool number = !digits.empty() &&
                      digits.find_first_not_of("0123456789") == std::string_view::npos &&
                      absl::SimpleAtoi(ToAbsl(digits), &size);
  if (number && size <= (UINT64_MAX >> shift)) return size << shift;
  return UsageError(option, " takes a size such as 500M or 2G, not '", Escaped(word), "'");
}

absl::StatusOr<CacheOptions> ParseCache(const Words& words) {
  CacheOptions options;
  options.enabled = !words.no_cache;
  const char* size = getenv("LRE_AUDIT_CACHE_SIZE");
  if (size != nullptr && size[0] != '\0') {
    LRE_ASSIGN_OR_RETURN(options.max_bytes, ParseSize("LRE_AUDIT_CACHE_SIZE", size));
  }
  return options;
}

// A date, or a time as RFC 3339 has it, in UTC.
absl::StatusOr<absl::Time> ParseNow(const std::string& word) {
  if (word.empty()) return absl::Now();
  absl::Time time;
  std::string error;
  if (absl::ParseTime("%Y-%m-%d", word, absl::UTCTimeZone(), &time, &error) ||
      absl::ParseTime(absl::RFC3339_full, word, absl::UTCTimeZone(), &time, &error)) {
    return time;
  }
  return UsageError("--now takes a date such as 2027-01-31, not '", Escaped(word), "'");
}

absl::StatusOr<ReportOptions> ParseReportOptions(const Words& words) {
  ReportOptions options;
  LRE_RETURN_IF_ERROR(CheckValue("--closure", words.closure));
  LRE_RETURN_IF_ERROR(CheckFormat(words.format));
  options.format = words.format;
  std::set<std::string> paths;
  for (const std::string& output : words.outputs) {
    LRE_ASSIGN_OR_RETURN(const OutputFile file, ParseOutputFile(output));
    if (!paths.insert(file.path).second) {
      return UsageError("--output names '", Escaped(file.path), "' twice");
    }
  }
  options.outputs = words.outputs;
  if (!words.fail_on.empty()) {
    LRE_ASSIGN_OR_RETURN(options.fail_on, Choose("--fail-on", words.fail_on, kSeverities));
    options.fail_on_given = true;
  }
  LRE_ASSIGN_OR_RETURN(options.jobs, ParseJobs(words));
  LRE_ASSIGN_OR_RETURN(options.cache, ParseCache(words));
  LRE_RETURN_IF_ERROR(CheckValue("--policy", words.policy));
  options.policy = words.policy;
  LRE_ASSIGN_OR_RETURN(options.now, ParseNow(words.now));
  LRE_ASSIGN_OR_RETURN(options.color, Choose("--color", words.color, kColors));
  if (words.quiet && words.verbose) return UsageError("--quiet and --verbose exclude each other");
  options.quiet = words.quiet;
  options.verbose = words.verbose;
  return options;
}

absl::StatusOr<RegistryOptions> ParseRegistryOptions(const Words& words) {
  RegistryOptions options;
  LRE_RETURN_IF_ERROR(CheckValue("--authfile", words.authfile));
  options.authfile = words.authfile;
  LRE_RETURN_IF_ERROR(CheckValue("--cert-dir", words.cert_dir));
  options.cert_dir = words.cert_dir;
  LRE_ASSIGN_OR_RETURN(options.tls_verify, Choose("--tls-verify", words.tls_verify, kBools));
  return options;
}

// The repository that check and init look at.
absl::StatusOr<std::string> ParseRepository(const CommandHelp& command, const Words& words) {
  LRE_RETURN_IF_ERROR(AtMostOperands(1, command, words));
  return words.operands.empty() ? std::string(".") : words.operands[0];
}

}  // namespace

absl::StatusOr<CommandLine> ParseImage(const Words& words) {
  ImageOptions options;
  LRE_ASSIGN_OR_RETURN(options.registry, ParseRegistryOptions(words));
  LRE_ASSIGN_OR_RETURN(options.report, ParseReportOptions(words));
  if (words.operands.empty() || words.operands[0].empty()) {
    return UsageError("which image? lre-audit image REF, such as oci:DIR:TAG or oci-archive:FILE");
  }
  for (const std::string& operand : words.operands) {
    if (operand.empty()) return UsageError("an empty REF names no image");
  }
  options.references = words.operands;
  LRE_RETURN_IF_ERROR(CheckPlatform(words.platform));
  if (words.all_platforms && !words.platform.empty()) {
    return UsageError("--all-platforms and --platform exclude each other");
  }
  if (words.all_platforms && !words.toolchains.empty()) {
    return UsageError(
        "--all-platforms and --toolchain exclude each other: tools run on one "
        "platform, which --platform names");
  }
  options.all_platforms = words.all_platforms;
  options.platform = words.platform;
  options.closure = words.closure;
  options.trusted_keys = words.trusted_keys;
  options.toolchains = words.toolchains;
  return options;
}

absl::StatusOr<CommandLine> ParseToolchain(const Words& words) {
  ToolchainOptions options;
  LRE_ASSIGN_OR_RETURN(options.registry, ParseRegistryOptions(words));
  LRE_ASSIGN_OR_RETURN(options.report, ParseReportOptions(words));
  LRE_RETURN_IF_ERROR(AtMostOperands(1, kToolchainHelp, words));
  if (words.operands.empty() || words.operands[0].empty()) {
    return UsageError("which toolchain? lre-audit toolchain DIR, such as generated-cc");
  }
  LRE_RETURN_IF_ERROR(CheckPlatform(words.platform));
  options.directory = words.operands[0];
  options.images = words.images;
  options.platform = words.platform;
  options.closure = words.closure;
  return options;
}

absl::StatusOr<CommandLine> ParseCheck(const Words& words) {
  CheckOptions options;
  LRE_ASSIGN_OR_RETURN(options.registry, ParseRegistryOptions(words));
  LRE_ASSIGN_OR_RETURN(options.report, ParseReportOptions(words));
  LRE_ASSIGN_OR_RETURN(options.directory, ParseRepository(kCheckHelp, words));
  options.trusted_keys = words.trusted_keys;
  return options;
}

absl::StatusOr<CommandLine> ParseInit(const Words& words) {
  InitOptions options;
  LRE_ASSIGN_OR_RETURN(options.directory, ParseRepository(kInitHelp, words));
  LRE_RETURN_IF_ERROR(CheckValue("--output", words.file));
  options.output = words.file;
  options.force = words.force;
  return options;
}

absl::StatusOr<CommandLine> ParseDiff(const Words& words) {
  DiffOptions options;
  LRE_ASSIGN_OR_RETURN(options.registry, ParseRegistryOptions(words));
  LRE_ASSIGN_OR_RETURN(options.report, ParseReportOptions(words));
  LRE_RETURN_IF_ERROR(AtMostOperands(2, kDiffHelp, words));
  if (words.operands.size() < 2) {
    return UsageError("which two sides? lre-audit diff A B, such as lre-audit diff store: oci:DIR");
  }
  LRE_RETURN_IF_ERROR(CheckPlatform(words.platform));
  options.a = words.operands[0];
  options.b = words.operands[1];
  options.platform = words.platform;
  return options;
}

namespace {

// "NAME=VALUE". What is wrong with the value is said without it.
absl::StatusOr<std::pair<std::string, std::string>> ParseHeader(const std::string& word) {
  const size_t equals = word.find('=');
  const std::string name = word.substr(0, equals);
  const bool is_token = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != nullptr);
  });
  if (equals == std::string::npos || !is_token) {
    return UsageError(
        "--cache-header takes NAME=VALUE, such as --cache-header "
        "authorization='Bearer ...'");
  }
  std::string value = word.substr(equals + 1);
  if (std::any_of(value.begin(), value.end(),
                  [](unsigned char c) { return absl::ascii_iscntrl(c); })) {
    return UsageError("--cache-header ", name, ": the value has a control character");
  }
  return std::make_pair(name, std::move(value));
}

}  // namespace

absl::StatusOr<CommandLine> ParseExplain(const Words& words) {
  ExplainOptions options;
  LRE_ASSIGN_OR_RETURN(options.registry, ParseRegistryOptions(words));
  LRE_ASSIGN_OR_RETURN(options.report, ParseReportOptions(words));
  LRE_RETURN_IF_ERROR(CheckPlatform(words.platform));
  LRE_RETURN_IF_ERROR(AtMostOperands(2, kExplainHelp, words));
  if (words.operands.size() < 2 || words.operands[0].empty() || words.operands[1].empty()) {
    return UsageError(
        "which two logs? lre-audit explain LOCAL REMOTE, files that Bazel has written with "
        "--execution_log_compact_file or --execution_log_json_file");
  }
  for (const std::string& cache : words.build_caches) {
    LRE_RETURN_IF_ERROR(CheckValue("--cache", cache));
  }
  cache::RemoteCacheOptions& remote = options.remote_caches;
  for (const std::string& header : words.cache_headers) {
    LRE_ASSIGN_OR_RETURN(remote.headers.emplace_back(), ParseHeader(header));
  }
  if (!words.cache_timeout.empty()) {
    double seconds = 0;
    if (!absl::SimpleAtod(words.cache_timeout, &seconds) || !(seconds > 0) || seconds > 86400) {
      return UsageError("--cache-timeout takes seconds, not '", Escaped(words.cache_timeout), "'");
    }
    remote.timeout = absl::Seconds(seconds);
  }
  remote.certificates = options.registry.cert_dir;
  remote.tls_verify = options.registry.tls_verify;
  for (const std::string& log : words.local_grpc_logs) {
    LRE_RETURN_IF_ERROR(CheckValue("--local-grpc-log", log));
  }
  for (const std::string& log : words.remote_grpc_logs) {
    LRE_RETURN_IF_ERROR(CheckValue("--remote-grpc-log", log));
  }
  LRE_RETURN_IF_ERROR(CheckValue("--action", words.action));
  options.local = words.operands[0];
  options.remote = words.operands[1];
  options.caches = words.build_caches;
  options.toolchains = words.toolchains;
  options.images = words.images;
  options.platform = words.platform;
  options.closure = words.closure;
  LRE_RETURN_IF_ERROR(CheckValue("--local-bep", words.local_bep));
  LRE_RETURN_IF_ERROR(CheckValue("--remote-bep", words.remote_bep));
  options.local_bep = words.local_bep;
  options.remote_bep = words.remote_bep;
  options.local_grpc_logs = words.local_grpc_logs;
  options.remote_grpc_logs = words.remote_grpc_logs;
  options.action = words.action;
  options.show_secrets = words.show_secrets;
  return options;
}

absl::StatusOr<CommandLine> ParseWhy(const Words& words) {
  WhyOptions options;
  LRE_ASSIGN_OR_RETURN(options.registry, ParseRegistryOptions(words));
  LRE_RETURN_IF_ERROR(AtMostOperands(2, kWhyHelp, words));
  if (words.operands.size() < 2) {
    return UsageError("who names what? lre-audit why SUBJECT PATH, such as lre-audit why oci:DIR ",
                      "/usr/lib/libz.so.1");
  }
  LRE_RETURN_IF_ERROR(CheckPlatform(words.platform));
  LRE_RETURN_IF_ERROR(CheckFormat(words.format));
  LRE_ASSIGN_OR_RETURN(options.jobs, ParseJobs(words));
  LRE_ASSIGN_OR_RETURN(options.cache, ParseCache(words));
  LRE_ASSIGN_OR_RETURN(options.color, Choose("--color", words.color, kColors));
  options.subject = words.operands[0];
  options.path = words.operands[1];
  options.toolchains = words.toolchains;
  options.platform = words.platform;
  options.all = words.all;
  options.format = words.format;
  return options;
}

absl::StatusOr<CommandLine> ParseStore(const Words& words) {
  StoreOptions options;
  LRE_ASSIGN_OR_RETURN(options.report, ParseReportOptions(words));
  LRE_RETURN_IF_ERROR(CheckValue("--root", words.root));
  LRE_RETURN_IF_ERROR(CheckValue("--from", words.from));
  if (!words.root.empty() && !words.from.empty()) {
    return UsageError("--root and --from exclude each other: a store on disk, or elsewhere");
  }
  options.paths = words.operands;
  options.root = words.root;
  options.from = words.from;
  options.contents = !words.no_contents;
  options.closure = words.closure;
  options.trusted_keys = words.trusted_keys;
  return options;
}

absl::StatusOr<CommandLine> ParseElf(const Words& words) {
  ElfOptions options;
  if (words.operands.empty()) return UsageError("which files? lre-audit elf FILE...");
  options.files = words.operands;
  LRE_RETURN_IF_ERROR(CheckValue("--root", words.root));
  options.root = words.root;
  LRE_RETURN_IF_ERROR(CheckFormat(words.format));
  options.json = words.format == "json";
  return options;
}

absl::StatusOr<CommandLine> ParseRule(const Words& words) {
  RuleOptions options;
  LRE_RETURN_IF_ERROR(AtMostOperands(1, kRuleHelp, words));
  if (!words.operands.empty()) options.rule = words.operands[0];
  LRE_RETURN_IF_ERROR(CheckFormat(words.format));
  options.format = words.format;
  return options;
}

absl::StatusOr<CommandLine> ParseCacheCommand(const Words& words) {
  using Action = CacheCommandOptions::Action;
  constexpr Choice<Action> kActions[] = {
      {"show", Action::kShow}, {"prune", Action::kPrune}, {"verify", Action::kVerify}};
  CacheCommandOptions options;
  LRE_RETURN_IF_ERROR(AtMostOperands(1, kCacheHelp, words));
  if (!words.operands.empty()) {
    LRE_ASSIGN_OR_RETURN(options.action, Choose("cache", words.operands[0], kActions));
  }
  if (options.action != Action::kPrune && (words.all || !words.max_size.empty())) {
    return UsageError(words.all ? "--all" : "--max-size", " belongs to 'lre-audit cache prune'");
  }
  if (words.all && !words.max_size.empty()) {
    return UsageError("--all and --max-size exclude each other");
  }
  LRE_ASSIGN_OR_RETURN(options.cache, ParseCache(words));
  if (!words.max_size.empty()) {
    LRE_ASSIGN_OR_RETURN(options.cache.max_bytes, ParseSize("--max-size", words.max_size));
  }
  LRE_RETURN_IF_ERROR(CheckFormat(words.format));
  options.json = words.format == "json";
  options.all = words.all;
  return options;
}

}  // namespace lre_audit
