#include "reports/output.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include "tests/support/temporary_directory.h"

namespace lre_audit {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class WriteOutputFileTest : public ::testing::Test {
 protected:
  WriteOutputFileTest() { report_.set_verdict(Report::CLEAN); }

  absl::Status Write(const std::string& argument) {
    absl::StatusOr<OutputFile> file = ParseOutputFile(argument);
    if (!file.ok()) return file.status();
    return WriteOutputFile(*file, report_, {});
  }
  size_t FilesInDirectory() const {
    return std::distance(fs::directory_iterator(directory_), fs::directory_iterator());
  }

  const TemporaryDirectory temporary_;
  const fs::path directory_ = temporary_.path();
  Report report_;
};

TEST(FindOutputFormat, KnowsItsTable) {
  for (const OutputFormat& format : OutputFormats()) {
    const auto found = FindOutputFormat(format.name);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(*found, &format);
  }
  EXPECT_EQ(FindOutputFormat("jsno").status().message(),
            "unknown format 'jsno'; did you mean 'json'? (formats: text, json)");
  EXPECT_EQ(FindOutputFormat("sarif\n").status().message(),
            "unknown format 'sarif\\n' (formats: text, json)");
}

TEST(ParseOutputFile, SplitsAtTheFirstEqualsSign) {
  const auto file = ParseOutputFile("json=a=b.json");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_STREQ(file->format->name, "json");
  EXPECT_EQ(file->path, "a=b.json");
  for (const char* wrong : {"report.json", "json=", "", "="}) {
    EXPECT_THAT(std::string(ParseOutputFile(wrong).status().message()),
                HasSubstr("is not FORMAT=FILE, such as json=report.json"))
        << wrong;
  }
  EXPECT_THAT(std::string(ParseOutputFile("txt=a").status().message()),
              HasSubstr("did you mean 'text'?"));
}

TEST_F(WriteOutputFileTest, WritesEachFormat) {
  ASSERT_TRUE(Write("json=" + (directory_ / "r.json").string()).ok());
  EXPECT_EQ(nlohmann::json::parse(ReadFile(directory_ / "r.json"))["verdict"], "CLEAN");
  ASSERT_TRUE(Write("text=" + (directory_ / "r.txt").string()).ok());
  EXPECT_THAT(ReadFile(directory_ / "r.txt"), HasSubstr("verdict: CLEAN"));
  EXPECT_EQ(FilesInDirectory(), 2u);
}

TEST_F(WriteOutputFileTest, ReplacesTheFileAsAWhole) {
  const fs::path path = directory_ / "r.json";
  std::ofstream(path) << "old";
  std::ifstream reader(path);  // holds the old file
  ASSERT_TRUE(Write("json=" + path.string()).ok());
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(reader), {}), "old");
  EXPECT_EQ(nlohmann::json::parse(ReadFile(path))["verdict"], "CLEAN");
  EXPECT_EQ(FilesInDirectory(), 1u);
}

TEST_F(WriteOutputFileTest, HonoursTheUmask) {
  const mode_t old = umask(027);
  const fs::path path = directory_ / "r.json";
  const absl::Status status = Write("json=" + path.string());
  umask(old);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(static_cast<unsigned>(fs::status(path).permissions()), 0640u);
}

TEST_F(WriteOutputFileTest, WritesThroughASymlink) {
  fs::create_directory(directory_ / "real");
  std::ofstream(directory_ / "real" / "r.json") << "old";
  fs::create_symlink("real/r.json", directory_ / "link.json");
  ASSERT_TRUE(Write("json=" + (directory_ / "link.json").string()).ok());
  EXPECT_TRUE(fs::is_symlink(directory_ / "link.json"));
  EXPECT_EQ(nlohmann::json::parse(ReadFile(directory_ / "real" / "r.json"))["verdict"], "CLEAN");
}

TEST_F(WriteOutputFileTest, WritesIntoAPipeInPlace) {
  const fs::path path = directory_ / "pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const int reader = open(path.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  EXPECT_TRUE(Write("text=" + path.string()).ok());
  char buffer[4096];
  const ssize_t size = read(reader, buffer, sizeof(buffer));
  close(reader);
  ASSERT_GT(size, 0);
  EXPECT_THAT(std::string(buffer, size), HasSubstr("verdict: CLEAN"));
  EXPECT_TRUE(fs::is_fifo(path));
}

TEST_F(WriteOutputFileTest, SaysWhyItCannotWrite) {
  const auto message = [&](const std::string& path) {
    return std::string(Write("json=" + path).message());
  };
  const std::string missing = (directory_ / "no" / "r.json").string();
  EXPECT_EQ(message(missing), "cannot write '" + missing + "': No such file or directory");
  EXPECT_EQ(message(directory_.string()),
            "cannot write '" + directory_.string() + "': Is a directory");
  std::ofstream(directory_ / "file") << "";
  const std::string below = (directory_ / "file" / "r.json").string();
  EXPECT_EQ(message(below), "cannot write '" + below + "': Not a directory");
  EXPECT_EQ(message("/dev/full"), "cannot write '/dev/full': No space left on device");
  // Not even root may create files there.
  EXPECT_THAT(message("/proc/report.json"), HasSubstr("cannot write '/proc/report.json': "));
  EXPECT_EQ(FilesInDirectory(), 1u);
}

}  // namespace
}  // namespace lre_audit
