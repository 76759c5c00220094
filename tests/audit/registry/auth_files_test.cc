#include "audit/registry/auth_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "audit/registry/credential_helper.h"
#include "base/text.h"
#include "tests/support/temporary_directory.h"

namespace lre_audit::registry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class AuthFiles : public testing::Test {
 protected:
  AuthFiles() {
    variables_["HOME"] = directory_;
    variables_["XDG_RUNTIME_DIR"] = directory_ + "/run";
  }

  void Write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = directory_ + "/" + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  // A file with one entry, whose user is named after where it stands.
  void Entry(const std::string& name, const std::string& key, const std::string& user) {
    Write(name, absl::StrCat(R"({"auths": {")", key, R"(": {"auth": ")",
                             absl::Base64Escape(user + ":pass:word"), R"("}}})"));
  }
  absl::StatusOr<Credentials> Find(const std::string& image, const std::string& authfile = "") {
    return FindCredentials(*ParseImageName(image), authfile, [&](const char* variable) {
      const auto found = variables_.find(variable);
      return found == variables_.end() ? std::string() : found->second;
    });
  }
  std::string User(const std::string& image) {
    const absl::StatusOr<Credentials> found = Find(image);
    return found.ok() ? found->username : std::string(found.status().message());
  }
  // A helper in the PATH, for the life of the test.
  void Helper(const std::string& name, const std::string& script) {
    Write("bin/docker-credential-" + name, "#!/bin/sh\n" + script);
    chmod((directory_ + "/bin/docker-credential-" + name).c_str(), 0755);
    setenv("PATH", absl::StrCat(directory_, "/bin:/usr/bin:/bin").c_str(), 1);
  }

  const TemporaryDirectory temporary_;
  const std::string directory_ = temporary_.path();
  std::map<std::string, std::string> variables_;
};

TEST_F(AuthFiles, NoFileNoCredentials) {
  ASSERT_TRUE(Find("h.example/x").ok());
  EXPECT_TRUE(Find("h.example/x")->empty());
}

TEST_F(AuthFiles, InTheirOrder) {
  Write(".dockercfg",
        R"({"https://h.example/v1/": {"auth": ")" + absl::Base64Escape("legacy:p") + R"("}})");
  EXPECT_EQ(User("h.example/x"), "legacy");
  Entry(".docker/config.json", "h.example", "docker");
  EXPECT_EQ(User("h.example/x"), "docker");
  EXPECT_EQ(Find("h.example/x")->password, "pass:word");
  variables_["DOCKER_CONFIG"] = directory_ + "/elsewhere";
  Entry("elsewhere/config.json", "h.example", "elsewhere");
  EXPECT_EQ(User("h.example/x"), "elsewhere");
  Entry(".config/containers/auth.json", "h.example", "config");
  EXPECT_EQ(User("h.example/x"), "config");
  Entry("run/containers/auth.json", "h.example", "runtime");
  EXPECT_EQ(User("h.example/x"), "runtime");
  // A file that the user names is the only one.
  Entry("named.json", "other.example", "named");
  variables_["REGISTRY_AUTH_FILE"] = directory_ + "/named.json";
  EXPECT_EQ(User("h.example/x"), "");
  EXPECT_EQ(User("other.example/x"), "named");
  Entry("option.json", "h.example", "option");
  EXPECT_EQ(Find("h.example/x", directory_ + "/option.json")->username, "option");
}

TEST_F(AuthFiles, TheMostSpecificNamespace) {
  const auto auth = [](const char* user) { return absl::Base64Escape(absl::StrCat(user, ":p")); };
  Write("run/containers/auth.json",
        absl::StrCat(R"({"auths": {"h.example": {"auth": ")", auth("host"),
                     R"("}, "h.example/a": {"auth": ")", auth("a"),
                     R"("}, "h.example/a/b": {"auth": ")", auth("b"), R"("}}})"));
  EXPECT_EQ(User("h.example/a/b"), "b");
  EXPECT_EQ(User("h.example/a/c"), "a");
  EXPECT_EQ(User("h.example/ab"), "host");
  EXPECT_EQ(User("h.example:5000/a"), "");
}

TEST_F(AuthFiles, DockerHubHasManyNames) {
  for (const char* key :
       {"docker.io", "index.docker.io", "https://index.docker.io/v1/", "registry-1.docker.io"}) {
    Entry("run/containers/auth.json", key, "hub");
    EXPECT_EQ(User("debian"), "hub") << key;
    EXPECT_EQ(User("h.example/debian"), "") << key;
  }
}

TEST_F(AuthFiles, IdentityTokens) {
  Write("run/containers/auth.json", R"({"auths": {"h.example": {"identitytoken": "refresh"}}})");
  EXPECT_EQ(Find("h.example/x")->identity_token, "refresh");
}

TEST_F(AuthFiles, WhatCannotBeReadIsSaidWithoutSecrets) {
  const auto expect = [&](const std::string& text, const char* words) {
    Write("run/containers/auth.json", text);
    const absl::Status status = Find("h.example/x").status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(ToStd(status.message()), HasSubstr("run/containers/auth.json"));
    EXPECT_THAT(ToStd(status.message()), HasSubstr(words));
    EXPECT_THAT(ToStd(status.message()), Not(HasSubstr("secret")));
  };
  expect("secret", "no JSON object");
  expect("[]", "no JSON object");
  expect(R"({"auths": {"h.example": {"auth": "secret!"}}})", "base64");
  expect(absl::StrCat(R"({"auths": {"h.example": {"auth": ")", absl::Base64Escape("secret"),
                      R"("}}})"),
         "no USER:PASSWORD");
  expect(R"({"credHelpers": {"h.example": "../../x"}})", "has a name that is none");
  expect(R"({"credHelpers": {"h.example": "is-not-there"}})", "cannot be started");
  const absl::Status missing = Find("h.example/x", directory_ + "/none").status();
  EXPECT_THAT(ToStd(missing.message()), HasSubstr("/none"));
  // Values of other types are as good as absent.
  Write("run/containers/auth.json", R"({"auths": [1], "credHelpers": 3, "credsStore": {}})");
  EXPECT_EQ(User("h.example/x"), "");
}

TEST_F(AuthFiles, Helpers) {
  Helper("one", R"(read -r server; echo "{\"Username\": \"$1 $server\", \"Secret\": \"s\"}")");
  Helper("all",
         R"(read -r server; echo "{\"Username\": \"<token>\", \"Secret\": \"for $server\"}")");
  Write(
      "run/containers/auth.json",
      R"({"credHelpers": {"h.example": "one"}, "credsStore": "all", "auths": {"debian.example": {}}})");
  EXPECT_EQ(User("h.example/x"), "get h.example");
  EXPECT_EQ(Find("h.example/x")->source, "docker-credential-one");
  EXPECT_EQ(Find("debian.example/x")->identity_token, "for debian.example");
  EXPECT_EQ(Find("debian")->identity_token, "for https://index.docker.io/v1/");
  // One that knows nothing is no error.
  Helper("all", "echo credentials not found in native keychain; exit 1");
  EXPECT_TRUE(Find("debian")->empty());
}

TEST_F(AuthFiles, HelpersThatMisbehave) {
  const auto expect = [&](const char* script, const char* words) {
    Helper("bad", script);
    const absl::Status status =
        AskCredentialHelper("bad", "h.example", {absl::Milliseconds(300), 10'000}).status();
    EXPECT_THAT(ToStd(status.message()), HasSubstr(words)) << script;
    EXPECT_THAT(ToStd(status.message()), Not(HasSubstr("secret"))) << script;
  };
  expect("sleep 60", "did not answer within");
  expect("exec >&-; sleep 60", "ended with exit code");
  expect("sleep 60 & echo secret", "did not answer within");
  expect("while :; do echo secretsecretsecret; done", "more than 10000 bytes");
  expect("echo secret", "something else than JSON");
  expect("echo secret; exit 3", "exit code 3");
}

}  // namespace
}  // namespace lre_audit::registry
