// What the tests of audit/trees share: commands as oracles, a sink that
// remembers, and archives that no tool would write.
#ifndef LRE_AUDIT_TESTS_AUDIT_TREES_SUPPORT_H_
#define LRE_AUDIT_TESTS_AUDIT_TREES_SUPPORT_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "audit/trees/tree.h"
#include "tests/support/temporary_directory.h"

namespace lre_audit {

// Runs a bash command line and returns what it wrote to stdout; fails the test if it fails.
std::string Shell(const std::string& command);

std::string ReadFile(const std::string& path);
void PutFile(const std::string& path, std::string_view contents);
std::string Sha256Of(std::string_view data);

// Entries with their contents' hash.
class RecordingSink : public EntrySink {
 public:
  struct File {
    Entry entry;
    uint64_t bytes = 0;
    std::string contents;  // the first MiB
    bool complete = false;
  };
  void BeginEntry(const Entry& entry) override;
  void Data(std::string_view piece) override;
  void EndEntry(bool complete) override;

  const std::vector<File>& files() const { return files_; }
  const File* Find(std::string_view path) const;  // the last one
  std::vector<std::string> Paths() const;

 private:
  std::vector<File> files_;
  bool open_ = false;
};

// Reads a whole tar archive, pushed in pieces of `piece` bytes.
struct ReadTar {
  explicit ReadTar(std::string_view archive, size_t piece = 4096, TreeLimits limits = {});
  RecordingSink sink;
  std::vector<Problem> problems;
};

// Writes tar archives field by field, right or wrong.
class TarBuilder {
 public:
  struct Header {
    std::string name = {};
    char type = '0';
    std::string link = {};
    std::string mode = "0000644", uid = "0000000", gid = "0000000", mtime = "00000000001";
    std::string size = {};  // the field as written; empty: of the data
    std::string magic = std::string(
        "ustar\0"
        "00",
        8);
    std::string checksum = {};  // empty: the right one
  };
  TarBuilder& Add(const Header& header, std::string_view data = {});
  TarBuilder& File(const std::string& name, std::string_view data);
  TarBuilder& Pax(const std::vector<std::pair<std::string, std::string>>& records, char type = 'x');
  TarBuilder& Raw(std::string_view bytes);
  TarBuilder& End();  // two zero blocks
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// All problems as "kind@offset message" lines, for messages of failed expectations.
std::string Describe(const std::vector<Problem>& problems);
bool HasProblem(const std::vector<Problem>& problems, Problem::Kind kind,
                std::string_view part_of_message = {});

}  // namespace lre_audit

#endif  // LRE_AUDIT_TESTS_AUDIT_TREES_SUPPORT_H_
