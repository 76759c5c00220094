#include "audit/commands/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

template <typename Options>
Options Parsed(std::vector<std::string> arguments) {
  const absl::StatusOr<CommandLine> line = ParseCommandLine(std::move(arguments));
  EXPECT_TRUE(line.ok()) << line.status();
  if (!line.ok() || !std::holds_alternative<Options>(*line)) {
    ADD_FAILURE() << "another command";
    return {};
  }
  return std::get<Options>(*line);
}

std::string Refused(std::vector<std::string> arguments) {
  const absl::StatusOr<CommandLine> line = ParseCommandLine(std::move(arguments));
  return line.ok() ? "(accepted)" : std::string(line.status().message());
}

TEST(ParseCommandLine, ImageHasDefaults) {
  const auto options = Parsed<ImageOptions>({"image", "oci:worker:t"});
  EXPECT_THAT(options.references, ElementsAre("oci:worker:t"));
  EXPECT_FALSE(options.all_platforms);
  EXPECT_EQ(options.platform, "");
  EXPECT_EQ(options.closure, "");
  EXPECT_EQ(options.report.format, "text");
  EXPECT_THAT(options.report.outputs, IsEmpty());
  EXPECT_EQ(options.report.fail_on, Finding::ERROR);
  EXPECT_EQ(options.report.jobs, 0);
  EXPECT_EQ(options.report.color, ColorMode::kAuto);
  EXPECT_FALSE(options.report.quiet);
  EXPECT_FALSE(options.report.verbose);
}

TEST(ParseCommandLine, SeveralImages) {
  const auto options = Parsed<ImageOptions>({"image", "oci:a", "--all-platforms", "dir:b"});
  EXPECT_THAT(options.references, ElementsAre("oci:a", "dir:b"));
  EXPECT_TRUE(options.all_platforms);
}

TEST(ParseCommandLine, ImageTakesEveryOptionBeforeAndAfterItsOperand) {
  const auto options = Parsed<ImageOptions>(
      {"image", "--closure", "closure.json", "--format=json", "--output", "json=a.json",
       "oci:worker", "--output=text=b.txt", "--fail-on", "warning", "--jobs", "2", "--color",
       "never", "-v", "--platform", "linux/arm/v7"});
  EXPECT_THAT(options.references, ElementsAre("oci:worker"));
  EXPECT_EQ(options.platform, "linux/arm/v7");
  EXPECT_EQ(options.closure, "closure.json");
  EXPECT_EQ(options.report.format, "json");
  EXPECT_THAT(options.report.outputs, ElementsAre("json=a.json", "text=b.txt"));
  EXPECT_EQ(options.report.fail_on, Finding::WARNING);
  EXPECT_EQ(options.report.jobs, 2);
  EXPECT_EQ(options.report.color, ColorMode::kNever);
  EXPECT_TRUE(options.report.verbose);
}

TEST(ParseCommandLine, RegistriesAreAskedInSkopeosWords) {
  EXPECT_TRUE(Parsed<ImageOptions>({"image", "docker://h/x"}).registry.tls_verify);
  const auto options = Parsed<ImageOptions>({"image", "docker://h/x", "--tls-verify=false",
                                             "--authfile", "auth.json", "--cert-dir=certs"});
  EXPECT_FALSE(options.registry.tls_verify);
  EXPECT_EQ(options.registry.authfile, "auth.json");
  EXPECT_EQ(options.registry.cert_dir, "certs");
  EXPECT_FALSE(Parsed<CheckOptions>({"check", "--tls-verify=false"}).registry.tls_verify);
  EXPECT_FALSE(Parsed<DiffOptions>({"diff", "a", "b", "--tls-verify=false"}).registry.tls_verify);
  EXPECT_FALSE(Parsed<WhyOptions>({"why", "a", "/b", "--tls-verify=false"}).registry.tls_verify);
  EXPECT_FALSE(
      Parsed<ToolchainOptions>({"toolchain", "a", "--tls-verify=false"}).registry.tls_verify);
  EXPECT_THAT(Refused({"image", "docker://h/x", "--tls-verify=no"}), HasSubstr("true, false"));
}

TEST(ParseCommandLine, StoreTakesAnyNumberOfPaths) {
  EXPECT_THAT(Parsed<StoreOptions>({"store"}).paths, IsEmpty());
  const auto options = Parsed<StoreOptions>(
      {"store", "./result", "--root", "/mnt", "/nix/store/a", "-q", "--closure", "store:/mnt"});
  EXPECT_THAT(options.paths, ElementsAre("./result", "/nix/store/a"));
  EXPECT_EQ(options.root, "/mnt");
  EXPECT_EQ(options.closure, "store:/mnt");
  EXPECT_TRUE(options.report.quiet);
}

TEST(ParseCommandLine, ElfTakesFilesOfAnyName) {
  EXPECT_THAT(Parsed<ElfOptions>({"elf", "a", "rule", "[b,c]", "-", "d e"}).files,
              ElementsAre("a", "rule", "[b,c]", "-", "d e"));
  const auto options =
      Parsed<ElfOptions>({"elf", "--format", "json", "--root", "r", "--", "--x", "-q"});
  EXPECT_THAT(options.files, ElementsAre("--x", "-q"));
  EXPECT_TRUE(options.json);
  EXPECT_EQ(options.root, "r");
}

TEST(ParseCommandLine, CheckAndInitLookHereUnlessToldWhere) {
  const auto check = Parsed<CheckOptions>({"check"});
  EXPECT_EQ(check.directory, ".");
  EXPECT_FALSE(check.report.fail_on_given);
  const auto options = Parsed<CheckOptions>({"check", "repository", "--policy", "p.textproto",
                                             "--fail-on", "note", "--now", "2027-01-31"});
  EXPECT_EQ(options.directory, "repository");
  EXPECT_EQ(options.report.policy, "p.textproto");
  EXPECT_TRUE(options.report.fail_on_given);
  EXPECT_EQ(absl::FormatTime(options.report.now, absl::UTCTimeZone()), "2027-01-31T00:00:00+00:00");
  const auto init = Parsed<InitOptions>({"init", "--output", "-", "--force"});
  EXPECT_EQ(init.directory, ".");
  EXPECT_EQ(init.output, "-");
  EXPECT_TRUE(init.force);
}

TEST(ParseCommandLine, ToolchainDiffAndWhyTakeTheirSides) {
  const auto toolchain =
      Parsed<ToolchainOptions>({"toolchain", "--image", "oci:a", "generated-cc", "--image=oci:b",
                                "--closure", "store:", "--platform", "linux/amd64"});
  EXPECT_EQ(toolchain.directory, "generated-cc");
  EXPECT_THAT(toolchain.images, ElementsAre("oci:a", "oci:b"));
  EXPECT_EQ(toolchain.closure, "store:");
  EXPECT_EQ(toolchain.platform, "linux/amd64");
  EXPECT_THAT(Parsed<ImageOptions>({"image", "oci:a", "--toolchain", "g"}).toolchains,
              ElementsAre("g"));
  const auto diff = Parsed<DiffOptions>({"diff", "store:", "oci:a"});
  EXPECT_EQ(diff.a, "store:");
  EXPECT_EQ(diff.b, "oci:a");
  const auto why = Parsed<WhyOptions>(
      {"why", "oci:a", "/usr/lib/libz.so.1", "--all", "--toolchain", "g", "--format", "json"});
  EXPECT_EQ(why.subject, "oci:a");
  EXPECT_EQ(why.path, "/usr/lib/libz.so.1");
  EXPECT_THAT(why.toolchains, ElementsAre("g"));
  EXPECT_TRUE(why.all);
  EXPECT_EQ(why.format, "json");
}

TEST(ParseCommandLine, RuleTakesOneRuleOrNone) {
  EXPECT_EQ(Parsed<RuleOptions>({"rule"}).rule, "");
  const auto options = Parsed<RuleOptions>({"rule", "LRE101", "--format", "json"});
  EXPECT_EQ(options.rule, "LRE101");
  EXPECT_EQ(options.format, "json");
}

TEST(ParseCommandLine, CacheShowsPrunesOrVerifies) {
  using Action = CacheCommandOptions::Action;
  unsetenv("LRE_AUDIT_CACHE_SIZE");
  EXPECT_EQ(Parsed<CacheCommandOptions>({"cache"}).action, Action::kShow);
  EXPECT_EQ(Parsed<CacheCommandOptions>({"cache", "show"}).cache.max_bytes, uint64_t{2} << 30);
  EXPECT_TRUE(Parsed<CacheCommandOptions>({"cache", "verify", "--format", "json"}).json);
  EXPECT_TRUE(Parsed<CacheCommandOptions>({"cache", "prune", "--all"}).all);
  const struct {
    const char* word;
    uint64_t bytes;
  } kSizes[] = {{"0", 0},
                {"17", 17},
                {"3k", 3 << 10},
                {"500M", 500 << 20},
                {"2G", uint64_t{2} << 30},
                {"1T", uint64_t{1} << 40},
                {"18446744073709551615", UINT64_MAX}};
  for (const auto& [word, bytes] : kSizes) {
    const auto prune = Parsed<CacheCommandOptions>({"cache", "prune", "--max-size", word});
    EXPECT_EQ(prune.action, Action::kPrune);
    EXPECT_EQ(prune.cache.max_bytes, bytes) << word;
    setenv("LRE_AUDIT_CACHE_SIZE", word, 1);
    EXPECT_EQ(Parsed<ImageOptions>({"image", "a"}).report.cache.max_bytes, bytes) << word;
    EXPECT_EQ(Parsed<WhyOptions>({"why", "a", "b"}).cache.max_bytes, bytes) << word;
  }
  for (const char* word : {"K", "1KB", "-1", "+1", "1.5G", "18446744073709551616", "16777216T"}) {
    setenv("LRE_AUDIT_CACHE_SIZE", word, 1);
    EXPECT_THAT(Refused({"check"}), HasSubstr("takes a size such as 500M or 2G")) << word;
  }
  unsetenv("LRE_AUDIT_CACHE_SIZE");
  EXPECT_TRUE(Parsed<ImageOptions>({"image", "a"}).report.cache.enabled);
  EXPECT_FALSE(Parsed<ImageOptions>({"image", "a", "--no-cache"}).report.cache.enabled);
  EXPECT_FALSE(Parsed<CheckOptions>({"check", "--no-cache"}).report.cache.enabled);
  EXPECT_FALSE(Parsed<ToolchainOptions>({"toolchain", "a", "--no-cache"}).report.cache.enabled);
  EXPECT_FALSE(Parsed<DiffOptions>({"diff", "a", "b", "--no-cache"}).report.cache.enabled);
  EXPECT_FALSE(Parsed<WhyOptions>({"why", "a", "b", "--no-cache"}).cache.enabled);
}

TEST(ParseCommandLine, AnswersQuestionsAboutItself) {
  EXPECT_EQ(Parsed<Answer>({"--version"}).text, "lre-audit 0.1.0\n");
  const std::string help = Parsed<Answer>({"--help"}).text;
  EXPECT_THAT(help, HasSubstr("Usage: lre-audit COMMAND [OPTIONS] ...\n"));
  for (const char* text : {"\n  image ", "\n  store ", "\n  elf ", "\n  rule ", "\nCommands:\n",
                           "Exit codes:", "\n  3  incomplete", "Examples:"}) {
    EXPECT_THAT(help, HasSubstr(text));
  }
  const std::string image = Parsed<Answer>({"image", "--help"}).text;
  EXPECT_THAT(image, HasSubstr("Usage: lre-audit image REF... [OPTIONS]\n"));
  for (const char* text : {"--closure SRC ", "--format FORMAT ", "--output FORMAT=FILE ",
                           "--fail-on SEVERITY ", "-j,--jobs N ", "--color WHEN ", "-q,--quiet ",
                           "-v,--verbose ", "--platform OS/ARCH ", "oci-archive:FILE[:TAG]"}) {
    EXPECT_THAT(image, HasSubstr(text));
  }
  // One may ask after having typed something wrong.
  EXPECT_THAT(Parsed<Answer>({"elf", "--frobnicate", "-h"}).text, HasSubstr("lre-audit elf FILE"));
}

TEST(ParseCommandLine, RefusesWithOneHelpfulLine) {
  struct Case {
    std::vector<std::string> arguments;
    std::string message;
  };
  const std::string known =
      " (commands: check, init, image, store, toolchain, diff, explain, why, elf, rule, cache)";
  const Case kCases[] = {
      {{}, "a command is missing; see lre-audit --help"},
      {{"imgae", "oci:x"}, "unknown command 'imgae'; did you mean 'image'?" + known},
      {{"imgae", "--closure", "x"}, "unknown command 'imgae'; did you mean 'image'?" + known},
      {{"frobnicate"}, "unknown command 'frobnicate'" + known},
      {{"\x1b[2J"}, "unknown command '\\x1b[2J'" + known},
      {{"--verison"}, "unknown option '--verison'; did you mean '--version'?"},
      {{"toolchain"}, "which toolchain? lre-audit toolchain DIR, such as generated-cc"},
      {{"diff", "a"}, "which two sides? lre-audit diff A B, such as lre-audit diff store: oci:DIR"},
      {{"diff", "a", "b", "c"}, "unexpected 'c'; usage: lre-audit diff A B [OPTIONS]"},
      {{"why", "a"},
       "who names what? lre-audit why SUBJECT PATH, such as lre-audit why oci:DIR "
       "/usr/lib/libz.so.1"},
      {{"check", "--now", "tomorrow"}, "--now takes a date such as 2027-01-31, not 'tomorrow'"},
      {{"check", "--policy", "--quiet"},
       "--policy needs a value, not '--quiet' (a file called that is './--quiet')"},
      {{"--closure", "x", "image", "oci:x"},
       "option '--closure' comes after the command, as in 'lre-audit image --closure'"},
      {{"image", "oci:x", "--clousre", "x"},
       "unknown option '--clousre'; did you mean '--closure'?"},
      {{"image", "oci:x", "--fomrat=json"}, "unknown option '--fomrat'; did you mean '--format'?"},
      {{"image", "oci:x", "--root", "/"}, "unknown option '--root'"},
      {{"store", "-x"}, "unknown option '-x'; did you mean '-h'?"},
      {{"image"}, "which image? lre-audit image REF, such as oci:DIR:TAG or oci-archive:FILE"},
      {{"image", ""}, "which image? lre-audit image REF, such as oci:DIR:TAG or oci-archive:FILE"},
      {{"image", "a", ""}, "an empty REF names no image"},
      {{"image", "a", "--all-platforms", "--platform", "linux/amd64"},
       "--all-platforms and --platform exclude each other"},
      {{"image", "a", "--all-platforms", "--toolchain", "b"},
       "--all-platforms and --toolchain exclude each other: tools run on one platform, which "
       "--platform names"},
      {{"image", "a", "--format", "jsno"},
       "unknown format 'jsno'; did you mean 'json'? (formats: text, json)"},
      {{"image", "a", "--output", "report.json"},
       "'report.json' is not FORMAT=FILE, such as json=report.json"},
      {{"image", "a", "--output", "json=r", "--output", "text=r"}, "--output names 'r' twice"},
      {{"image", "a", "--fail-on", "eror"},
       "--fail-on takes error, warning, note, not 'eror'; did you mean 'error'?"},
      {{"image", "a", "--color", "on"}, "--color takes auto, always, never, not 'on'"},
      {{"image", "a", "--jobs", "many"}, "--jobs takes a number from 0 to 1024, not 'many'"},
      {{"image", "a", "--jobs", "-1"}, "--jobs takes a number from 0 to 1024, not '-1'"},
      {{"image", "a", "--jobs", "99999999999"},
       "--jobs takes a number from 0 to 1024, not '99999999999'"},
      {{"image", "a", "--platform", "linux/"},
       "--platform takes OS/ARCH such as linux/amd64, not 'linux/'"},
      {{"image", "a", "--platform", "arm64"},
       "--platform takes OS/ARCH such as linux/amd64, not 'arm64'"},
      {{"image", "a", "--closure", "--format", "json"},
       "--closure needs a value, not '--format' (a file called that is './--format')"},
      {{"image", "a", "--closure="}, "--closure needs a value"},
      {{"elf"}, "which files? lre-audit elf FILE..."},
      {{"rule", "LRE101", "LRE102"},
       "unexpected 'LRE102'; usage: lre-audit rule [CODE|NAME] [OPTIONS]"},
      {{"cache", "purne"}, "cache takes show, prune, verify, not 'purne'; did you mean 'prune'?"},
      {{"cache", "show", "--all"}, "--all belongs to 'lre-audit cache prune'"},
      {{"cache", "--max-size", "1G"}, "--max-size belongs to 'lre-audit cache prune'"},
      {{"cache", "prune", "--all", "--max-size", "1G"}, "--all and --max-size exclude each other"},
      {{"rule", "--format", "yaml"}, "unknown format 'yaml' (formats: text, json)"},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(Refused(c.arguments), c.message) << ::testing::PrintToString(c.arguments);
  }
  // These are CLI11's words; what counts is that the option is named.
  EXPECT_THAT(Refused({"image", "a", "--closure"}), HasSubstr("--closure"));
  EXPECT_THAT(Refused({"image", "a", "--closure", "x", "--closure", "y"}), HasSubstr("--closure"));
  EXPECT_EQ(Refused({"image", "a", "-q", "-v"}), "--quiet and --verbose exclude each other");
}

}  // namespace
}  // namespace lre_audit
