#include "audit/why/show.h"

#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/paths.h"
#include "base/store_path.h"
#include "base/text.h"
#include "nlohmann/json.hpp"
#include "reports/numbers.h"
#include "rules/finding.h"

namespace lre_audit::why {
namespace {

template <typename... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <typename... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

// What a step rests on, in the terms that JSON promises.
struct Evidence {
  std::string how, text, by;
  uint64_t offset = 0;
  uint32_t line = 0;
};

// "gzip, tar member a/b", "UTF-16 text", "zip member a, UTF-16 text".
std::string HiddenPlace(const HiddenReference& reference) {
  return absl::StrCat(reference.container(),
                      reference.utf16() && !reference.container().empty() ? ", " : "",
                      reference.utf16() ? "UTF-16 text" : "");
}

Evidence EvidenceOf(const Step& step) {
  return std::visit(
      Overloaded{
          [](Holds) {
            return Evidence{"HOLDS", {}, {}, 0, 0};
          },
          [](const LinkedClaim* claim) {
            return Evidence{
                Claim::Kind_Name(claim->kind), claim->text, {}, claim->offset, claim->line};
          },
          [](const LinkedLibrary* library) {
            return Evidence{"NEEDED", library->name,
                            absl::StrCat(library->found_by, library->element.empty() ? "" : " ",
                                         library->element),
                            library->offset, 0};
          },
          [](const LinkedDlopen* dlopen) {
            return Evidence{"DLOPEN", absl::StrJoin(dlopen->sonames, ", "), {}, dlopen->offset, 0};
          },
          [](const StoreReference* reference) {
            return Evidence{"STORE_REFERENCE", reference->base_name(), {}, reference->offset(), 0};
          },
          [](const HiddenReference* reference) {
            return Evidence{"HIDDEN_REFERENCE", reference->base_name(), HiddenPlace(*reference),
                            reference->offset(), 0};
          }},
      step.cause);
}

// ", found by RUNPATH $ORIGIN/../lib"
std::string HowFound(const LinkedLibrary& library) {
  if (!library.found) {
    return library.found_in_process ? ", which the program has loaded" : ", found nowhere";
  }
  const std::string& by = library.found_by;
  if (by == "ABSOLUTE") return {};
  if (by == "LOADED") return ", which the program has loaded";
  if (by == "CACHE") return ", found in the loader's cache";
  if (by == "DEFAULT") return ", found in the loader's own directories";
  if (by == "LDCACHE_NOTE") return ", found by .note.nixos.ldcache";
  return absl::StrCat(", found by ", by, library.element.empty() ? "" : " ", library.element);
}

// `evidence` without the ": PATH" at its end, where the line below it shows that path.
std::string WithoutPath(std::string evidence, std::string_view path) {
  const std::string tail = absl::StrCat(": ", ToAbsl(path));
  if (evidence.size() > tail.size() && evidence.ends_with(tail)) {
    evidence.resize(evidence.size() - tail.size());
  }
  return evidence;
}

// What leads to `path`.
std::string Sentence(const Cause& cause, std::string_view path) {
  const auto at = [](uint64_t offset) {
    return offset == 0 ? std::string() : absl::StrCat(" at ", Hex(offset));
  };
  return std::visit(Overloaded{[](Holds) { return std::string("holds"); },
                               [&](const LinkedClaim* claim) {
                                 const std::string evidence = ClaimEvidence(*claim);
                                 return claim->line > 0 ? evidence : WithoutPath(evidence, path);
                               },
                               [&](const LinkedLibrary* library) {
                                 return absl::StrCat("DT_NEEDED", at(library->offset), ": ",
                                                     library->name, HowFound(*library));
                               },
                               [&](const LinkedDlopen* dlopen) {
                                 return absl::StrCat(".note.dlopen", at(dlopen->offset), ": ",
                                                     absl::StrJoin(dlopen->sonames, ", "));
                               },
                               [&](const StoreReference* reference) {
                                 return absl::StrCat("refers to it", at(reference->offset()));
                               },
                               [&](const HiddenReference* reference) {
                                 return absl::StrCat("refers to it in ", HiddenPlace(*reference),
                                                     at(reference->offset()));
                               }},
                    cause);
}

std::string_view KindName(const Root& root) {
  switch (root.kind) {
    case Root::Kind::kStorePath:
      return "STORE_PATH";
    case Root::Kind::kUnreferenced:
      return "UNREFERENCED";
    default:
      return Claim::Kind_Name(root.claim.kind);
  }
}

// What begins a chain at `path`.
std::string Sentence(const Root& root, std::string_view path) {
  switch (root.kind) {
    case Root::Kind::kStorePath:
      return "asked for";
    case Root::Kind::kUnreferenced:
      return "nothing refers to it";
    case Root::Kind::kEnvironment:
      return absl::StrCat("Env ", WithoutPath(ClaimEvidence(root.claim), path));
    case Root::Kind::kEntrypoint:
      return WithoutPath(ClaimEvidence(root.claim), path);
    case Root::Kind::kToolchain:
      break;
  }
  std::string place = root.file;
  if (root.claim.line > 0) absl::StrAppend(&place, ":", root.claim.line);
  if (root.claim.line > 0 && root.column > 0) absl::StrAppend(&place, ":", root.column);
  return absl::StrCat(place, ": ",
                      root.claim.excerpt.empty() ? root.claim.text : root.claim.excerpt);
}

class TextWriter {
 public:
  TextWriter(const Answer& answer, bool color, std::ostream& out)
      : answer_(answer), color_(color), out_(out) {}

  void WriteChain(const Chain& chain) {
    std::string indent;
    const std::string_view begin = answer_.graph->PathOf(chain.begin);
    WriteNode(Sentence((*answer_.roots)[chain.root], begin), chain.begin, chain.steps.empty(),
              indent);
    for (const Step* step : chain.steps) {
      WriteNode(Sentence(step->cause, answer_.graph->PathOf(step->to)), step->to,
                step == chain.steps.back(), indent);
    }
  }

  void WriteRest() {
    const Found& found = answer_.found;
    if (answer_.all) {
      if (!found.cut) return;
      out_ << "\nonly the first " << Grouped(found.chains.size()) << " chains are shown\n";
    } else if (found.roots > 1) {
      out_ << "\n"
           << Counted(found.roots - 1, "other root") << (found.roots == 2 ? " leads" : " lead")
           << " there too: --all shows every shortest chain\n";
    } else if (found.cut) {
      out_ << "\nother chains are as short: --all shows them\n";
    }
  }

  void WriteNothing() {
    const std::string path = Escaped(answer_.path), tree = Escaped(answer_.tree);
    out_ << "nothing leads from " << Escaped(answer_.begins) << " to " << path << " in " << tree
         << ": ";
    if (const Step* step = answer_.found.named_by; step != nullptr) {
      const Graph& graph = *answer_.graph;
      out_ << "it is named by " << Escaped(graph.PathOf(step->from)) << " ("
           << Escaped(Sentence(step->cause, answer_.goal.path))
           << "), to which nothing leads either\n";
      return;
    }
    if (!answer_.goal.name.empty()) {
      out_ << "no object needs a library of that name";
    } else if (answer_.graph->Exists(answer_.goal.path)) {
      out_ << "it is there, but nothing names it\n";
      return;
    } else {
      out_ << "it is not there, and nothing names it";
    }
    const std::string namesake = Namesake();
    out_ << (namesake.empty() ? "" : absl::StrCat("; there is ", Escaped(namesake)));
    if (const std::string_view above = answer_.found.named_above; !above.empty()) {
      out_ << "; " << Escaped(above) << ", which would hold it, is named";
    }
    out_ << "\n";
  }

 private:
  std::string Colored(const std::string& text, const char* color) const {
    return color_ ? absl::StrCat(color, text, "\x1b[0m") : text;
  }

  // What leads to the node, and the node below it; what follows goes below the node.
  void WriteNode(const std::string& sentence, Node node, bool is_last, std::string& indent) {
    out_ << indent << Escaped(sentence) << "\n" << indent << "└── ";
    const std::string path = Escaped(answer_.graph->PathOf(node));
    out_ << Colored(path, is_last ? kRed : kBold);
    out_ << (is_last ? Remark(node) : "") << "\n";
    if (indent.size() < kMostIndent) indent += "    ";
  }

  std::string Remark(Node node) const {
    if (answer_.graph->Exists(node)) return {};
    const std::string_view path = answer_.graph->PathOf(node);
    const bool is_known_place =
        answer_.is_image || !path.starts_with("/") || IsWithin(path, nix::kDefaultStoreDirectory);
    return is_known_place ? absl::StrCat("  (not in ", Escaped(answer_.tree), ")")
                          : "  (outside the store)";
  }

  // A file that is called as the one that was asked for.
  std::string Namesake() const {
    const std::string_view path = answer_.path;
    const std::string_view name = path.substr(path.rfind('/') + 1);
    if (name.empty()) return {};
    for (Node node = 0; node < answer_.graph->size(); ++node) {
      const std::string_view other = answer_.graph->PathOf(node);
      if (answer_.graph->FileOf(node) != nullptr && other.ends_with(name) &&
          other[other.size() - name.size() - 1] == '/') {
        return std::string(other);
      }
    }
    return {};
  }

  static constexpr size_t kMostIndent = 240;  // a chain of thousands is still shown in full
  static constexpr char kRed[] = "\x1b[1;31m";
  static constexpr char kBold[] = "\x1b[1m";

  const Answer& answer_;
  const bool color_;
  std::ostream& out_;
};

// Whether the subject holds what was asked for.
bool Exists(const Answer& answer) {
  if (answer.goal.name.empty()) return answer.graph->Exists(answer.goal.path);
  const std::vector<Chain>& chains = answer.found.chains;
  return !chains.empty() && answer.graph->Exists(chains.front().end());
}

}  // namespace

void WriteText(const Answer& answer, bool color, std::ostream& out) {
  TextWriter writer(answer, color, out);
  if (answer.found.chains.empty()) return writer.WriteNothing();
  for (const Chain& chain : answer.found.chains) {
    if (&chain != &answer.found.chains.front()) out << "\n";
    writer.WriteChain(chain);
  }
  writer.WriteRest();
}

void WriteJson(const Answer& answer, std::ostream& out) {
  nlohmann::json chains = nlohmann::json::array();
  for (const Chain& chain : answer.found.chains) {
    const Root& root = (*answer.roots)[chain.root];
    nlohmann::json steps = nlohmann::json::array();
    for (const Step* step : chain.steps) {
      const Evidence evidence = EvidenceOf(*step);
      steps.push_back({{"path", Escaped(answer.graph->PathOf(step->to))},
                       {"how", evidence.how},
                       {"text", Escaped(evidence.text)},
                       {"offset", evidence.offset},
                       {"line", evidence.line},
                       {"by", Escaped(evidence.by)}});
    }
    chains.push_back({{"root",
                       {{"kind", std::string(KindName(root))},
                        {"context", Escaped(root.claim.context)},
                        {"text", Escaped(root.claim.text)},
                        {"path", Escaped(answer.graph->PathOf(chain.begin))},
                        {"file", Escaped(root.file)},
                        {"line", root.claim.line},
                        {"column", root.column}}},
                      {"steps", std::move(steps)}});
  }
  nlohmann::json problems = nlohmann::json::array();
  for (const std::string& problem : answer.problems) problems.push_back(Escaped(problem));
  out << nlohmann::json{{"subject", Escaped(answer.subject)}, {"path", Escaped(answer.path)},
                        {"exists", Exists(answer)},           {"chains", std::move(chains)},
                        {"roots", answer.found.roots},        {"cut", answer.found.cut},
                        {"problems", std::move(problems)}}
             .dump(2)
      << '\n';
}

}  // namespace lre_audit::why
