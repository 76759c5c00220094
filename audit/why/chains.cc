#include "audit/why/chains.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/paths.h"
#include "base/store_path.h"
#include "base/text.h"

namespace lre_audit::why {
namespace {

// In all chains together: many long ones would be more than anybody reads, and than memory holds.
constexpr size_t kMostSteps = 200'000;

// How far it is to the goal; compared member by member.
struct Distance {
  uint32_t steps = std::numeric_limits<uint32_t>::max();
  uint32_t imprecise = 0;  // of them

  bool IsKnown() const { return steps != std::numeric_limits<uint32_t>::max(); }
  Distance Behind(const Step& step) const {
    return {steps + 1, imprecise + (IsPrecise(step.cause) ? 0 : 1)};
  }
  bool operator==(const Distance&) const = default;
  bool operator<(const Distance& other) const {
    return std::tie(steps, imprecise) < std::tie(other.steps, other.imprecise);
  }
};

// Whether the step is a library's request, or a note of one, by this name.
bool Asks(const Step& step, const std::string& name) {
  if (const auto* library = std::get_if<const LinkedLibrary*>(&step.cause)) {
    return (*library)->name == name;
  }
  if (const auto* dlopen = std::get_if<const LinkedDlopen*>(&step.cause)) {
    const std::vector<std::string>& names = (*dlopen)->sonames;
    return std::find(names.begin(), names.end(), name) != names.end();
  }
  return false;
}

class Finder {
 public:
  Finder(const Graph& graph, const Goal& goal) : graph_(graph), distances_(graph.size()) {
    MarkGoals(goal);
    WalkBack();
  }

  // Of a node that was not reached, not IsKnown().
  const Distance& From(Node node) const { return distances_[node]; }

  // Appends the shortest chains that go on from `chain`, until `most` are there.
  void Follow(Chain chain, size_t most, Found& found) {
    // Depth first without recursion: for each node of the chain, how many of its steps are done.
    std::vector<size_t> done = {0};
    while (!done.empty()) {
      const Node at = chain.end();
      if (IsEnd(chain)) {
        steps_found_ += chain.steps.size();
        if (found.chains.size() == most || (steps_found_ > kMostSteps && !found.chains.empty())) {
          found.cut = true;
          return;
        }
        found.chains.push_back(chain);
      } else if (const Step* next = NextStep(at, done.back())) {
        chain.steps.push_back(next);
        done.push_back(0);
        continue;
      }
      done.pop_back();
      if (!chain.steps.empty()) chain.steps.pop_back();
    }
  }

  // What names the goal from outside it: a claim, else a mere reference.
  const Step* FirstIntoGoal() const {
    const Step* reference = nullptr;
    for (const Step& step : graph_.steps()) {
      if (!Ends(step) || distances_[step.from].steps == 0) continue;
      if (std::holds_alternative<Holds>(step.cause)) continue;
      if (IsPrecise(step.cause)) return &step;
      if (reference == nullptr) reference = &step;
    }
    return reference;
  }

  // The deepest of all that is named and would hold `path`; that the store would says nothing.
  std::string_view ClosestAbove(const std::string& path, size_t roots) const {
    std::string_view closest;
    const auto look = [&](std::string_view named) {
      if (!IsBelow(path, named) || IsWithin(nix::kDefaultStoreDirectory, named)) return;
      if (named.size() > closest.size()) closest = named;
    };
    for (const Step& step : graph_.steps()) {
      if (!std::holds_alternative<Holds>(step.cause)) look(graph_.PathOf(step.to));
    }
    for (size_t root = 0; root < roots; ++root) {
      if (const auto node = graph_.RootNode(root)) look(graph_.PathOf(*node));
    }
    return closest;
  }

 private:
  void MarkGoals(const Goal& goal) {
    if (goal.path.empty()) {
      final_steps_.resize(graph_.steps().size());
      for (size_t i = 0; i < final_steps_.size(); ++i) {
        final_steps_[i] = Asks(graph_.steps()[i], goal.name);
      }
      return;
    }
    const std::string path = graph_.Place(goal.path);
    for (Node node = 0; node < graph_.size(); ++node) {
      if (IsWithin(graph_.PathOf(node), path)) distances_[node] = {0, 0};
    }
  }

  bool IsFinal(const Step& step) const {
    return !final_steps_.empty() && final_steps_[&step - graph_.steps().data()];
  }
  bool Ends(const Step& step) const { return IsFinal(step) || distances_[step.to].steps == 0; }
  bool IsEnd(const Chain& chain) const {
    if (chain.steps.empty()) return distances_[chain.begin].steps == 0;
    return Ends(*chain.steps.back());
  }

  // Breadth first from the goals against the steps. All nodes of one round are equally far, so what
  // is left to compare between their predecessors is settled when the round is over.
  void WalkBack() {
    std::vector<Node> round, next;
    const auto reach = [&](const Step& step, const Distance& distance) {
      Distance& known = distances_[step.from];
      if (!known.IsKnown()) next.push_back(step.from);
      if (distance < known) known = distance;
    };
    for (size_t i = 0; i < final_steps_.size(); ++i) {
      const Step& step = graph_.steps()[i];
      if (final_steps_[i]) reach(step, Distance{0, 0}.Behind(step));
    }
    for (Node node = 0; node < graph_.size(); ++node) {
      if (distances_[node].steps == 0) round.push_back(node);
    }
    while (!round.empty() || !next.empty()) {
      for (const Node node : round) {
        for (const uint32_t step : graph_.StepsTo(node)) {
          reach(graph_.steps()[step], distances_[node].Behind(graph_.steps()[step]));
        }
      }
      round.clear();
      round.swap(next);
    }
  }

  // The first step at or after `done` on a shortest way from `node`; `done` is left behind it.
  const Step* NextStep(Node node, size_t& done) const {
    const auto steps = graph_.StepsFrom(node);
    while (done < steps.size()) {
      const Step& step = steps[done++];
      const Distance behind = IsFinal(step) ? Distance{0, 0} : distances_[step.to];
      if (behind.IsKnown() && behind.Behind(step) == distances_[node]) return &step;
    }
    return nullptr;
  }

  const Graph& graph_;
  std::vector<Distance> distances_;  // by node
  size_t steps_found_ = 0;           // in all chains
  std::vector<bool> final_steps_;    // by step: those that ask for the goal's name
};

// "/a/./b//../c" as "/a/c".
std::string Normalised(std::string_view path) {
  std::vector<absl::string_view> components;
  for (absl::string_view component : absl::StrSplit(ToAbsl(path), '/')) {
    if (component.empty() || component == ".") continue;
    if (component != "..") {
      components.push_back(component);
    } else if (!components.empty()) {
      components.pop_back();
    }
  }
  std::string normalised;
  for (absl::string_view component : components) absl::StrAppend(&normalised, "/", component);
  return normalised.empty() ? "/" : normalised;
}

}  // namespace

absl::StatusOr<Goal> ParseGoal(std::string_view path, std::string_view store_directory) {
  if (path.starts_with("/")) return Goal{Normalised(path), {}};
  if (nix::ParseBaseName(path.substr(0, path.find('/'))).ok()) {
    return Goal{Normalised(absl::StrCat(ToAbsl(store_directory), "/", ToAbsl(path))), {}};
  }
  if (!path.empty() && path.find('/') == std::string_view::npos) return Goal{{}, std::string(path)};
  return absl::InvalidArgumentError(absl::StrCat(
      "PATH is '", Escaped(path), "'; give an absolute path, <hash>-<name> of a store path, or a ",
      "library's name such as libz.so.1"));
}

Found FindChains(const Graph& graph, const std::vector<Root>& roots, const Goal& goal, bool all,
                 size_t most) {
  Finder finder(graph, goal);
  std::vector<Chain> begins;
  for (size_t root = 0; root < roots.size(); ++root) {
    const std::optional<Node> node = graph.RootNode(root);
    if (!node || !finder.From(*node).IsKnown()) continue;
    // That it is there, and nothing refers to it, says nothing about why.
    if (roots[root].kind == Root::Kind::kUnreferenced && finder.From(*node).steps == 0) continue;
    begins.push_back({root, *node, {}});
  }
  Found found;
  found.roots = begins.size();
  std::stable_sort(begins.begin(), begins.end(), [&](const Chain& a, const Chain& b) {
    return finder.From(a.begin) < finder.From(b.begin);
  });
  for (const Chain& begin : begins) {
    if (!all && !found.chains.empty()) break;
    finder.Follow(begin, all ? most : 1, found);
    if (found.cut) break;
  }
  if (begins.empty()) found.named_by = finder.FirstIntoGoal();
  if (begins.empty() && found.named_by == nullptr && !goal.path.empty()) {
    found.named_above = finder.ClosestAbove(graph.Place(goal.path), roots.size());
  }
  return found;
}

}  // namespace lre_audit::why
