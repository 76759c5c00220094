#include "audit/compare/compare_toolchains.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "audit/compare/findings.h"
#include "audit/compare/packages.h"
#include "audit/link/link_toolchain.h"
#include "base/paths.h"
#include "base/store_path.h"
#include "base/text.h"

namespace lre_audit {
namespace {

// The facts with paths below the toolchain's directory, so that two directories can be compared.
ToolchainFacts Relative(const ToolchainFacts& facts) {
  std::string_view directory = facts.directory;
  while (directory.size() > 1 && directory.ends_with('/')) directory.remove_suffix(1);
  ToolchainFacts relative = facts;
  for (ConfigFacts& file : relative.files) {
    const std::string path = file.path();
    if (IsBelow(path, directory)) file.set_path(path.substr(directory.size() + 1));
  }
  return relative;
}

// Where something is said and what it is for; the values that are said there, in the file's order.
struct Role {
  std::string file, name;
  bool is_tool = false;
  auto operator<=>(const Role&) const = default;
};
// Values in the file's order, once each.
struct Values {
  std::vector<std::string> in_order;
  std::set<std::string> all;
};
using Sayings = std::map<Role, Values>;

Role RoleOf(const ConfigFacts& file, const Claim& claim) {
  const auto role = [&](std::string name, bool is_tool = false) {
    if (!claim.system().empty()) absl::StrAppend(&name, " for ", claim.system());
    return Role{file.path(), std::move(name), is_tool};
  };
  switch (claim.kind()) {
    case Claim::TOOL:
      return role(claim.context(), true);
    case Claim::INCLUDE_DIRECTORY:
      return role("include directory");
    case Claim::FLAG:
      return role("flag");
    default:
      return role("script");
  }
}

std::string NameOf(const Setting& setting) {
  std::string name = setting.key();
  if (name.empty()) name = absl::AsciiStrToLower(Setting::Kind_Name(setting.kind()));
  std::replace(name.begin(), name.end(), '_', setting.key().empty() ? '-' : '_');
  if (!setting.context().empty()) absl::StrAppend(&name, " of ", setting.context());
  return name;
}

Sayings SayingsOf(const ToolchainFacts& facts) {
  Sayings sayings;
  const auto add = [&](Role role, const std::string& value) {
    Values& values = sayings[std::move(role)];
    if (values.all.insert(value).second) values.in_order.push_back(value);
  };
  for (const ConfigFacts& file : facts.files) {
    for (const Claim& claim : file.claims()) {
      const bool whole_flag = claim.kind() == Claim::FLAG && !claim.context().empty();
      add(RoleOf(file, claim), whole_flag ? claim.context() : claim.text());
    }
    for (const Setting& setting : file.settings()) {
      add({file.path(), NameOf(setting), false}, setting.value());
    }
  }
  return sayings;
}

// `value` with each store path as its package's name, and without numbers: equal for one thing of
// two versions.
std::string WithoutVersions(std::string_view value) {
  std::string masked;
  for (size_t i = 0; i < value.size();) {
    if ((i == 0 || value[i - 1] == '/') && nix::StartsWithHash(value.substr(i))) {
      const std::string_view base_name = BaseNameAt(value.substr(i));
      masked += PackageOf(base_name).name;
      i += base_name.size();
    } else if (absl::ascii_isdigit(static_cast<unsigned char>(value[i]))) {
      const size_t end = std::min(value.find_first_not_of("0123456789.", i), value.size());
      masked += '#';
      i = end;
    } else {
      masked += value[i++];
    }
  }
  return masked;
}

using Pair = std::pair<std::string, std::string>;

std::vector<std::string> OnlyIn(const Values& values, const Values& others) {
  std::vector<std::string> only;
  for (const std::string& value : values.in_order) {
    if (!others.all.contains(value)) only.push_back(value);
  }
  return only;
}

// What is said on one side only, paired where it is one thing in two versions, or the only one.
std::vector<Pair> PairUp(const Values& a, const Values& b) {
  const std::vector<std::string> only_a = OnlyIn(a, b), only_b = OnlyIn(b, a);
  if (only_a.size() == 1 && only_b.size() == 1) return {{only_a[0], only_b[0]}};
  std::map<std::string, std::deque<const std::string*>> candidates;
  for (const std::string& value : only_b) candidates[WithoutVersions(value)].push_back(&value);
  std::set<const std::string*> paired;
  std::vector<Pair> pairs;
  for (const std::string& value : only_a) {
    auto& matches = candidates[WithoutVersions(value)];
    pairs.emplace_back(value, matches.empty() ? "" : *matches.front());
    if (matches.empty()) continue;
    paired.insert(matches.front());
    matches.pop_front();
  }
  for (const std::string& value : only_b) {
    if (!paired.contains(&value)) pairs.emplace_back("", value);
  }
  return pairs;
}

void CompareSayings(const Sayings& a, const Sayings& b, Comparison* comparison) {
  const PackageMoves moves(comparison->packages());
  Sayings all = a;
  all.insert(b.begin(), b.end());
  double moved = 0;
  const auto values = [](const Sayings& side, const Role& role) {
    const auto found = side.find(role);
    return found == side.end() ? Values() : found->second;
  };
  for (const auto& entry : all) {
    const Role& role = entry.first;
    for (const Pair& pair : PairUp(values(a, role), values(b, role))) {
      if (moves.Explain(pair.first, pair.second)) {
        ++moved;
        continue;
      }
      const auto fill = [&](auto* difference) {
        difference->set_name(absl::StrCat(role.file, ": ", role.name));
        difference->set_a(pair.first);
        difference->set_b(pair.second);
      };
      if (role.is_tool) {
        fill(comparison->add_tools());
      } else {
        fill(comparison->add_settings());
      }
    }
  }
  comparison->mutable_counts()->set_moved(moved);
}

SizedPaths StorePathsOf(const ToolchainFacts& facts) {
  SizedPaths paths;
  for (const ConfigFacts& file : facts.files) {
    for (const Claim& claim : file.claims()) {
      const auto path = nix::StorePathOf(claim.text(), nix::kDefaultStoreDirectory);
      if (path) paths.emplace(*path, 0);
    }
  }
  return paths;
}

void AddDefects(const Side& side, const ToolchainFacts& facts, Comparison* comparison) {
  for (const ConfigFacts& file : facts.files) {
    for (const ConfigDefect& defect : file.defects()) {
      std::string where = absl::StrCat(side.reference, ": ", file.path());
      if (defect.line() > 0) absl::StrAppend(&where, ":", defect.line(), ":", defect.column());
      comparison->add_problems(absl::StrCat(where, ": ", defect.message()));
    }
  }
}

}  // namespace

void CompareToolchains(const CompareRequest& request, Comparison* comparison) {
  request.on_phase("comparing");
  const ToolchainFacts a = Relative(request.a->toolchain), b = Relative(request.b->toolchain);
  const SizedPaths paths_a = StorePathsOf(a), paths_b = StorePathsOf(b);
  for (PackageDifference& package : ComparePackages(paths_a, paths_b)) {
    *comparison->add_packages() = std::move(package);
  }
  CompareSayings(SayingsOf(a), SayingsOf(b), comparison);

  AddDefects(*request.a, a, comparison);
  AddDefects(*request.b, b, comparison);
  // Without a view nothing is looked up: what remains is what leads out of the store.
  const auto judged = [&](const ToolchainFacts& facts) {
    std::vector<std::string> known;  // the defects
    return JudgeSide(LinkToolchain(facts, std::string(nix::kDefaultStoreDirectory), {}),
                     *request.policy, &known);
  };
  CompareFindings(judged(a), judged(b), comparison);
  comparison->mutable_a()->set_store_paths(static_cast<double>(paths_a.size()));
  comparison->mutable_b()->set_store_paths(static_cast<double>(paths_b.size()));
  comparison->set_compared("what their files say, by file and role");
}

}  // namespace lre_audit
