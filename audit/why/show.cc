#include "audit/why/show.h"

#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/paths.h"
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

std::string Sentence(const Step& step) {
  const auto at = [](uint64_t offset) {
    return offset == 0 ? std::string() : absl::StrCat(" at ", Hex(offset));
  };
  return std::visit(Overloaded{[](Holds) { return std::string("holds"); },
                               [](const LinkedClaim* claim) { return ClaimEvidence(*claim); },
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
                               }},
                    step.cause);
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

// Of a store path or file that is itself the root, what makes it one.
std::string_view WhyItIsRoot(const Root& root) {
  switch (root.kind) {
    case Root::Kind::kStorePath:
      return "asked for";
    case Root::Kind::kUnreferenced:
      return "nothing refers to it";
    default:
      return {};
  }
}

std::string Sentence(const Root& root) {
  switch (root.kind) {
    case Root::Kind::kEnvironment:
      return absl::StrCat("Env ", ClaimEvidence(root.claim));
    case Root::Kind::kToolchain: {
      std::string place = root.file;
      if (root.claim.line > 0) absl::StrAppend(&place, ":", root.claim.line);
      if (root.claim.line > 0 && root.column > 0) absl::StrAppend(&place, ":", root.column);
      return absl::StrCat(place, ": ",
                          root.claim.excerpt.empty() ? root.claim.text : root.claim.excerpt);
    }
    default:
      return ClaimEvidence(root.claim);
  }
}

class TextWriter {
 public:
  TextWriter(const Answer& answer, bool color, std::ostream& out)
      : answer_(answer), color_(color), out_(out) {}

  void WriteChain(const Chain& chain) {
    const Root& root = (*answer_.roots)[chain.root];
    std::string indent;
    if (const std::string_view why = WhyItIsRoot(root); !why.empty()) {
      out_ << Path(chain.begin, chain.steps.empty()) << "  (" << why << ")\n";
    } else {
      out_ << Escaped(Sentence(root)) << "\n";
      WriteNode(chain.begin, chain.steps.empty(), indent);
    }
    for (size_t i = 0; i < chain.steps.size(); ++i) {
      const Step& step = *chain.steps[i];
      out_ << indent << Escaped(Sentence(step)) << "\n";
      WriteNode(step.to, i + 1 == chain.steps.size(), indent);
    }
  }

  void WriteRest() {
    const Found& found = answer_.found;
    if (found.cut) {
      out_ << "\nonly the first " << Grouped(found.chains.size()) << " chains are shown\n";
    } else if (found.roots > found.chains.size()) {
      const size_t others = found.roots - found.chains.size();
      out_ << "\n"
           << Grouped(others) << (others == 1 ? " other root leads" : " other roots lead")
           << " there too: --all shows every shortest chain\n";
    }
  }

  void WriteNothing() {
    const std::string path = Escaped(answer_.path), subject = Escaped(answer_.subject);
    const Step* step = answer_.found.named_by;
    if (step != nullptr) {
      out_ << "nothing leads to " << path << " in " << subject << ", though "
           << Escaped(answer_.graph->PathOf(step->from)) << " names it ("
           << Escaped(Sentence(*step)) << "): no root leads to that file\n";
      return;
    }
    out_ << "nothing leads to " << path << " in " << subject << ": "
         << (answer_.exists ? "it is there, but nothing names it"
                            : "it is not there, and nothing names it");
    if (const std::string other = Namesake(); !answer_.exists && !other.empty()) {
      out_ << "; there is " << Escaped(other);
    }
    out_ << "\n";
  }

 private:
  std::string Colored(const std::string& text, const char* color) const {
    return color_ ? absl::StrCat(color, text, "\x1b[0m") : text;
  }

  std::string Path(Node node, bool is_last) const {
    const std::string path = Escaped(answer_.graph->PathOf(node));
    return is_last ? Colored(path, "\x1b[1;31m") : Colored(path, "\x1b[1m");
  }

  // The node below what leads to it; what follows goes below the node.
  void WriteNode(Node node, bool is_last, std::string& indent) {
    out_ << indent << "└── " << Path(node, is_last);
    if (is_last && !answer_.exists) out_ << "  (not in " << Escaped(answer_.subject) << ")";
    out_ << "\n";
    indent += "    ";
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

  const Answer& answer_;
  const bool color_;
  std::ostream& out_;
};

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
  out << nlohmann::json{{"subject", Escaped(answer.subject)},
                        {"path", Escaped(answer.path)},
                        {"exists", answer.exists},
                        {"chains", std::move(chains)},
                        {"roots", answer.found.roots},
                        {"cut", answer.found.cut},
                        {"problems", std::move(problems)}}
             .dump(2)
      << '\n';
}

}  // namespace lre_audit::why
