// Every format of a closure, against the real Nix where it can write it, else after the shapes that
// the Nix manual documents.
#include "audit/nix/closure.h"
#include "audit/nix/path_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "audit/nix/hash.h"
#include "tests/audit/nix/nix_fixture.h"

namespace lre_audit::nix {

// For the messages of failing tests.
bool operator==(const PathInfo& a, const PathInfo& b) {
  return a.path == b.path && a.nar_hash == b.nar_hash && a.nar_size == b.nar_size &&
         a.has_references == b.has_references && a.references == b.references;
}
void PrintTo(const PathInfo& info, std::ostream* out) {
  *out << info.path << " " << info.nar_hash << " " << info.nar_size.value_or(0) << " "
       << info.has_references << " " << info.references.size();
}

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::SizeIs;

constexpr char kA[] = "/nix/store/8nri6bp3l4wf5fkrxwj4r1dxbh5ng1gn-a";
constexpr char kB[] = "/nix/store/vcb1spzy0w6h1d1cz0yzmhqysg4aqnlh-b";
constexpr char kHex[] = "9ed96a331c25df76744e1515a69c9abeab6f0a7bfe018793c618206a037d347d";
constexpr char kNix32[] = "0z9lgl1nl80qqs9qf0gygc56zaxykafac58m9rs7dpr53hrnmncy";
constexpr char kSri[] = "sha256-ntlqMxwl33Z0ThUVppyavqtvCnv+AYeTxhggagN9NH0=";

class ReadClosureTest : public ::testing::Test {
 protected:
  // Reads `text`, with A, B, HEX, NIX32 and SRI between '%' replaced.
  absl::StatusOr<Closure> Read(std::string text) {
    text = absl::StrReplaceAll(text, {{"%A%", kA},
                                      {"%B%", kB},
                                      {"%a%", kA + 11},
                                      {"%b%", kB + 11},
                                      {"%HEX%", kHex},
                                      {"%NIX32%", kNix32},
                                      {"%SRI%", kSri}});
    return ReadRaw(text);
  }
  absl::StatusOr<Closure> ReadRaw(std::string_view text) {
    const std::string path = directory_ / "closure";
    WriteFileOrFail(path, text);
    return ReadClosure(path);
  }
  // A refers to B and itself, B to nothing; both of `hash` and of size 120.
  void ExpectAAndB(const absl::StatusOr<Closure>& closure, const std::string& hash,
                   std::optional<uint64_t> size) {
    ASSERT_TRUE(closure.ok()) << closure.status();
    EXPECT_THAT(closure->problems, IsEmpty());
    EXPECT_EQ(closure->store_directory, "/nix/store");
    ASSERT_THAT(closure->paths, ElementsAre(Key(kA), Key(kB)));
    EXPECT_EQ(closure->paths.at(kA), (PathInfo{kA, hash, size, true, {kA, kB}, "", ""}));
    EXPECT_EQ(closure->paths.at(kB), (PathInfo{kB, hash, size, true, {}, "", ""}));
  }

  TemporaryDirectory directory_;
  const std::string hash_ = absl::StrCat("sha256:", kHex);
};

// All formats that this Nix writes tell the same, and the same as the database and nix-store -q.
TEST_F(ReadClosureTest, RealNixWritesTheSameInAllFormats) {
  for (const NixStore::Layout layout :
       {NixStore::Layout::kChroot, NixStore::Layout::kOwnDirectory}) {
    const NixStore store(layout);
    const std::string root = store.Fill();
    const std::vector<std::string> paths = store.ValidPaths();
    ASSERT_GE(paths.size(), 4u);

    const auto database = ReadClosure("store:" + store.root());
    ASSERT_TRUE(database.ok()) << database.status();
    EXPECT_THAT(database->problems, IsEmpty());
    EXPECT_EQ(database->store_directory, store.store_directory());
    ASSERT_THAT(database->paths, SizeIs(paths.size()));
    for (const std::string& path : paths) {
      const PathInfo& info = database->paths.at(path);
      const auto query = [&](const std::string& what) {
        return Lines(store.Run("nix-store -q " + what + " " + path));
      };
      EXPECT_EQ(info.nar_hash, *NormaliseHash(query("--hash").at(0)));
      EXPECT_EQ(std::to_string(info.nar_size.value()), query("--size").at(0));
      std::vector<std::string> references = query("--references");
      std::sort(references.begin(), references.end());
      EXPECT_EQ(info.references, references);
      const std::string deriver = query("--deriver").at(0);
      EXPECT_EQ(info.deriver, deriver == "unknown-deriver" ? "" : deriver);
    }

    const auto json = ReadRaw(store.Run("nix path-info --json --all"));
    ASSERT_TRUE(json.ok()) << json.status();
    EXPECT_EQ(json->paths, database->paths);
    EXPECT_EQ(json->format, "nix path-info --json (array, up to 2.18)");
    for (const auto& [path, info] : json->paths) {
      EXPECT_EQ(info.ca, database->paths.at(path).ca);
      EXPECT_EQ(info.deriver, database->paths.at(path).deriver);
    }

    const auto dump = ReadRaw(store.Run("nix-store --dump-db"));
    ASSERT_TRUE(dump.ok()) << dump.status();
    EXPECT_EQ(dump->paths, database->paths);
    EXPECT_EQ(dump->store_directory, store.store_directory());

    const auto list = ReadRaw(store.Run("nix-store -qR " + root));
    ASSERT_TRUE(list.ok()) << list.status();
    EXPECT_EQ(list->format, "path list");
    const auto opened = StoreDatabase::Open(store.root());
    ASSERT_TRUE(opened.ok()) << opened.status();
    const auto closure = opened->ClosureOf({root});
    ASSERT_TRUE(closure.ok()) << closure.status();
    ASSERT_EQ(list->paths.size(), closure->paths.size());
    for (const auto& [path, info] : list->paths) {
      EXPECT_TRUE(closure->paths.contains(path)) << path;
      EXPECT_FALSE(info.has_references);
      EXPECT_EQ(info.nar_hash, "");
      EXPECT_EQ(info.nar_size, std::nullopt);
    }
  }
}

TEST_F(ReadClosureTest, PathInfoJsonOfEveryVersion) {
  ExpectAAndB(Read(R"([{"path":"%A%","narHash":"%SRI%","narSize":120,"references":["%B%","%A%"],
                       "deriver":"%A%.drv","registrationTime":1,"ultimate":true,"valid":true,
                       "signatures":["k:s"],"closureSize":240},
                      {"path":"%B%","narHash":"%SRI%","narSize":120,"references":[]}])"),
              hash_, 120);
  // 2.19, and the explicit nulls of 2.23.
  ExpectAAndB(Read(R"({"%A%":{"narHash":"%SRI%","narSize":120,"references":["%A%","%B%"]},
                       "%B%":{"ca":null,"deriver":null,"narHash":"%SRI%","narSize":120,
                              "references":[],"registrationTime":null,"signatures":[],
                              "ultimate":false}})"),
              hash_, 120);
  // 2.33: the keys in the order in which nix prints them, "info" before "storeDir".
  const auto modern =
      Read(R"({"info":{"%a%":{"ca":{"hash":"%SRI%","method":"nar"},"deriver":"%a%.drv",
                              "narHash":"%SRI%","narSize":120,"references":["%a%","%b%"],
                              "storeDir":"/nix/store","version":2},
                       "%b%":{"ca":null,"narHash":{"algorithm":"sha256","format":"base64",
                              "hash":"ntlqMxwl33Z0ThUVppyavqtvCnv+AYeTxhggagN9NH0="},
                              "narSize":120,"references":[],
                              "signatures":[{"keyName":"k","sig":"s"}]}},
               "storeDir":"/nix/store","version":3})");
  ExpectAAndB(modern, hash_, 120);
  EXPECT_EQ(modern->format, "nix path-info --json (format 3)");
  EXPECT_EQ(modern->paths.at(kA).ca, absl::StrCat("fixed:r:sha256:", kNix32));
  EXPECT_EQ(modern->paths.at(kA).deriver, absl::StrCat(kA, ".drv"));
  // exportReferencesGraph with structuredAttrs.
  ExpectAAndB(Read(R"([{"closureSize":240,"narHash":"sha256:%NIX32%","narSize":120,
                        "path":"%A%","references":["%A%","%B%"],"valid":true},
                       {"closureSize":120,"narHash":"sha256:%NIX32%","narSize":120,
                        "path":"%B%","references":[],"valid":true}])"),
              hash_, 120);
}

TEST_F(ReadClosureTest, StoreDirectoryOfTheFile) {
  const auto closure = Read(R"({"info":{"%a%":{"narHash":"%SRI%","narSize":1,
                                "references":["%b%"]}},"storeDir":"/gnu/store","version":2})");
  ASSERT_TRUE(closure.ok()) << closure.status();
  EXPECT_EQ(closure->store_directory, "/gnu/store");
  EXPECT_THAT(closure->paths.at(absl::StrCat("/gnu/store/", kA + 11)).references,
              ElementsAre(absl::StrCat("/gnu/store/", kB + 11)));
}

TEST_F(ReadClosureTest, JsonKeysThatStandTwiceAndVersionsToCome) {
  const auto problems = [&](const std::string& text) {
    const auto closure = Read(text);
    EXPECT_TRUE(closure.ok()) << closure.status();
    EXPECT_THAT(closure->paths, ElementsAre(Key(kA)));
    return closure->problems;
  };
  const std::string entry = R"({"narHash":"%SRI%","narSize":1,"references":[]})";
  EXPECT_THAT(problems(R"({"%A%":{"narSize":2,"narHash":"%SRI%","references":[],"narSize":1}})"),
              ElementsAre(HasSubstr("-a\": key \"narSize\" stands there twice")));
  EXPECT_THAT(problems(R"([{"path":"%B%","narHash":"%SRI%","references":[],"path":"%A%"}])"),
              ElementsAre(HasSubstr("entry 1: key \"path\" stands there twice")));
  EXPECT_THAT(problems(R"({"version":2,"info":{"%a%":)" + entry + R"(},"version":2})"),
              ElementsAre(HasSubstr("key \"version\" stands there twice")));
  EXPECT_THAT(problems(R"({"version":9,"info":{"%a%":)" + entry + "}}"),
              ElementsAre(HasSubstr("version 9 is not known, only up to 3")));
  EXPECT_THAT(problems(R"({"version":3,"storeDir":"/nix/store","info":{"%a%":)" + entry + "}}"),
              IsEmpty());
  EXPECT_THAT(problems(R"({"version":5,"derivations":{"%a%":{"outputs":{},"builder":"x"}}})"),
              ElementsAre(HasSubstr("version 5 is not known, only up to 4")));
}

// Of which nothing can be read is refused; what is packed is read as far as it can be unpacked.
TEST_F(ReadClosureTest, NothingAtAllIsRefused) {
  for (const char* text : {R"({"%A%":null,"%B%":null})", "%A%\nsha256:%NIX32%",
                           R"([{"path":"/usr/bin","narHash":"%SRI%","references":[]}])"}) {
    const auto closure = Read(text);
    if (text[0] == '%') {
      EXPECT_TRUE(closure.ok()) << closure.status();  // the path is known
      continue;
    }
    EXPECT_EQ(closure.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(closure.status().message()),
                HasSubstr("holds no store path that could be read: "));
  }
  std::string lines;
  for (int i = 0; i < 20000; ++i) absl::StrAppend(&lines, kA, i, "\n");
  WriteFileOrFail(directory_ / "list", lines);
  const std::string list = directory_ / "list";
  RunShell("gzip -k " + list + " && xz -k " + list + " && zstd -q " + list);
  for (const char* suffix : {".gz", ".xz", ".zst"}) {
    const std::string packed = ReadFileOrFail(list + suffix);
    EXPECT_THAT(ReadRaw(packed)->problems, IsEmpty());
    const auto cut = ReadRaw(std::string_view(packed).substr(0, packed.size() - 20));
    ASSERT_TRUE(cut.ok()) << suffix << ": " << cut.status();
    EXPECT_GT(cut->paths.size(), 0u);
    EXPECT_THAT(cut->problems, testing::Contains(HasSubstr("bytes are known"))) << suffix;
  }
}

TEST_F(ReadClosureTest, Registrations) {
  // nix-store --dump-db, closureInfo's registration, exportReferencesGraph.
  ExpectAAndB(Read("%A%\n%HEX%\n120\n%A%.drv\n2\n%A%\n%B%\n%B%\n%HEX%\n120\n\n0\n"), hash_, 120);
  ExpectAAndB(Read("%A%\nsha256:%NIX32%\n120\n\n2\n%B%\n%A%\n%B%\nsha256:%NIX32%\n120\n\n0\n"),
              hash_, 120);
  ExpectAAndB(Read("%A%\n\n2\n%A%\n%B%\n%B%\n\n0\n"), "", std::nullopt);
  // DOS line ends and blank lines between records.
  ExpectAAndB(Read("\r\n%B%\r\n%HEX%\r\n120\r\n\r\n0\r\n\r\n%A%\r\n%HEX%\r\n120\r\n\r\n2\r\n%A%\r\n"
                   "%B%"),
              hash_, 120);
}

TEST_F(ReadClosureTest, PathListToleratesSpaceAndNamesBadLines) {
  const auto closure = Read("\n%A%  \n\n  \n%B%\r\nnonsense\n%A%/bin\n/gnu/store/%b%\n%A%");
  ASSERT_TRUE(closure.ok()) << closure.status();
  EXPECT_THAT(closure->paths, ElementsAre(Key(kA), Key(kB)));
  ASSERT_THAT(closure->problems, SizeIs(3));
  EXPECT_THAT(closure->problems[0], HasSubstr("line 6: \"nonsense\" is no store path"));
  EXPECT_THAT(closure->problems[1], HasSubstr("line 7: "));
  EXPECT_THAT(closure->problems[2], HasSubstr("line 8: \"/gnu/store/"));
  EXPECT_THAT(closure->problems[2], HasSubstr("is not in the store directory \"/nix/store\""));
}

TEST_F(ReadClosureTest, OneBadJsonEntryLeavesTheRest) {
  struct Case {
    const char* entry;
    const char* problem;
    bool is_kept;
  };
  for (
      const Case& c : std::vector<Case>{
          {R"("%B%":null)", "not a valid path in the store that wrote this", false},
          {R"("%B%":7)", "not an object", false},
          {R"("%B%":{"valid":false,"narHash":"","references":[]})", "not a valid path", false},
          {R"("%B%":{"narHash":"sha256-abc","narSize":1,"references":[]})", "3 base64 digits",
           true},
          {R"("%B%":{"narHash":7,"narSize":1,"references":[]})", "has 1 digits", true},
          {R"("%B%":{"narSize":1,"references":[]})", "no \"narHash\"", true},
          {R"("%B%":{"narHash":"%SRI%","narSize":-1,"references":[]})", "is no size", true},
          {R"("%B%":{"narHash":"%SRI%","narSize":1,"references":{}})", "is no array", true},
          {R"("%B%":{"narHash":"%SRI%","narSize":1,"references":[1]})", "is no string", true},
          {R"("%B%":{"narHash":"%SRI%","narSize":1,"references":["x/y"]})", "reference", true},
          {R"("/nix/store/short":{"narHash":"%SRI%","references":[]})", "too short", false},
          {R"("%B%":{"narHash":"%SRI%","references":[]},"%B%":{"narHash":"%SRI%","references":["%A%"]})",
           "is there twice", true},
          {R"("other":{})", "\"other\" is neither a store path nor a key", false}}) {
    const auto closure = Read(
        absl::StrCat(R"({"%A%":{"narHash":"%SRI%","narSize":1,"references":[]},)", c.entry, "}"));
    ASSERT_TRUE(closure.ok()) << closure.status() << c.entry;
    ASSERT_THAT(closure->problems, SizeIs(1)) << c.entry;
    EXPECT_THAT(closure->problems[0], HasSubstr(c.problem));
    EXPECT_TRUE(closure->paths.contains(kA));
    EXPECT_EQ(closure->paths.contains(kB), c.is_kept) << c.entry;
  }
}

TEST_F(ReadClosureTest, BrokenRegistrationRecordsLeaveTheRest) {
  const std::string good = "%A%\n%HEX%\n1\n\n0\n";
  for (const auto& [bad, problem] : std::vector<std::pair<std::string, std::string>>{
           {"%B%\n%HEX%\nmany\n\n0\n", "line 8: \"many\" where the NAR size"},
           {"%B%\n%HEX%\n1\n\nx\n", "line 10: \"x\" where the number of references"},
           {"%B%\n%HEX%\n1\n\n99999999999\n", "99999999999 references announced"},
           {"%B%\n%HEX%\n1\n\n99999999999999999999999\n", "where the number of references"},
           {"%B%\n%HEX%\n1\n\n2\n%A%\nnone\n", "line 12: \"none\" where reference 2 of 2"},
           {"nonsense\nmore of it\n", "line 6: \"nonsense\": expected a store path"}}) {
    const auto closure = Read(good + bad + absl::StrReplaceAll(good, {{"%A%", "%A%2"}}));
    ASSERT_TRUE(closure.ok()) << closure.status();
    ASSERT_THAT(closure->problems, SizeIs(1)) << bad;
    EXPECT_THAT(closure->problems[0], HasSubstr(problem));
    EXPECT_TRUE(closure->paths.contains(kA) && closure->paths.contains(absl::StrCat(kA, "2")))
        << bad;
  }
}

TEST_F(ReadClosureTest, JsonErrorsSayWhere) {
  const auto nothing = Read("[\n  x]");
  EXPECT_EQ(nothing.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(nothing.status().message()), HasSubstr("line 2, column 3"));
  EXPECT_THAT(std::string(nothing.status().message()), HasSubstr("at byte 5"));
  const auto part =
      Read("[{\"path\":\"%A%\",\"narHash\":\"%SRI%\",\"narSize\":1,\"references\":[]},\n]");
  ASSERT_TRUE(part.ok()) << part.status();
  EXPECT_THAT(part->paths, ElementsAre(Key(kA)));
  ASSERT_THAT(part->problems, SizeIs(1));
  EXPECT_THAT(part->problems[0], HasSubstr("line 2, column 1"));
}

TEST_F(ReadClosureTest, DeepJsonIsRefused) {
  for (const char* open : {"[", "{\"a\":"}) {
    std::string deep;
    for (int i = 0; i < 200000; ++i) deep += open;
    const auto closure = Read(deep);
    EXPECT_EQ(closure.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(closure.status().message()), HasSubstr("deeper than 100 levels"));
  }
}

TEST_F(ReadClosureTest, RefusesWhatIsNoClosure) {
  using namespace std::string_view_literals;
  for (
      const auto& [text, message] : std::vector<std::pair<std::string_view, std::string>>{
          {""sv, "is empty"},
          {"\n\n"sv, "is empty"},
          {"hello\nworld\n"sv, "begins with \"hello\""},
          {"/usr/bin/env\n/etc\n"sv, "begins with \"/usr/bin/env\""},
          {"\x04\x22\x4d\x18 and so on"sv, "lz4 compression is not supported"},
          {"\x1f\x8b\x08"sv, "is gzip-compressed, but truncated at 0x3 of the gzip stream"},
          {"\1\0\0\0\0\0\0\0\x0d\0\0\0\0\0\0\0nix-archive-1\0\0\0"sv,
           "is a nix-store --export, but at 0x20: truncated"},
          {"SQLite format 3\0"sv, "store:ROOT"},
          {"\x7f"
           "ELF"sv,
           "an ELF object"},
          {"abc\0def"sv, "a binary file"},
          {"StorePath: /nix/store/x"sv, "is a narinfo, but it has no URL"},
          {"StoreDir: /nix/store\n"sv, "name its directory instead"},
          {"Derive([(\"out\","sv, "give nix derivation show of it"},
          {R"({"builder":"/bin/sh","outputs":{"out":"/nix/store/x"},"graph":[{"path":"/nix/store/x",)"
           R"("narHash":"y","references":[]}],"exportReferencesGraph":{"graph":["/nix/store/x"]}})"sv,
           R"(give it alone: jq '.["graph"]' .attrs.json)"},
          {R"({"a":1})"sv, "no entry has \"narHash\""},
          {"[1,2]"sv, "no entry has \"narHash\""},
          {"7"sv, "begins with \"7\""}}) {
    const auto closure = ReadRaw(text);
    EXPECT_FALSE(closure.ok()) << text;
    EXPECT_THAT(std::string(closure.status().message()), HasSubstr(message));
  }
  const auto missing = ReadClosure(directory_ / "missing");
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr("missing"));
  const auto directory = ReadClosure(directory_.path());
  EXPECT_EQ(directory.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(directory.status().message()), HasSubstr("store:"));
}

TEST_F(ReadClosureTest, ClosureInfoDirectory) {
  const std::string path = directory_ / "closure-info";
  std::filesystem::create_directory(path);
  WriteFileOrFail(path + "/registration",
                  absl::StrCat(kA, "\nsha256:", kNix32, "\n120\n\n1\n", kB, "\n", kB,
                               "\nsha256:", kNix32, "\n120\n\n0\n"));
  WriteFileOrFail(path + "/store-paths", absl::StrCat(kA, "\n", kB, "\n"));
  WriteFileOrFail(path + "/total-nar-size", "240\n");
  const auto closure = ReadClosure(path);
  ASSERT_TRUE(closure.ok()) << closure.status();
  EXPECT_THAT(closure->problems, IsEmpty());
  EXPECT_THAT(closure->paths, ElementsAre(Key(kA), Key(kB)));
  EXPECT_EQ(closure->paths.at(kA).nar_hash, hash_);

  WriteFileOrFail(path + "/store-paths", absl::StrCat(kA, "\n", kA, "2\n"));
  const auto differing = ReadClosure(path);
  ASSERT_TRUE(differing.ok()) << differing.status();
  EXPECT_THAT(differing->problems,
              ElementsAre(absl::StrCat("store-paths: ", kA, "2 is not in registration"),
                          absl::StrCat("registration: ", kB, " is not in store-paths")));
}

// What Nix exports is what its database says; cut or damaged anywhere, nothing is made up.
TEST_F(ReadClosureTest, Exports) {
  const NixStore store(NixStore::Layout::kChroot);
  store.Fill();
  store.Run("nix-store --export $(nix-store -q --requisites $(nix path-info --all)) > " +
            (directory_ / "export"));
  const std::string bytes = ReadFileOrFail(directory_ / "export");
  const auto whole = ReadRaw(bytes);
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_EQ(whole->format, "nix-store --export");
  EXPECT_EQ(whole->paths, ReadClosure("store:" + store.root())->paths);
  for (size_t size = 0; size < bytes.size(); size += 61) {
    const auto cut = ReadRaw(std::string_view(bytes).substr(0, size));
    if (!cut.ok()) continue;
    EXPECT_THAT(cut->problems, SizeIs(1)) << size;
    for (const auto& [path, info] : cut->paths) EXPECT_EQ(info, whole->paths.at(path));
  }
  for (size_t i = 0; i < bytes.size(); i += 37) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x55);
    const auto closure = ReadRaw(damaged);
    if (!closure.ok() || !closure->problems.empty()) continue;
    EXPECT_NE(closure->paths, whole->paths) << i;
  }
}

TEST_F(ReadClosureTest, DerivationsOfEveryVersion) {
  const auto expect = [&](const absl::StatusOr<Closure>& closure) {
    ASSERT_TRUE(closure.ok()) << closure.status();
    EXPECT_THAT(closure->problems, IsEmpty());
    EXPECT_TRUE(closure->holds_more);
    EXPECT_THAT(closure->paths,
                ElementsAre(Key(absl::StrCat(kA, ".drv")), Key(kB), Key(absl::StrCat(kB, "-src"))));
    EXPECT_FALSE(closure->paths.at(kB).has_references);
  };
  expect(Read(R"({"%A%.drv":{"outputs":{"out":{"path":"%B%"}},"inputSrcs":["%B%-src"],
                  "inputDrvs":{},"system":"x","builder":"/bin/sh","args":[],"env":{}}})"));
  expect(Read(R"({"%a%.drv":{"outputs":{"out":{"path":"%b%"}},"inputSrcs":["%b%-src"],
                  "inputDrvs":{},"system":"x","builder":"/bin/sh","args":[],"env":{}}})"));
  expect(Read(R"({"version":4,"derivations":{"%a%.drv":{"outputs":{"out":{"path":"%b%"}},
                  "inputs":{"srcs":["%b%-src"],"drvs":{}},"builder":"/bin/sh"}}})"));
  // An output that is named by its hash, and one that is not known before it is built.
  const auto fixed = Read(
      R"({"version":4,"derivations":{"%a%.drv":{"name":"b","outputs":{
          "out":{"method":"nar","hash":"%SRI%"},"dev":{}},"inputs":{},"builder":"/bin/sh"}}})");
  ASSERT_TRUE(fixed.ok()) << fixed.status();
  EXPECT_THAT(fixed->paths, SizeIs(2));
  EXPECT_THAT(fixed->problems,
              ElementsAre(HasSubstr("its output \"dev\" is not known before it is built")));
}

TEST_F(ReadClosureTest, ProblemsAreBounded) {
  std::string lines = absl::StrCat(kA, "\n");
  for (int i = 0; i < 5000; ++i) lines += "bad\n";
  const auto closure = ReadRaw(lines);
  ASSERT_TRUE(closure.ok()) << closure.status();
  ASSERT_THAT(closure->problems, SizeIs(101));
  EXPECT_EQ(closure->problems.back(), "and 4900 problems more");
}

// Cut off anywhere, every format is read as far as it goes: no path appears that is not in it, and
// whatever is lost is said.
TEST_F(ReadClosureTest, TruncatedAnywhere) {
  for (std::string text :
       {std::string(R"({"%A%":{"narHash":"%SRI%","narSize":120,"references":["%A%","%B%"]},)"
                    R"("%B%":{"narHash":"%SRI%","narSize":120,"references":[]}})"),
        std::string(R"([{"path":"%A%","narHash":"%SRI%","narSize":120,"references":["%B%"]}])"),
        std::string("%A%\n%HEX%\n120\n\n1\n%B%\n%B%\n%HEX%\n120\n\n0\n"),
        std::string("%A%\n\n1\n%B%\n%B%\n\n0\n")}) {
    text = absl::StrReplaceAll(text, {{"%A%", kA}, {"%B%", kB}, {"%HEX%", kHex}, {"%SRI%", kSri}});
    const auto whole = ReadRaw(text);
    ASSERT_TRUE(whole.ok());
    const size_t significant = text.back() == '\n' ? text.size() - 1 : text.size();
    for (size_t size = 0; size < significant; ++size) {
      const auto closure = ReadRaw(std::string_view(text).substr(0, size));
      if (!closure.ok()) continue;
      // The first line alone is a path list, maybe of a shorter name.
      if (closure->format != whole->format) {
        EXPECT_EQ(closure->format, "path list");
        continue;
      }
      if (!text.starts_with('/')) {
        EXPECT_THAT(closure->problems, SizeIs(1)) << size;
      }
      for (const auto& [path, info] : closure->paths) {
        const auto it = whole->paths.find(path);
        if (it == whole->paths.end()) continue;  // a name that was cut
        if (!info.nar_hash.empty()) {
          EXPECT_EQ(info.nar_hash, it->second.nar_hash);
        }
        if (closure->problems.empty() && size < significant - 1) {
          EXPECT_EQ(info.references.size(), it->second.references.size()) << size;
        }
      }
    }
  }
}

}  // namespace
}  // namespace lre_audit::nix
