#include "audit/nix/references.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>

#include "base/store_path.h"
#include "tests/audit/nix/nix_fixture.h"

namespace lre_audit::nix {
namespace {

constexpr std::string_view kAlphabet = "0123456789abcdfghijklmnpqrsvwxyz";
constexpr std::string_view kHash = "8nri6bp3l4wf5fkrxwj4r1dxbh5ng1gn";
constexpr std::string_view kOther = "vcb1spzy0w6h1d1cz0yzmhqysg4aqnlh";

using References = std::vector<std::pair<uint64_t, std::string>>;

struct Found {
  References references;
  std::vector<uint64_t> windows;
  bool limit_reached = false;
  bool operator==(const Found&) const = default;
};

// Straight from the definition: every window of the whole input, one by one.
Found ByDefinition(std::string_view data, std::string_view store_directory) {
  const std::string prefix = std::string(store_directory) + "/";
  std::set<uint64_t> windows;
  std::set<std::string> seen;
  Found found;
  for (size_t i = 0; i + kHashLength <= data.size(); ++i) {
    const std::string_view window = data.substr(i, kHashLength);
    if (window.find_first_not_of(kAlphabet) != std::string_view::npos) continue;
    windows.insert(HashFingerprint(window));
    if (i < prefix.size() || data.substr(i - prefix.size(), prefix.size()) != prefix) continue;
    size_t end = i + kHashLength;
    if (end >= data.size() || data[end] != '-') continue;
    const size_t name = ++end;
    while (end < data.size() && end - name < kMaxNameLength &&
           (isalnum(static_cast<unsigned char>(data[end])) ||
            std::string_view("+-._?=").find(data[end]) != std::string_view::npos)) {
      ++end;
    }
    const std::string base_name(data.substr(i, end - i));
    if (end > name && seen.insert(base_name).second) {
      found.references.emplace_back(i - prefix.size(), base_name);
    }
  }
  found.windows.assign(windows.begin(), windows.end());
  return found;
}

Found Collect(ReferenceScanner& scanner) {
  ReferenceScanner::Result result = scanner.Finish();
  Found found;
  for (auto& reference : result.references) {
    found.references.emplace_back(reference.offset, reference.base_name);
  }
  found.windows = result.windows;
  found.limit_reached = result.limit_reached;
  return found;
}

Found Scan(std::string_view data, std::string_view store_directory, size_t piece_size) {
  ReferenceScanner scanner(store_directory);
  for (size_t i = 0; i < data.size(); i += piece_size) scanner.Update(data.substr(i, piece_size));
  return Collect(scanner);
}

void ExpectEverySplit(std::string_view data, std::string_view store_directory) {
  const Found expected = ByDefinition(data, store_directory);
  EXPECT_EQ(Scan(data, store_directory, data.size() + 1), expected);
  for (size_t piece_size = 1; piece_size <= 70; ++piece_size) {
    ASSERT_EQ(Scan(data, store_directory, piece_size), expected) << "pieces of " << piece_size;
  }
  for (size_t split = 0; split <= data.size(); ++split) {
    ReferenceScanner scanner(store_directory);
    scanner.Update(data.substr(0, split));
    scanner.Update(data.substr(split));
    ASSERT_EQ(Collect(scanner), expected) << "split at " << split;
  }
}

std::string Chain(std::initializer_list<std::string_view> parts) {
  std::string whole;
  for (std::string_view part : parts) whole += part;
  return whole;
}

TEST(ReferenceScanner, WhereAReferenceStands) {
  const std::string path = Chain({"/nix/store/", kHash, "-make-4.3"});
  const Found found =
      Scan(Chain({"RUNPATH=", path, "/lib:", path, "/lib64\n/nix/store/", kOther, "-x"}),
           "/nix/store", 1000);
  EXPECT_EQ(found.references,
            (References{{8, Chain({kHash, "-make-4.3"})}, {124, Chain({kOther, "-x"})}}));
  EXPECT_EQ(found.windows.size(), 2u);
}

TEST(ReferenceScanner, EverySplitOfAdversarialInputs) {
  const std::string path = Chain({"/nix/store/", kHash, "-n"});
  const std::string many(200, '0');
  for (const std::string& data : {std::string(),
                                  std::string("/nix/store/"),
                                  std::string(kHash),
                                  path,
                                  Chain({path, path}),
                                  Chain({path, "/", path}),
                                  Chain({kHash, kOther}),
                                  Chain({kHash.substr(1), "e", kHash}),
                                  Chain({"/nix/store/", kHash, "-"}),
                                  Chain({"/nix/store/", kHash, "-/x"}),
                                  Chain({"/nix/store/", kHash, "x-name"}),
                                  Chain({"/nix/store/x", kHash, "-name"}),
                                  Chain({"/nix/store/", kHash}),
                                  Chain({"/nix/store//nix/store/", kHash, "-a+b._?=-Z"}),
                                  Chain({"/nix/store/", kHash.substr(1), "-name"}),
                                  Chain({"/nix/store-", kHash, "-n"}),
                                  Chain({"nix/store/", kHash, "-name"}),
                                  many,
                                  Chain({many, "e", many}),
                                  Chain({path, std::string(210, 'a')}),
                                  Chain({path, std::string(300, 'e')}),
                                  Chain({path, std::string(209, 'e'), "/nix/store/", kOther, "-b"}),
                                  Chain({path, std::string(211, 'e'), path, "2"})}) {
    SCOPED_TRACE(data);
    ExpectEverySplit(data, "/nix/store");
  }
  ExpectEverySplit(Chain({"/s/", kHash, "-a/s/", kOther, "-b"}), "/s");
  ExpectEverySplit(Chain({"//", kHash, "-a/", kOther, "-b"}), "");
}

TEST(ReferenceScanner, EverySplitOfRandomInputs) {
  std::mt19937 random(7);
  const std::string path = Chain({"/nix/store/", kHash, "-n"});
  for (int round = 0; round < 60; ++round) {
    std::string data;
    while (data.size() < 500) {
      switch (random() % 7) {
        case 0:
          data += path;
          break;
        case 1:
          data += Chain({"/nix/store/", kOther});
          break;
        case 2:
          data += path.substr(random() % path.size(), random() % 40);
          break;
        case 3:
          data.push_back(static_cast<char>(random()));
          break;
        case 4:
          data += "-name.so";
          break;
        default:
          for (size_t n = random() % 45; n > 0; --n) data.push_back(kAlphabet[random() % 32]);
          if (random() % 2 == 0) data.push_back('e');
      }
    }
    ExpectEverySplit(data, "/nix/store");
    if (HasFailure()) return;
  }
}

TEST(ReferenceScanner, RandomPiecesOfMuchData) {
  std::mt19937 random(8);
  std::string data(300000, '\0');
  for (char& c : data) c = static_cast<char>(random());
  for (int i = 0; i < 300; ++i) {
    std::string hash(kHashLength, '0');
    for (char& c : hash) c = kAlphabet[random() % 32];
    const std::string path = Chain({"/nix/store/", hash, "-package-1.0/bin"});
    data.replace(random() % (data.size() - 100), path.size(), path);
  }
  const Found expected = ByDefinition(data, "/nix/store");
  EXPECT_GT(expected.references.size(), 250u);
  for (int round = 0; round < 20; ++round) {
    ReferenceScanner scanner("/nix/store");
    for (size_t i = 0; i < data.size();) {
      const size_t size = random() % (1u << random() % 16);
      scanner.Update(std::string_view(data).substr(i, size));
      i += size;
    }
    ASSERT_EQ(Collect(scanner), expected);
  }
}

// More windows than are kept: the same ones, whatever the pieces.
TEST(ReferenceScanner, LimitKeepsTheSmallest) {
  std::mt19937 random(9);
  std::string data(50000, '0');
  for (char& c : data) c = kAlphabet[random() % 32];
  Found expected = ByDefinition(data, "/nix/store");
  ASSERT_GT(expected.windows.size(), 40000u);
  for (size_t limit : {size_t{0}, size_t{1}, size_t{100}, size_t{20000}}) {
    for (size_t piece_size : {size_t{100}, size_t{50000}}) {
      ReferenceScanner scanner("/nix/store", limit);
      for (size_t i = 0; i < data.size(); i += piece_size) {
        scanner.Update(std::string_view(data).substr(i, piece_size));
      }
      const Found found = Collect(scanner);
      EXPECT_TRUE(found.limit_reached);
      EXPECT_EQ(found.windows,
                std::vector<uint64_t>(expected.windows.begin(), expected.windows.begin() + limit));
    }
  }
  ReferenceScanner exact("/nix/store", expected.windows.size());
  exact.Update(data);
  exact.Update(data);
  const Found all = Collect(exact);
  EXPECT_EQ(all.windows.size(), expected.windows.size());
  EXPECT_TRUE(all.limit_reached ==
              (ByDefinition(data + data, "/nix/store").windows.size() > expected.windows.size()));
}

TEST(ReferenceScanner, ReferencesAreBounded) {
  ReferenceScanner scanner("/nix/store", 1000);
  std::string hash(kHashLength, '0');
  for (int i = 0; i < 260000; ++i) {
    for (int n = 0, value = i; n < 4; ++n, value /= 32) hash[n] = kAlphabet[value % 32];
    scanner.Update(Chain({"/nix/store/", hash, "-x "}));
  }
  const Found found = Collect(scanner);
  EXPECT_TRUE(found.limit_reached);
  EXPECT_EQ(found.references.size(), 250000u);
  EXPECT_EQ(found.references.back().first, 249999u * 46);
}

TEST(HashFingerprint, DistinctAndSafeForAnyLength) {
  std::set<uint64_t> fingerprints;
  std::string hash(kHash);
  for (size_t i = 0; i < kHashLength; ++i) {
    for (char c : kAlphabet) {
      std::string changed = hash;
      changed[i] = c;
      fingerprints.insert(HashFingerprint(changed));
    }
  }
  EXPECT_EQ(fingerprints.size(), 1 + kHashLength * 31);
  EXPECT_NE(HashFingerprint(""), HashFingerprint("0"));
}

// What Nix found when it built these paths is what the scan finds in their files.
TEST(ReferenceScanner, FindsWhatNixRecorded) {
  const NixStore store(NixStore::Layout::kOwnDirectory);
  store.Fill();
  const std::vector<std::string> paths = store.ValidPaths();
  ASSERT_GE(paths.size(), 6u);
  size_t found_references = 0;
  for (const std::string& path : paths) {
    if (path.ends_with(".drv")) continue;  // references of a derivation are declared, not scanned
    ReferenceScanner scanner(store.store_directory());
    scanner.Update(store.Run("nix-store --dump " + path));
    const Found found = Collect(scanner);
    std::set<std::string> expected;
    for (const std::string& line : Lines(store.Run("nix-store -q --references " + path))) {
      expected.insert(line);
    }
    std::set<std::string> actual;
    for (const std::string& candidate : paths) {
      const std::string base_name = candidate.substr(candidate.rfind('/') + 1);
      if (std::binary_search(found.windows.begin(), found.windows.end(),
                             HashFingerprint(base_name.substr(0, kHashLength)))) {
        actual.insert(candidate);
      }
    }
    EXPECT_EQ(actual, expected) << path;
    found_references += actual.size();
  }
  EXPECT_GE(found_references, 5u);
}

}  // namespace
}  // namespace lre_audit::nix
