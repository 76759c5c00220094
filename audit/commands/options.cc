#include "audit/commands/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "audit/commands/help.h"
#include "base/status.h"
#include "base/suggest.h"
#include "base/text.h"
#include "reports/output.h"

namespace lre_audit {
namespace {

constexpr int kMostJobs = 1024;

template <typename... Parts>
absl::Status UsageError(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

// A word that users type and what it stands for.
template <typename T>
struct Choice {
  std::string_view word;
  T value;
};

constexpr Choice<ColorMode> kColors[] = {
    {"auto", ColorMode::kAuto}, {"always", ColorMode::kAlways}, {"never", ColorMode::kNever}};
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
  std::vector<std::string> operands;  // REF, PATH..., FILE..., CODE
};

class HelpFormatter : public CLI::Formatter {
 public:
  explicit HelpFormatter(const CommandHelp& help) : help_(help) { column_width(30); }

  std::string make_usage(const CLI::App* app, std::string) const override {
    return absl::StrCat("Usage: lre-audit ", app->get_parent() == nullptr ? "" : help_.name,
                        app->get_parent() == nullptr ? "" : " ", help_.usage, "\n");
  }

 private:
  const CommandHelp& help_;
};

void Describe(CLI::App& app, const CommandHelp& help) {
  app.description(absl::StrCat(help.summary, "\n"));
  app.formatter(std::make_shared<HelpFormatter>(help));
  app.footer(help.footer);
  app.set_help_flag("-h,--help", "Print this help");
  // Operands are taken from what CLI11 leaves over, for as its own positionals it would split one
  // that is called "[a,b]".
  app.allow_extras();
}

CLI::App* AddCommand(CLI::App& app, const CommandHelp& help) {
  CLI::App* command = app.add_subcommand(help.name, help.summary);
  Describe(*command, help);
  command->description(help.summary);
  command->group("Commands");
  return command;
}

void AddFormat(CLI::App* command, Words& words) {
  command->add_option("--format", words.format, "Standard output's format: text or json")
      ->option_text("FORMAT");
}

void AddColor(CLI::App* command, Words& words) {
  command->add_option("--color", words.color, "auto (on a terminal), always or never")
      ->option_text("WHEN");
}

void AddPlatform(CLI::App* command, Words& words) {
  command->add_option("--platform", words.platform, "Which image of an index: linux/amd64, ...")
      ->option_text("OS/ARCH");
}

void AddJobs(CLI::App* command, Words& words) {
  command->add_option("-j,--jobs", words.jobs, "Threads; 0 means one per processor")
      ->option_text("N");
}

void AddClosure(CLI::App* command, const char* what, Words& words) {
  command
      ->add_option("--closure", words.closure,
                   absl::StrCat(what,
                                ": a file (nix path-info --json, nix-store -qR, --dump-db or "
                                "--export, ...), store:ROOT, or a binary cache (file:///DIR, "
                                "https://HOST)"))
      ->option_text("SRC");
}

// How images in registries are fetched, in skopeo's words.
void AddRegistryOptions(CLI::App* command, Words& words) {
  command
      ->add_option("--authfile", words.authfile,
                   "Credentials for docker://, instead of those that skopeo and docker log in with")
      ->option_text("FILE");
  command
      ->add_option("--cert-dir", words.cert_dir,
                   "Certificates for docker:// (*.crt, *.cert, *.key), instead of certs.d")
      ->option_text("DIR");
  command
      ->add_option("--tls-verify", words.tls_verify,
                   "=false: any certificate will do for docker://, and plain HTTP too")
      ->option_text("BOOL");
}

void AddTrustedKeys(CLI::App* command, Words& words) {
  command
      ->add_option("--trusted-key", words.trusted_keys,
                   "A key that the closure's paths must be signed by; may be repeated")
      ->option_text("NAME:BASE64|@FILE")
      ->allow_extra_args(false);
}

void AddToolchains(CLI::App* command, const char* what, Words& words) {
  command->add_option("--toolchain", words.toolchains, what)
      ->option_text("DIR")
      ->allow_extra_args(false);
}

void AddNoCache(CLI::App* command, Words& words) {
  command->add_flag("--no-cache", words.no_cache,
                    "Read everything anew, and keep no facts for the next time");
}

void AddReportOptions(CLI::App* command, Words& words) {
  AddFormat(command, words);
  command->add_option("--output", words.outputs, "Also write the report to a file; may be repeated")
      ->option_text("FORMAT=FILE")
      ->allow_extra_args(false);
  command->add_option("--fail-on", words.fail_on, "Least severity to fail on: error, warning, note")
      ->option_text("SEVERITY");
  AddJobs(command, words);
  AddNoCache(command, words);
  command
      ->add_option("--policy", words.policy,
                   "What is allowed, suppressed, or of another severity (lre-audit.textproto)")
      ->option_text("FILE");
  command->add_option("--now", words.now, "Today, for suppressions that expire: 2027-01-31")
      ->option_text("DATE");
  AddColor(command, words);
  command->add_flag("-q,--quiet", words.quiet,
                    "In text, only the verdict, and nothing at all if clean");
  command->add_flag("-v,--verbose", words.verbose, "Also notes, suppressed and folded findings");
}

// What CLI11 did not know: unknown commands and options become errors, the rest operands.
absl::Status SortRemaining(const CLI::App& app, const CLI::App* command, Words& words) {
  const auto options_of = [](const CLI::App& a) {
    std::vector<std::string> names;
    for (const CLI::Option* option : a.get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
      for (const std::string& name : option->get_snames()) names.push_back("-" + name);
    }
    return names;
  };
  const auto is_option = [](const std::string& word) { return word.size() > 1 && word[0] == '-'; };
  const auto unknown_option = [&](const std::string& word, const CLI::App& a) {
    const std::string name = word.substr(0, word.find('='));
    const std::vector<std::string> names = options_of(a);
    const std::vector<std::string_view> candidates(names.begin(), names.end());
    return UsageError("unknown option '", Escaped(name), "'", DidYouMean(name, candidates));
  };
  for (const std::string& word : app.remaining()) {
    if (!is_option(word)) {
      if (command != nullptr) return UsageError("unexpected '", Escaped(word), "'");
      std::vector<std::string_view> commands;
      std::string listed;
      for (const CommandHelp* help : kCommandHelps) {
        commands.push_back(help->name);
        absl::StrAppend(&listed, listed.empty() ? "" : ", ", help->name);
      }
      return UsageError("unknown command '", Escaped(word), "'", DidYouMean(word, commands),
                        " (commands: ", listed, ")");
    }
    for (const CLI::App* other : app.get_subcommands({})) {
      const std::vector<std::string> names = options_of(*other);
      const std::string name = word.substr(0, word.find('='));
      if (std::find(names.begin(), names.end(), name) != names.end()) {
        return UsageError("option '", name, "' comes after the command, as in 'lre-audit ",
                          other->get_name(), " ", name, "'");
      }
    }
    return unknown_option(word, app);
  }
  if (command == nullptr) return UsageError("a command is missing; see lre-audit --help");
  for (const std::string& word : command->remaining()) {
    if (is_option(word)) return unknown_option(word, *command);
    words.operands.push_back(word);
  }
  return absl::OkStatus();
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
  constexpr Choice<bool> kBools[] = {{"true", true}, {"false", false}};
  RegistryOptions options;
  LRE_RETURN_IF_ERROR(CheckValue("--authfile", words.authfile));
  options.authfile = words.authfile;
  LRE_RETURN_IF_ERROR(CheckValue("--cert-dir", words.cert_dir));
  options.cert_dir = words.cert_dir;
  LRE_ASSIGN_OR_RETURN(options.tls_verify, Choose("--tls-verify", words.tls_verify, kBools));
  return options;
}

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

// The repository that check and init look at.
absl::StatusOr<std::string> ParseRepository(const CommandHelp& command, const Words& words) {
  LRE_RETURN_IF_ERROR(AtMostOperands(1, command, words));
  return words.operands.empty() ? std::string(".") : words.operands[0];
}

absl::StatusOr<CommandLine> ParseCheck(const Words& words) {
  CheckOptions options;
  LRE_ASSIGN_OR_RETURN(options.registry, ParseRegistryOptions(words));
  LRE_ASSIGN_OR_RETURN(options.report, ParseReportOptions(words));
  LRE_ASSIGN_OR_RETURN(options.directory, ParseRepository(kCheckHelp, words));
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

}  // namespace

absl::StatusOr<CommandLine> ParseCommandLine(std::vector<std::string> arguments) {
  Words words;
  // Everything after "--" is an operand. CLI11 would report the mark itself as left over.
  const auto mark = std::find(arguments.begin(), arguments.end(), "--");
  std::vector<std::string> verbatim;
  if (mark != arguments.end()) verbatim.assign(mark + 1, arguments.end());
  arguments.erase(mark, arguments.end());
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    // CLI11 would take the next word.
    if (argument.size() > 3 && argument.starts_with("--") && argument.ends_with('=')) {
      return UsageError(Escaped(argument.substr(0, argument.size() - 1)), " needs a value");
    }
    // A script's variable that is not set must not turn into an option that was not given.
    if (argument.empty() && i > 0 && arguments[i - 1].starts_with('-')) {
      return UsageError(Escaped(arguments[i - 1]), " needs a value, not an empty word");
    }
  }

  CLI::App app;
  app.name("lre-audit");
  Describe(app, kProgramHelp);
  app.require_subcommand(0, 1);
  app.set_version_flag("-V,--version", "lre-audit " LRE_AUDIT_VERSION, "Print the version");

  CLI::App* check = AddCommand(app, kCheckHelp);
  AddRegistryOptions(check, words);
  AddReportOptions(check, words);

  CLI::App* init = AddCommand(app, kInitHelp);
  init->add_option("--output", words.file, "The file to write; - is standard output")
      ->option_text("FILE");
  init->add_flag("--force", words.force, "Replace the file if it is there");

  constexpr const char* kBelongs = "What belongs there";
  CLI::App* image = AddCommand(app, kImageHelp);
  AddPlatform(image, words);
  image->add_flag("--all-platforms", words.all_platforms,
                  "The images of every platform of an index, one after the other");
  AddClosure(image, kBelongs, words);
  AddTrustedKeys(image, words);
  AddToolchains(image, "A generated toolchain whose tools run in it; may be repeated", words);
  AddRegistryOptions(image, words);
  AddReportOptions(image, words);

  CLI::App* store = AddCommand(app, kStoreHelp);
  store->add_option("--root", words.root, "Directory that holds nix/store, instead of /")
      ->option_text("DIR");
  store
      ->add_option("--from", words.from,
                   "Where the paths are instead: a binary cache (file:///DIR, https://HOST) or a "
                   "nix-store --export")
      ->option_text("SRC");
  store->add_flag("--no-contents", words.no_contents,
                  "Read no file: only whether each path, and all that it refers to, is there");
  AddClosure(store, kBelongs, words);
  AddTrustedKeys(store, words);
  AddReportOptions(store, words);

  CLI::App* toolchain = AddCommand(app, kToolchainHelp);
  toolchain->add_option("--image", words.images, "An image that its tools run in; may be repeated")
      ->option_text("REF")
      ->allow_extra_args(false);
  AddPlatform(toolchain, words);
  AddClosure(toolchain, "What developers have", words);
  AddRegistryOptions(toolchain, words);
  AddReportOptions(toolchain, words);

  CLI::App* diff = AddCommand(app, kDiffHelp);
  AddPlatform(diff, words);
  AddRegistryOptions(diff, words);
  AddReportOptions(diff, words);

  CLI::App* why = AddCommand(app, kWhyHelp);
  why->add_flag("--all", words.all, "Every shortest chain, not one alone");
  AddToolchains(why, "A generated toolchain whose tools are roots too; may be repeated", words);
  AddPlatform(why, words);
  AddRegistryOptions(why, words);
  AddFormat(why, words);
  AddJobs(why, words);
  AddNoCache(why, words);
  AddColor(why, words);

  CLI::App* elf = AddCommand(app, kElfHelp);
  elf->add_option("--root", words.root, "Resolve all paths inside this directory")
      ->option_text("DIR");
  AddFormat(elf, words);

  CLI::App* rule = AddCommand(app, kRuleHelp);
  AddFormat(rule, words);

  CLI::App* cache = AddCommand(app, kCacheHelp);
  cache->add_option("--max-size", words.max_size, "prune: what is left at most, such as 500M or 2G")
      ->option_text("SIZE");
  cache->add_flag("--all", words.all, "prune: everything goes");
  AddFormat(cache, words);

  try {
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
    app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    return Answer{app.help()};
  } catch (const CLI::CallForVersion& version) {
    return Answer{absl::StrCat(version.what(), "\n")};
  } catch (const CLI::Error& error) {
    return UsageError(Escaped(error.what()));
  }

  const CLI::App* command = app.get_subcommands().empty() ? nullptr : app.get_subcommands()[0];
  LRE_RETURN_IF_ERROR(SortRemaining(app, command, words));
  words.operands.insert(words.operands.end(), verbatim.begin(), verbatim.end());
  if (command == check) return ParseCheck(words);
  if (command == init) return ParseInit(words);
  if (command == image) return ParseImage(words);
  if (command == toolchain) return ParseToolchain(words);
  if (command == diff) return ParseDiff(words);
  if (command == why) return ParseWhy(words);
  if (command == store) return ParseStore(words);
  if (command == elf) return ParseElf(words);
  if (command == cache) return ParseCacheCommand(words);
  return ParseRule(words);
}

}  // namespace lre_audit
