#include "audit/commands/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/commands/help.h"
#include "audit/commands/words.h"
#include "base/status.h"
#include "base/suggest.h"
#include "base/text.h"

namespace lre_audit {
namespace {

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

// Of a report on what is not kept as facts.
void AddPlainReportOptions(CLI::App* command, Words& words) {
  AddFormat(command, words);
  command->add_option("--output", words.outputs, "Also write the report to a file; may be repeated")
      ->option_text("FORMAT=FILE")
      ->allow_extra_args(false);
  command->add_option("--fail-on", words.fail_on, "Least severity to fail on: error, warning, note")
      ->option_text("SEVERITY");
  AddJobs(command, words);
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

void AddReportOptions(CLI::App* command, Words& words) {
  AddPlainReportOptions(command, words);
  AddNoCache(command, words);
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
  AddTrustedKeys(check, words);
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

  CLI::App* explain = AddCommand(app, kExplainHelp);
  explain
      ->add_option("--cache", words.build_caches,
                   "A cache that has the builds' entries: a directory of --disk_cache, or a remote "
                   "one (grpc[s]://HOST:PORT[/INSTANCE], http[s]://HOST/...); may be repeated")
      ->option_text("REF")
      ->allow_extra_args(false);
  explain
      ->add_option("--local-grpc-log", words.local_grpc_logs,
                   "What the local build and its cache said to each other: Bazel's "
                   "--remote_grpc_log; may be repeated")
      ->option_text("FILE")
      ->allow_extra_args(false);
  explain->add_option("--remote-grpc-log", words.remote_grpc_logs, "The same of the remote build")
      ->option_text("FILE")
      ->allow_extra_args(false);
  explain
      ->add_option("--local-bep", words.local_bep,
                   "Build events of the local build: --build_event_json_file or _binary_file")
      ->option_text("FILE");
  explain->add_option("--remote-bep", words.remote_bep, "The same of the remote build")
      ->option_text("FILE");
  explain
      ->add_option("--cache-header", words.cache_headers,
                   "A header for remote caches, as Bazel's --remote_header; may be repeated")
      ->option_text("NAME=VALUE")
      ->allow_extra_args(false);
  explain
      ->add_option("--cache-timeout", words.cache_timeout,
                   "How long an answer of a remote cache is waited for: 30 seconds, else")
      ->option_text("SECONDS");
  explain
      ->add_option("--action", words.action,
                   "One action in full, both sides: by label, output or hash of its key")
      ->option_text("LABEL|OUTPUT|DIGEST");
  AddToolchains(explain, "A toolchain to look up causes' store paths in; may be repeated", words);
  explain->add_option("--image", words.images, "An image to look them up in; may be repeated")
      ->option_text("REF")
      ->allow_extra_args(false);
  AddPlatform(explain, words);
  AddClosure(explain, "What developers have, to look them up in", words);
  AddRegistryOptions(explain, words);
  explain->add_flag("--show-secrets", words.show_secrets, "Do not mask values that look secret");
  AddPlainReportOptions(explain, words);

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
  if (command == explain) return ParseExplain(words);
  if (command == why) return ParseWhy(words);
  if (command == store) return ParseStore(words);
  if (command == elf) return ParseElf(words);
  if (command == cache) return ParseCacheCommand(words);
  return ParseRule(words);
}

}  // namespace lre_audit
