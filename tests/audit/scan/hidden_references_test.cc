// References that Nix cannot see: planted with real tools, beside their nearest innocent
// neighbours, and within limits.
#include "audit/scan/hidden_references.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/audit/trees/support.h"
#include "tests/support/store_paths.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Scanned {
  std::vector<std::string> references;  // "<container>[ UTF-16]@<offset> <store path>"
  std::vector<std::string> defects;
};

FileFacts Scan(HiddenReferenceScanner& scanner, std::string_view data, size_t piece = 65536) {
  FileFacts facts;
  scanner.Begin(&facts);
  for (size_t i = 0; i < data.size(); i += std::min(piece, data.size() - i)) {
    const std::string bytes(data.substr(i, piece));
    scanner.Data(bytes);
  }
  scanner.End();
  return facts;
}

Scanned Scan(std::string_view data, size_t piece = 65536, const HiddenLimits& limits = {}) {
  MemoryBudget budget(1 << 20);
  HiddenReferenceScanner scanner(kStore, budget, limits);
  const FileFacts facts = Scan(scanner, data, piece);
  Scanned scanned;
  for (const HiddenReference& reference : facts.hidden_references()) {
    scanned.references.push_back(reference.container() + (reference.utf16() ? " UTF-16" : "") +
                                 "@" + std::to_string(reference.offset()) + " " + kStore + "/" +
                                 reference.base_name());
  }
  for (const Defect& defect : facts.defects()) {
    EXPECT_EQ(defect.kind(), Defect::LIMIT);
    scanned.defects.push_back(defect.message());
  }
  return scanned;
}

class HiddenReferencesTest : public testing::Test {
 protected:
  // The file `out`, made in a directory that holds `note` (a reference behind "see ") and `other`.
  std::string Make(const std::string& command) {
    Shell("cd " + scratch_.path() + " && rm -rf * && printf 'see %s/lib\\n' " + kZlib +
          " > note && seq 1 100000 > other && " + command);
    return ReadFile(scratch_ / "out");
  }
  TemporaryDirectory scratch_;
};

TEST_F(HiddenReferencesTest, Planted) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"gzip -c note > out", "gzip@4 "},
      {"(gzip -c other; gzip -c note) > out", "gzip@588899 "},
      {"xz -c note > out", "xz@4 "},
      {"(xz -c other; xz -c note) > out", "xz@588899 "},
      {"zstd -qc note > out", "zstd@4 "},
      {"bzip2 -c note > out", "bzip2@4 "},
      {"zip -q out.zip other note && mv out.zip out", "zip member note@4 "},
      {"python3 -m zipfile -c out other note", "zip member note@4 "},
      // As jar writes it, with sizes that follow the data.
      {"mkdir x && mv note x && zip -qr -fd - other x | cat > out", "zip member x/note@4 "},
      {"tar czf out other note", "gzip, tar member note@4 "},
      {"ln -s " + kZlib + " link && tar cJf out other link", "xz, tar member link@0 "},
      // What is packed inside each other, also in an archive that Nix sees itself.
      {"xz note && tar czf out other note.xz", "gzip, tar member note.xz, xz@4 "},
      {"xz note && tar cf out other note.xz", "tar member note.xz, xz@4 "},
      {"gzip note && zip -q out.zip other note.gz && mv out.zip out",
       "zip member note.gz, gzip@4 "},
      // Behind something else.
      {"(printf '#!/bin/sh\\n'; zip -q - note | cat) > out", "zip member note@4 "},
      {"(printf '#!/bin/sh\\nexec java -jar \"$0\" \"$@\"\\n'; zip -q - note | cat) > out",
       "zip member note@4 "},
      {"(echo '#!/bin/sh'; seq 4000; gzip -c note) > out", "gzip@4 "},
      {"(echo '#!/bin/sh'; seq 4000; gzip -c note) > run && tar cf out other run",
       "tar member run, gzip@4 "},
      {"(echo '#!/bin/sh'; seq 4000; zip -q - note | cat) > run && gzip -c run > out",
       "gzip, zip member note@4 "},
      {"(echo '#!/bin/sh'; echo exit; tar cJf - other note) > out", "xz, tar member note@4 "},
      {"zip -q note.zip note && cat /bin/true note.zip > out", "zip member note@4 "},
      {"gzip note && cat /bin/true note.gz > out", "gzip@4 "},
      // UTF-16, in the file and in what is packed.
      {"iconv -t UTF-16LE note > out", " UTF-16@8 "},
      {"iconv -t UTF-16BE note > out", " UTF-16@9 "},
      {"(printf x; iconv -t UTF-16LE note) > out", " UTF-16@9 "},
      {"(cat other; iconv -t UTF-16 note) > out", " UTF-16@588905 "},
      {"iconv -t UTF-16LE note | gzip > out", "gzip UTF-16@8 "},
  };
  for (const auto& [command, expected] : cases) {
    const std::string file = Make(command);
    for (const size_t piece : {size_t{65536}, size_t{4093}, size_t{1}}) {
      const Scanned scanned = Scan(file, piece);
      EXPECT_THAT(scanned.references, ElementsAre(expected + kZlib))
          << command << ", pieces of " << piece;
      EXPECT_THAT(scanned.defects, IsEmpty()) << command;
    }
  }
}

TEST_F(HiddenReferencesTest, Neighbours) {
  for (const std::string& command : std::vector<std::string>{
           // What Nix sees is not hidden.
           "cp note out", "tar cf out other note", "cat /bin/true note > out",
           // Nothing in it.
           "gzip -c other > out", "zip -q out.zip other && mv out.zip out", ": | gzip > out",
           // It looks packed, and is not.
           "printf '\\037\\213\\010' > out", "(printf '\\037\\213\\010'; cat note) > out",
           "(printf 'PK\\3\\4'; cat note) > out", "(printf '\\375\\067zXZ\\0'; cat note) > out",
           "(printf '\\050\\265\\057\\375'; cat note) > out",
           "(printf 'BZh91AY&SY'; cat note) > out",
           // Cut before the reference, or damaged.
           "cat other note | gzip > x && head -c 1000 x > out",
           "gzip -c note > x && head -c 12 x > out",
           "xz -c note > x && (head -c 24 x; head -c 99 /dev/zero) > out"}) {
    const std::string file = Make(command);
    for (const size_t piece : {size_t{65536}, size_t{1}}) {
      const Scanned scanned = Scan(file, piece);
      EXPECT_THAT(scanned.references, IsEmpty()) << command;
      EXPECT_THAT(scanned.defects, IsEmpty()) << command;
    }
  }
}

TEST_F(HiddenReferencesTest, WhatComesBeforeTheDamageCounts) {
  EXPECT_THAT(Scan(Make("cat note other | gzip > x && head -c 50000 x > out")).references,
              ElementsAre("gzip@4 " + kZlib));
}

TEST_F(HiddenReferencesTest, OneOfEachWhereItIsFirst) {
  const std::string twice = Make("cat note note | gzip > out");
  EXPECT_THAT(Scan(twice).references, ElementsAre("gzip@4 " + kZlib));
  // By base name.
  const std::string two = Make("(printf '" + kZlib + " " + kGlibc + " '; cat note) | gzip > out");
  EXPECT_THAT(
      Scan(two).references,
      ElementsAre("gzip@" + std::to_string(kZlib.size() + 1) + " " + kGlibc, "gzip@0 " + kZlib));
}

TEST_F(HiddenReferencesTest, DepthIsLimited) {
  const std::string command = "cp note n && for i in 1 2 3 4";
  EXPECT_THAT(Scan(Make(command + "; do gzip n; mv n.gz n; done; mv n out")).references,
              ElementsAre("gzip, gzip, gzip, gzip@4 " + kZlib));
  const Scanned deeper = Scan(Make(command + " 5; do gzip n; mv n.gz n; done; mv n out"));
  EXPECT_THAT(deeper.references, IsEmpty());
  EXPECT_THAT(deeper.defects, ElementsAre(HasSubstr("more than 4 deep")));
}

TEST_F(HiddenReferencesTest, BombsEnd) {
  // 300 MB of zeros: from xz and zstd more than 2,000 times their size.
  const std::string zeros = "head -c 300000000 /dev/zero | ";
  EXPECT_THAT(Scan(Make(zeros + "zstd -qc > out")).defects,
              ElementsAre(HasSubstr("more than 2000 times as many")));
  EXPECT_THAT(
      Scan(Make("head -c 300000000 /dev/zero > z && python3 -c 'import zipfile\n"
                "with zipfile.ZipFile(\"out\", \"w\", zipfile.ZIP_BZIP2) as z: z.write(\"z\")'"))
          .defects,
      ElementsAre(HasSubstr("more than 2000 times as many")));
  HiddenLimits limits;
  limits.file_bytes = 1 << 20;
  for (const std::string& command :
       std::vector<std::string>{"gzip -1 -c other other > out",
                                "cp other more && zip -q out.zip other more && mv out.zip out",
                                "truncate -s 9000000 holes && tar cSf out holes"}) {
    EXPECT_THAT(Scan(Make(command), 65536, limits).defects,
                ElementsAre(HasSubstr("more than 1048576 bytes come out of it")))
        << command;
  }
}

TEST_F(HiddenReferencesTest, WhatAllFilesOfAPartTogetherMakeIsLimited) {
  const std::string file = Make("gzip -c other > out");
  HiddenLimits limits;
  limits.part_bytes = 1'000'000;
  MemoryBudget budget(1 << 20);
  HiddenReferenceScanner scanner(kStore, budget, limits);
  EXPECT_EQ(Scan(scanner, file).defects_size(), 0);
  const FileFacts second = Scan(scanner, file);
  ASSERT_EQ(second.defects_size(), 1);
  EXPECT_THAT(second.defects(0).message(), HasSubstr("this file and those before it"));
}

TEST_F(HiddenReferencesTest, ManyReferencesAreLimited) {
  HiddenLimits limits;
  limits.references = 1;
  const std::string two = Make("(cat note; printf '" + kGlibc + "') | gzip > out");
  const Scanned scanned = Scan(two, 65536, limits);
  EXPECT_THAT(scanned.references, ElementsAre(HasSubstr(kGlibc)));
  EXPECT_THAT(scanned.defects, ElementsAre(HasSubstr("more than 1 store paths")));
}

TEST_F(HiddenReferencesTest, LargeWindowsAreForOneFileAtATime) {
  // Decoded past 8 MiB, the file holds the budget's large window until its end.
  const std::string large = Make("(head -c 20000000 /dev/zero; cat note) | xz > out");
  MemoryBudget budget(1 << 20);
  HiddenReferenceScanner scanner(kStore, budget);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Scan(scanner, large).hidden_references_size(), 1);
    budget.AcquireLargeWindow();  // waits for ever if the file before has kept it
    budget.ReleaseLargeWindow();
  }
}

}  // namespace
}  // namespace lre_audit
