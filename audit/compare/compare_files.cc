#include "audit/compare/compare_files.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "audit/compare/elf_changes.h"
#include "audit/nix/nar.h"
#include "base/paths.h"
#include "base/text.h"

namespace lre_audit {
namespace {

using File = ContentIndex::File;

// Files whose first difference is looked up: about 20 MB of excerpts for each side.
constexpr size_t kMostExcerpts = 4096;
constexpr size_t kShownLine = 120;  // bytes of a line that is told
constexpr size_t kShownBytes = 8;   // of a binary

const char* KindName(Entry::Type type) {
  switch (type) {
    case Entry::Type::kRegular:
    case Entry::Type::kHardlink:
      return "file";
    case Entry::Type::kDirectory:
      return "directory";
    case Entry::Type::kSymlink:
      return "symlink";
    case Entry::Type::kCharacterDevice:
      return "character device";
    case Entry::Type::kBlockDevice:
      return "block device";
    case Entry::Type::kFifo:
      return "fifo";
    case Entry::Type::kSocket:
      return "socket";
    default:
      return "unknown";
  }
}

std::string KindOf(const File& file) {
  return file.type == Entry::Type::kSymlink ? "symlink to " + file.target : KindName(file.type);
}

std::string Octal(uint32_t mode) { return absl::StrFormat("%04o", mode); }

void AddChange(FileDifference* difference, std::string what, std::string a, std::string b) {
  Change* change = difference->add_changes();
  change->set_what(std::move(what));
  change->set_a(std::move(a));
  change->set_b(std::move(b));
}

uint64_t FirstBlockThatDiffers(const File& a, const File& b) {
  const auto [in_a, in_b] =
      std::mismatch(a.digests.begin(), a.digests.end(), b.digests.begin(), b.digests.end());
  return (in_a - a.digests.begin()) / ContentIndex::kDigestSize;
}

// No control characters that text does not have. Nothing at all is text too.
bool LooksLikeText(std::string_view bytes) {
  return std::none_of(bytes.begin(), bytes.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r' &&
           c != '\f' && c != '\x1b';
  });
}

// The line of `bytes` that holds position `at`, shortened around it.
std::string LineAround(std::string_view bytes, size_t at) {
  size_t begin = at == 0 ? 0 : bytes.rfind('\n', at - 1) + 1;  // npos + 1 is 0
  size_t end = std::min(bytes.find('\n', at), bytes.size());
  std::string before, after;
  if (end - begin > kShownLine) {
    if (at - begin > kShownLine / 3) {
      begin = at - kShownLine / 3;
      before = "...";
    }
    if (end - begin > kShownLine) {
      end = begin + kShownLine;
      after = "...";
    }
  }
  return absl::StrCat(before, ToAbsl(bytes.substr(begin, end - begin)), after);
}

std::string HexBytes(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes.substr(0, kShownBytes)) {
    absl::StrAppend(&hex, hex.empty() ? "" : " ",
                    absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
  }
  return hex;
}

// Fills in where and how the contents differ, from excerpts of the same block of both.
void DescribeContents(const Excerpt& a, const Excerpt& b, bool may_be_text, Change* change) {
  const auto [in_a, in_b] =
      std::mismatch(a.bytes.begin(), a.bytes.end(), b.bytes.begin(), b.bytes.end());
  const size_t at = in_a - a.bytes.begin();
  change->set_offset(static_cast<double>(a.offset + at));
  if (!may_be_text || !LooksLikeText(a.bytes) || !LooksLikeText(b.bytes)) {
    change->set_a(HexBytes(std::string_view(a.bytes).substr(at)));
    change->set_b(HexBytes(std::string_view(b.bytes).substr(at)));
    return;
  }
  const uint64_t line = a.newlines_before + std::count(a.bytes.begin(), in_a, '\n') + 1;
  change->set_line(static_cast<uint32_t>(std::min<uint64_t>(line, UINT32_MAX)));
  change->set_a(LineAround(a.bytes, at));
  change->set_b(LineAround(b.bytes, at));
}

class Comparer {
 public:
  Comparer(const FilesSide& a, const FilesSide& b) : a_(a), b_(b) {}

  std::vector<FileDifference> Run(int jobs) {
    auto a = a_.index->files.begin(), a_end = a_.index->files.end();
    auto b = b_.index->files.begin(), b_end = b_.index->files.end();
    while (a != a_end || b != b_end) {
      if (b == b_end || (a != a_end && nix::NarLess(a->path, b->path))) {
        a = OnOneSide(a, a_end, /*in_a=*/true);
      } else if (a == a_end || nix::NarLess(b->path, a->path)) {
        b = OnOneSide(b, b_end, /*in_a=*/false);
      } else {
        const bool was_directory = a->type == Entry::Type::kDirectory;
        const bool kinds_differ = a->type != b->type;
        OnBoth(*a, *b);
        // What a directory held is gone with it.
        const std::string directory = a->path;
        ++a, ++b;
        if (!kinds_differ) continue;
        auto& rest = was_directory ? a : b;
        const auto end = was_directory ? a_end : b_end;
        while (rest != end && IsBelow(rest->path, directory)) ++rest;
      }
    }
    Explain(jobs);
    return std::move(differences_);
  }

 private:
  using Position = std::vector<File>::const_iterator;

  // Contents that differ, still to be looked at.
  struct Pending {
    size_t difference;
    int change;
    ExcerptRequest a, b;
    bool may_be_text = false;
  };

  FileDifference& Add(const std::string& path) {
    FileDifference& difference = differences_.emplace_back();
    difference.set_path(path);
    return difference;
  }

  Position OnOneSide(Position at, Position end, bool in_a) {
    const File& file = *at;
    size_t held = 0;
    for (++at; file.type == Entry::Type::kDirectory && at != end && IsBelow(at->path, file.path);
         ++at) {
      ++held;
    }
    std::string kind = KindOf(file);
    if (held > 0) absl::StrAppend(&kind, " of ", held, held == 1 ? " entry" : " entries");
    AddChange(&Add(file.path), "presence", in_a ? kind : "", in_a ? "" : kind);
    return at;
  }

  void OnBoth(const File& a, const File& b) {
    FileDifference difference;
    difference.set_path(a.path);
    std::vector<Pending> pending;
    if (a.type != b.type) {
      AddChange(&difference, "kind", KindOf(a), KindOf(b));
    } else if (a.type == Entry::Type::kSymlink) {
      if (a.target != b.target) AddChange(&difference, "symlink target", a.target, b.target);
    } else {
      CompareModes(a, b, &difference);
      if (a.type == Entry::Type::kRegular) CompareContents(a, b, &difference, pending);
    }
    if (difference.changes_size() == 0) return;
    differences_.push_back(std::move(difference));
    pending_.insert(pending_.end(), pending.begin(), pending.end());
  }

  void CompareModes(const File& a, const File& b, FileDifference* difference) const {
    if (!a.described || !b.described || a.mode == b.mode) return;
    // The only bit that a NAR keeps.
    const bool executable = a.type == Entry::Type::kRegular && ((a.mode ^ b.mode) & 0100) != 0;
    if (!executable && !(a_.tree->has_modes() && b_.tree->has_modes())) return;
    AddChange(difference, executable ? "executable bit" : "mode", Octal(a.mode), Octal(b.mode));
  }

  void CompareContents(const File& a, const File& b, FileDifference* difference,
                       std::vector<Pending>& pending) const {
    // What could not be read to its end is a problem of its side, and no difference.
    if (!a.complete || !b.complete) return;
    if (a.size == b.size && a.digests == b.digests) return;
    const ElfFacts* elf_a = a_.elf(a.path);
    const ElfFacts* elf_b = b_.elf(b.path);
    const int before = difference->changes_size();
    if (elf_a != nullptr && elf_b != nullptr) AppendElfChanges(*elf_a, *elf_b, difference);
    if (difference->changes_size() > before) return;
    const uint64_t block = FirstBlockThatDiffers(a, b);
    AddChange(difference, "contents", "", "");
    Change& change = *difference->mutable_changes()->rbegin();
    change.set_offset(static_cast<double>(block * kContentBlock));
    change.set_size_a(static_cast<double>(a.size));
    change.set_size_b(static_cast<double>(b.size));
    pending.push_back({differences_.size(),
                       difference->changes_size() - 1,
                       {a.content, block},
                       {b.content, block},
                       !a.has_nul && !b.has_nul});
  }

  void Explain(int jobs) {
    if (pending_.size() > kMostExcerpts) pending_.resize(kMostExcerpts);
    std::vector<ExcerptRequest> in_a, in_b;
    for (const Pending& pending : pending_) {
      in_a.push_back(pending.a);
      in_b.push_back(pending.b);
    }
    if (pending_.empty()) return;
    const auto from_a = ReadExcerpts(*a_.tree, in_a, jobs);
    const auto from_b = ReadExcerpts(*b_.tree, in_b, jobs);
    for (const Pending& pending : pending_) {
      const auto a = from_a.find(pending.a);
      const auto b = from_b.find(pending.b);
      if (a == from_a.end() || b == from_b.end()) continue;
      DescribeContents(a->second, b->second, pending.may_be_text,
                       differences_[pending.difference].mutable_changes(pending.change));
    }
  }

  const FilesSide& a_;
  const FilesSide& b_;
  std::vector<FileDifference> differences_;
  std::vector<Pending> pending_;
};

}  // namespace

std::vector<FileDifference> CompareFiles(const FilesSide& a, const FilesSide& b, int jobs) {
  return Comparer(a, b).Run(jobs);
}

}  // namespace lre_audit
