#include "audit/explain/secrets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "audit/cache/build_caches.h"
#include "audit/explain/cache_findings.h"
#include "audit/explain/content_difference.h"
#include "tests/audit/net/scripted_server.h"

namespace lre_audit::explain {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(SecretNames, AreKnownByTheirWords) {
  for (const char* name : {"DEPLOY_TOKEN",
                           "AWS_SECRET_ACCESS_KEY",
                           "npm_config__auth",
                           "API_KEY",
                           "KEY",
                           "PGPASSWORD",
                           "RSYNC_PASSWD",
                           "CLIENTSECRET",
                           "accessToken",
                           "apiKey",
                           "GITHUB_PAT",
                           "MYSQL_PWD",
                           "DB_PWD",
                           "OAUTH",
                           "OAUTH2",
                           "SENTRY_DSN",
                           "DSN",
                           "PASSWORD2",
                           "Authorization",
                           "Set-Cookie",
                           "--secret-key"}) {
    EXPECT_TRUE(IsSecretName(name)) << name;
    EXPECT_EQ(MaskedValue(name, "/usr/bin"), "(masked, 8 bytes)") << name;
  }
  EXPECT_EQ(MaskedValue("DEPLOY_TOKEN", "x"), "(masked, 1 byte)");
  EXPECT_EQ(MaskedValue("DEPLOY_TOKEN", ""), "");
}

TEST(SecretNames, OthersAreNot) {
  for (const char* name :
       {"PATH", "PWD", "OLDPWD", "KEYBOARD", "MONKEY", "monkey", "TOKENIZER", "LANG", "KEY_SIZE",
        "TOKEN_TYPE", "AUTHOR", "--author", "PATTERN", "COMPASS", "", "-", "2"}) {
    EXPECT_FALSE(IsSecretName(name)) << name;
    EXPECT_EQ(MaskedValue(name, "/usr/bin"), "/usr/bin") << name;
  }
}

struct Masking {
  const char* text;
  const char* masked;
};

void ExpectMasked(const std::vector<Masking>& maskings) {
  for (const Masking& masking : maskings) {
    EXPECT_EQ(MaskedArgument(masking.text), masking.masked) << masking.text;
  }
}

TEST(Secrets, OfHeadersAreMaskedWithWhatIsBehindTheScheme) {
  ExpectMasked({
      {"--remote_header=Authorization=Bearer hunter2secret",
       "--remote_header=Authorization=(masked, 20 bytes)"},
      {"--remote_header=x-token=NEGOTIATE a b", "--remote_header=x-token=(masked, 13 bytes)"},
      {"--remote_header=Cookie=a=b; c=d", "--remote_header=Cookie=(masked, 8 bytes)"},
      {"Authorization: Basic YTpi", "Authorization: (masked, 10 bytes)"},
      {"Authorization: Digest username=\"x\", response=\"abc\"",
       "Authorization: (masked, 35 bytes)"},
      {"curl -H \"Authorization: Bearer abc\" http://h/x",
       "curl -H \"Authorization: (masked, 10 bytes)\" http://h/x"},
      {"curl -H 'Cookie: a=b; c=d' http://h/x", "curl -H 'Cookie: (masked, 8 bytes)' http://h/x"},
      {"sh -c \"curl -H 'Authorization: Token abc' u && make\"",
       "sh -c \"curl -H 'Authorization: (masked, 9 bytes)' u && make\""},
      {"bash -c \"curl -H \\\"Authorization: Bearer abc\\\" u\"",
       "bash -c \"curl -H \\\"Authorization: (masked, 10 bytes)\\\" u\""},
      {"curl -HAuthorization:abc u", "curl -HAuthorization:(masked, 3 bytes) u"},
      {"export AUTH=bearer abc; make", "export AUTH=(masked, 10 bytes); make"},
      {"curl -H X-Id:7 \"$H Bearer hunter2secret\" u",
       "curl -H X-Id:7 \"$H Bearer (masked, 13 bytes)\" u"},
  });
  EXPECT_EQ(MaskedArgument("Authorization: Bearer X", "-H"), "Authorization: (masked, 8 bytes)");
  EXPECT_EQ(MaskedArgument("Bearer", "Authorization:"), "(masked, 6 bytes)");
  EXPECT_EQ(MaskedArgument("hunter2secret", "Bearer"), "(masked, 13 bytes)");
}

TEST(Secrets, OfVariablesAreMaskedToTheirEnd) {
  ExpectMasked({
      {"PASSWORD=\"a b\" make", "PASSWORD=\"(masked, 3 bytes)\" make"},
      {"export PASSWORD='a b'; make all", "export PASSWORD='(masked, 3 bytes)'; make all"},
      {"PASSWORD=a\"b c\"'d e' make", "PASSWORD=(masked, 11 bytes) make"},
      {"PASSWORD=a\\ b make", "PASSWORD=(masked, 4 bytes) make"},
      {"TOKEN=$(echo a b) make", "TOKEN=(masked, 11 bytes) make"},
      {"(TOKEN=abc)", "(TOKEN=(masked, 3 bytes))"},
      {"env \"PASSWORD=a b\" make", "env \"PASSWORD=(masked, 3 bytes)\" make"},
      {"bash -c \"TOKEN=abc make all\"", "bash -c \"TOKEN=(masked, 3 bytes) make all\""},
      {"API_KEY=abc run", "API_KEY=(masked, 3 bytes) run"},
      {"-DAPI_TOKEN=abc", "-DAPI_TOKEN=(masked, 3 bytes)"},
      {"-DAPI_TOKEN=a b -O2", "-DAPI_TOKEN=(masked, 3 bytes) -O2"},
      {"--define=PASSWORD=a;b c", "--define=PASSWORD=(masked, 5 bytes)"},
      {"--action_env=PGPASSWORD=it's", "--action_env=PGPASSWORD=(masked, 4 bytes)"},
      {"echo can't; TOKEN=abc make", "echo can't; TOKEN=(masked, 3 bytes) make"},
      {"a 5\" disk; PASSWORD=\"a b\" make", "a 5\" disk; PASSWORD=\"(masked, 3 bytes)\" make"},
      {"password = hunter2-1", "password = (masked, 9 bytes)"},
      {"password: 'hunter2", "password: '(masked, 7 bytes)"},
  });
  EXPECT_EQ(MaskedArgument("PASSWORD=a b", "env"), "PASSWORD=(masked, 3 bytes)");
  EXPECT_EQ(MaskedArgument("PASSWORD=a make", "-c"), "PASSWORD=(masked, 1 byte) make");
}

TEST(Secrets, OfFlagsAreMasked) {
  ExpectMasked({
      {"login --password hunter2 host", "login --password (masked, 7 bytes) host"},
      {"login --secret-key 'a b' host", "login --secret-key '(masked, 3 bytes)' host"},
      {"login --password=hunter2 host", "login --password=(masked, 7 bytes) host"},
      {"run([\"login\", \"--token\", \"abc\", \"host\"])",
       "run([\"login\", \"--token\", \"(masked, 3 bytes)\", \"host\"])"},
      {"curl -u me:abc http://h/x", "curl -u me:(masked, 3 bytes) http://h/x"},
      {"curl -u 'me:a b' http://h/x", "curl -u 'me:(masked, 3 bytes)' http://h/x"},
      {"curl --user \"me:abc\" http://h/x", "curl --user \"me:(masked, 3 bytes)\" http://h/x"},
      {"curl --user=me:abc http://h/x", "curl --user=me:(masked, 3 bytes) http://h/x"},
      {"curl -ume:abc http://h/x", "curl -ume:(masked, 3 bytes) http://h/x"},
  });
  EXPECT_EQ(MaskedArgument("hunter2 x", "--password"), "(masked, 9 bytes)");
  EXPECT_EQ(MaskedArgument("hunter2", "--secret-key"), "(masked, 7 bytes)");
  EXPECT_EQ(MaskedArgument("me:abc", "-u"), "me:(masked, 3 bytes)");
  EXPECT_EQ(MaskedArgument("me:abc", "--user"), "me:(masked, 3 bytes)");
}

TEST(Secrets, InValuesAreMasked) {
  ExpectMasked({
      {"GET /x?access_token=abc&page=2", "GET /x?access_token=(masked, 3 bytes)&page=2"},
      {"Server=h;password=abc;Database=d", "Server=h;password=(masked, 3 bytes);Database=d"},
      {"{\"auth\":\"abc\",\"host\":\"h\"}", "{\"auth\":\"(masked, 3 bytes)\",\"host\":\"h\"}"},
      {"curl -d '{\"auth\": \"a b\"}' u", "curl -d '{\"auth\": \"(masked, 3 bytes)\"}' u"},
      {"curl -d \"{\\\"auth\\\":\\\"a b\\\"}\" u",
       "curl -d \"{\\\"auth\\\":\\\"(masked, 3 bytes)\\\"}\" u"},
      {"{'token': 'abc', 'n': 1}", "{'token': '(masked, 3 bytes)', 'n': 1}"},
      {"{\"tokens\": [\"a\", \"b\"], \"n\": 1}", "{\"tokens\": (masked, 10 bytes), \"n\": 1}"},
      {"{\"token\":12, \"n\": 1}", "{\"token\":(masked, 2 bytes), \"n\": 1}"},
      {"environ[\"TOKEN\"] = 'a b'; x", "environ[\"TOKEN\"] = '(masked, 3 bytes)'; x"},
      {"use sk-abcdefghijklmnopqrst now", "use (masked, 23 bytes) now"},
      {"use ghp_0123456789abcdef now", "use (masked, 20 bytes) now"},
      {"-----BEGIN KEY-----\nMIIE\n-----END KEY-----\nmore", "(masked, 42 bytes)\nmore"},
  });
  EXPECT_EQ(MaskedValue("X", "ghp_0123456789abcdef"), "(masked, 20 bytes)");
  EXPECT_EQ(MaskedValue("OPTS", "-Dauth.token=abc -Xmx1g"),
            "-Dauth.token=(masked, 3 bytes) -Xmx1g");
}

TEST(Secrets, OfUrlsAreMasked) {
  ExpectMasked({
      {"git clone https://abc@host/x", "git clone https://(masked)@host/x"},
      {"http://me:hunter2@proxy:80/x", "http://(masked)@proxy:80/x"},
      {"curl https://u:p@h/x; API_KEY=abc run",
       "curl https://(masked)@h/x; API_KEY=(masked, 3 bytes) run"},
      {"postgres://me:abc@h/d", "postgres://me:(masked)@h/d"},
      {"https://a@h https://b@h", "https://(masked)@h https://(masked)@h"},
  });
}

TEST(Secrets, OthersAreShown) {
  for (const char* text : {"-DKEYBOARD=us -O2 a=b",
                           "-DKEY_SIZE=4",
                           "--author=x",
                           "--author x",
                           "monkey=1",
                           "PWD=/x OLDPWD=/y make",
                           "PATH=/bin:/usr/bin make",
                           "ssh://git@github.com/x",
                           "git clone ssh://git@github.com/x",
                           "curl -u me http://h/x",
                           "python -u script.py",
                           "git push -u origin HEAD:main",
                           "https://host:80/x@y",
                           "//pkg/auth:lib @token:x",
                           "--target_label=//auth:token_test",
                           "auth::Token x",
                           "cache.auth.internal:443 refused",
                           "-Ltoken -O2",
                           "--password --verbose",
                           "--password-stdin < x",
                           "--no-auth http://h",
                           "Basic authentication failed",
                           "npm_config_cache_directory=/x",
                           "task-sk-abc",
                           "sk-short",
                           "the key is another",
                           "token=",
                           "token:",
                           "--token",
                           "-u",
                           "\"",
                           "'",
                           "\\",
                           "password=\"",
                           "echo \"token=\" x \"y\""}) {
    EXPECT_EQ(MaskedArgument(text), text);
  }
  for (const auto& [before, argument] :
       std::vector<std::pair<std::string, std::string>>{{"-u", "script.py"},
                                                        {"-u", "//auth:lib"},
                                                        {"--user", "me"},
                                                        {"--author", "me:x"},
                                                        {"--password", "--verbose"},
                                                        {"--no-auth", "x"},
                                                        {"basic", "authentication"},
                                                        {"--password=x", "y"}}) {
    EXPECT_EQ(MaskedArgument(argument, before), argument) << before;
  }
  EXPECT_EQ(MaskedValue("URL", "https://host:80/x@y"), "https://host:80/x@y");
}

TEST(Secrets, OfHostileTextsComeToAnEnd) {
  for (const char* part :
       {"'", "\"", "\\\"", "(", "$(", "token=(\n", "token", "token=", "-u '", "-u (", "https://",
        "a:", "Bearer ", "-----BEGIN", "token=a,", "$(a", "=token=x -a "}) {
    std::string text = "token=x";
    while (text.size() < (1 << 17)) text += part;
    EXPECT_LE(MaskedArgument(text).size(), 4 * text.size()) << part;
  }
}

TEST(Secrets, OfExcerptsAreMaskedByTheNameThatIsCutOff) {
  EXPECT_EQ(MaskedExcerpt("the password = hunter2-1, and more", 17, 8), "(masked, 9 bytes),");
  EXPECT_EQ(MaskedExcerpt("password = hunter2 and more", 14, 8), "(masked, 7 bytes) and");
  EXPECT_EQ(MaskedExcerpt("0123456789", 2, 3), "234");
  EXPECT_EQ(MaskedExcerpt("0123456789", 20, 3), "");
}

TEST(Secrets, OfContentsAreMasked) {
  const auto compared = [](const std::string& lead) {
    return CompareBlobs(lead + "hunter2-1\n", lead + "hunter2-2\n").text;
  };
  for (const char* lead :
       {"password = ", "  \"password\": ", "password:\t",
        "DB_PASSWORD_OF_THE_MAIN_DATABASE = ", "x = 1\nAPI_TOKEN='", "Authorization: Bearer "}) {
    EXPECT_THAT(compared(lead), Not(HasSubstr("hunter2"))) << lead;
  }
  EXPECT_THAT(compared("password = " + std::string(300, 'x')), Not(HasSubstr("hunter2")));
  EXPECT_THAT(compared("-----BEGIN PRIVATE KEY-----\nMIIE\n"), Not(HasSubstr("hunter2")));
  EXPECT_THAT(compared("pass_count = "), HasSubstr("hunter2-1"));
  EXPECT_THAT(CompareBlobs("password = /very/secret1\n", "password = /very/secret2\n").text,
              Not(HasSubstr("secret1")));
  EXPECT_EQ(CompareBlobs("x = /home/a/x\n", "x = /home/b/x\n").local, "/home/a/x");
}

TEST(Secrets, OfCachesThatRefuseAreMasked) {
  net::ScriptedServer server([](const std::string&, int) {
    return net::ScriptedServer::Reply{
        "HTTP/1.1 403 bad token=hunter2 of me\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"};
  });
  absl::StatusOr<cache::BuildCaches> caches =
      cache::BuildCaches::Open({server.Url("/cache")}, cache::DigestFunction::kSha256);
  ASSERT_TRUE(caches.ok()) << caches.status();
  EXPECT_FALSE(caches->Contains(cache::DigestOf(cache::DigestFunction::kSha256, "a")).ok());
  const std::vector<Finding> masked = TroubleFindings(*caches, /*show_secrets=*/false);
  ASSERT_EQ(masked.size(), 1u);
  EXPECT_EQ(masked[0].rule(), "LRE901");
  EXPECT_THAT(masked[0].message(), HasSubstr("403 bad token=(masked, 7 bytes) of me"));
  EXPECT_THAT(masked[0].DebugString(), Not(HasSubstr("hunter2")));
  EXPECT_THAT(TroubleFindings(*caches, /*show_secrets=*/true)[0].message(), HasSubstr("hunter2"));
}

}  // namespace
}  // namespace lre_audit::explain
