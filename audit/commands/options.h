// What the user typed, parsed: one plain struct per command (ElfOptions stands beside its command).
#ifndef LRE_AUDIT_AUDIT_COMMANDS_OPTIONS_H_
#define LRE_AUDIT_AUDIT_COMMANDS_OPTIONS_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "audit/cache/remote_cache_options.h"
#include "audit/commands/elf_command.h"
#include "audit/registry/options.h"
#include "reports/report.pb.h"

namespace lre_audit {

enum class ColorMode { kAuto, kAlways, kNever };

// Facts kept from earlier audits: whether, and how much of them.
struct CacheOptions {
  bool enabled = true;
  uint64_t max_bytes = uint64_t{2} << 30;
};

// Options of every command that ends in a Report.
struct ReportOptions {
  std::string format = "text";       // of standard output, a name in reports/output.h's table
  std::vector<std::string> outputs;  // "FORMAT=FILE", checked to be of that shape
  Finding::Severity fail_on = Finding::ERROR;
  bool fail_on_given = false;  // else a policy may say it
  int jobs = 0;                // threads; 0 = as many as the machine has
  CacheOptions cache;
  std::string policy;  // a policy file; empty: the default policy alone
  absl::Time now;      // for suppressions that expire
  ColorMode color = ColorMode::kAuto;
  bool quiet = false;
  bool verbose = false;
};

// lre-audit image REF...
struct ImageOptions {
  std::vector<std::string> references;  // "oci:DIR:TAG"; at least one
  std::string platform;        // "linux/amd64"; empty: the image's only one, or this machine's
  bool all_platforms = false;  // every image of an index
  std::string closure;  // a closure source; empty: the local store, else derived from the tree
  std::vector<std::string> trusted_keys;  // NAME:BASE64 or @FILE; empty: Nix's own
  std::vector<std::string> toolchains;    // directories of toolchains whose tools run in it
  RegistryOptions registry;
  ReportOptions report;
};

// lre-audit store [PATH...]
struct StoreOptions {
  std::vector<std::string> paths;  // store paths; empty: the whole store
  std::string root;                // the directory that holds nix/store; empty: "/"
  std::string from;                // a binary cache or export instead of a store on disk
  bool contents = true;            // false: names alone are compared with the database
  std::string closure;
  std::vector<std::string> trusted_keys;
  ReportOptions report;
};

// lre-audit toolchain DIR
struct ToolchainOptions {
  std::string directory;
  std::vector<std::string> images;  // where its tools run, besides the local side
  std::string platform;             // of the images
  std::string closure;              // the local side; empty: the local store if there is one
  RegistryOptions registry;
  ReportOptions report;
};

// lre-audit check [DIR]
struct CheckOptions {
  std::string directory;                  // of the repository
  std::vector<std::string> trusted_keys;  // of the closures of its images and stores
  RegistryOptions registry;
  ReportOptions report;  // its `policy` names the subjects; empty: DIR/lre-audit.textproto if there
};

// lre-audit init [DIR]
struct InitOptions {
  std::string directory;
  std::string output;  // the file to write; "-" is standard output
  bool force = false;  // replace a file that is there
};

// lre-audit diff A B
struct DiffOptions {
  std::string a, b;      // store:[ROOT], a closure file, an image, a toolchain, a saved report
  std::string platform;  // of images
  RegistryOptions registry;
  ReportOptions report;
};

// lre-audit explain LOCAL REMOTE
struct ExplainOptions {
  std::string local, remote;        // execution logs
  std::vector<std::string> caches;  // directories of --disk_cache, remote caches
  cache::RemoteCacheOptions remote_caches;
  std::vector<std::string> local_grpc_logs, remote_grpc_logs;
  std::string local_bep, remote_bep;  // Build Event Protocol; empty: none
  // Where store paths are looked up:
  std::vector<std::string> toolchains;  // directories
  std::vector<std::string> images;
  std::string platform;  // of the images
  std::string closure;   // empty: none
  RegistryOptions registry;
  std::string action;  // a label, output or digest; empty: all
  bool show_secrets = false;
  ReportOptions report;
};

// lre-audit why SUBJECT PATH
struct WhyOptions {
  std::string subject;                  // an image, a toolchain directory, or a store path
  std::string path;                     // what is led to
  std::vector<std::string> toolchains;  // whose tool paths are roots too
  std::string platform;
  RegistryOptions registry;
  bool all = false;  // every shortest chain of every root, not the shortest alone
  std::string format = "text";
  ColorMode color = ColorMode::kAuto;
  int jobs = 0;
  CacheOptions cache;
};

// lre-audit rule [CODE]
struct RuleOptions {
  std::string rule;  // code or name; empty: the whole catalogue
  std::string format = "text";
};

// lre-audit cache [show|prune|verify]
struct CacheCommandOptions {
  enum class Action { kShow, kPrune, kVerify };
  Action action = Action::kShow;
  bool all = false;  // prune: not even max_bytes are left
  bool json = false;
  CacheOptions cache;  // max_bytes: what prune leaves
};

// --help and --version: text for standard output, exit code 0.
struct Answer {
  std::string text;
};

using CommandLine = std::variant<Answer, CheckOptions, InitOptions, ImageOptions, StoreOptions,
                                 ToolchainOptions, DiffOptions, ExplainOptions, WhyOptions,
                                 ElfOptions, RuleOptions, CacheCommandOptions>;

// Parses the arguments after the program's name. An error is one line that says what is wrong and,
// where a word is nearly right, which one was meant.
absl::StatusOr<CommandLine> ParseCommandLine(std::vector<std::string> arguments);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMMANDS_OPTIONS_H_
