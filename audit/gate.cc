#include "audit/gate.h"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/audit.h"
#include "audit/compare/compare_contents.h"
#include "audit/link/agreement_image.h"
#include "audit/link/link_toolchain.h"
#include "audit/link/view.h"
#include "audit/nix/path_store.h"
#include "audit/store_subject.h"
#include "audit/toolchain/read_config.h"
#include "audit/toolchain/read_toolchain.h"
#include "audit/trees/tree.h"
#include "base/read_file.h"
#include "base/status.h"
#include "base/store_path.h"
#include "base/text.h"
#include "rules/rule.h"

namespace lre_audit {
namespace {

// The largest configuration file that is read; flake.lock files of thousands of inputs have 1 MiB.
constexpr uint64_t kMaxConfigSize = 64 << 20;

// Bazelrc files that import each other are read once each; no sane workspace has so many.
constexpr size_t kMaxImports = 1000;

absl::StatusOr<std::string> ReadConfiguration(const std::string& path) {
  std::error_code ignored;
  // It would be waited for, and nobody may write to it.
  if (std::filesystem::is_fifo(path, ignored)) {
    return absl::InvalidArgumentError("is a fifo, expected a file; save it to a file first");
  }
  return ReadFile(path, kMaxConfigSize);
}

struct ExaminedImage {
  const GateRequest::Image* named;
  std::unique_ptr<Tree> tree;
  AuditRequest request;
  ExaminedTree examined;
  std::unique_ptr<View> view;
  AgreementImage agreement;
};

struct LinkedToolchainOf {
  const GateRequest::Toolchain* named;
  ToolchainFacts facts;
};

// One run of the gate: what was read so far, and what was found.
class Gate {
 public:
  explicit Gate(const GateRequest& request) : request_(request) {}

  // Every path that is audited, in the order of the report.
  absl::StatusOr<Report> Run() {
    for (const std::string& problem : request_.problems) AddProblem(request_.reference, problem);
    for (const GateRequest::Toolchain& toolchain : request_.toolchains) {
      LRE_RETURN_IF_ERROR(ReadOne(toolchain));
    }
    for (const GateRequest::Image& image : request_.images) {
      LRE_RETURN_IF_ERROR(ExamineImage(image));
    }
    for (const GateRequest::Store& store : request_.stores) LRE_RETURN_IF_ERROR(AuditStore(store));
    ReadConfigurations();

    request_.on_phase("comparing");
    LRE_RETURN_IF_ERROR(CompareImagesWithLocal());

    request_.on_phase("judging");
    for (const ExaminedImage& image : images_) {
      AddFindings(Judge(image.examined.subject));
      Describe(image.request, image.examined, &report_);
    }
    for (const LinkedToolchainOf& toolchain : toolchains_) {
      LRE_RETURN_IF_ERROR(JudgeToolchain(toolchain));
    }
    for (const ConfigFacts& file : configurations_) JudgeTools(file);
    if (!HasSomethingToCompare()) {
      AddProblem(request_.reference,
                 "nothing was compared: there is no toolchain, image or store, and no MODULE.bazel "
                 "with a flake.lock; name what is missing in lre-audit.textproto");
    }
    JudgeAgreement();

    DropRepetitions();
    // The policy has its say over all subjects at once, and what there is to say of the policy.
    AddFindings(request_.policy->Apply(findings_));
    SortFindings(findings_);
    for (Finding& finding : findings_) *report_.add_findings() = std::move(finding);
    return std::move(report_);
  }

 private:
  void AddFindings(std::vector<Finding> findings) {
    std::move(findings.begin(), findings.end(), std::back_inserter(findings_));
  }

  // Something that was asked for cannot be read: told as LRE901, and the rest goes on.
  void AddProblem(const std::string& where, std::string message) {
    problems_.push_back({LinkedProblem::Kind::kUnreadable, where, std::move(message), {}, {}, 0});
  }

  absl::Status ReadOne(const GateRequest::Toolchain& named) {
    request_.on_phase("reading toolchains");
    absl::StatusOr<ToolchainFacts> facts = ReadToolchain(named.directory);
    if (!facts.ok()) {
      // A directory that is there and holds no toolchain could not be audited as one.
      if (request_.refuses_missing && absl::IsNotFound(facts.status())) return facts.status();
      AddProblem(named.directory, std::string(facts.status().message()));
      return absl::OkStatus();
    }
    toolchains_.push_back({&named, *std::move(facts)});
    return absl::OkStatus();
  }

  absl::Status ExamineImage(const GateRequest::Image& named) {
    OpenOptions open;
    open.platform = named.platform;
    open.registry = request_.registry;
    open.store = named.closure.empty() ? request_.local : named.closure;
    absl::StatusOr<std::unique_ptr<Tree>> tree = OpenImage(named.reference, open);
    if (!tree.ok()) {
      if (request_.refuses_missing) return tree.status();
      AddProblem(named.reference, std::string(tree.status().message()));
      return absl::OkStatus();
    }
    ExaminedImage& image = images_.emplace_back();
    image.named = &named;
    image.tree = *std::move(tree);
    image.request = RequestFor(*image.tree, Subject::Kind::kImage);
    image.request.closure = open.store;
    image.request.closure_is_local = named.closure.empty();
    LRE_ASSIGN_OR_RETURN(image.examined, Examine(image.request));
    image.view = ViewOfImage(*image.examined.merged, image.examined.subject);
    image.agreement = AgreementImageOf(*image.tree, image.examined.subject);
    return absl::OkStatus();
  }

  absl::Status AuditStore(const GateRequest::Store& named) {
    absl::StatusOr<OpenedStore> store = OpenStoreSubject(named.paths, named.root);
    if (!store.ok()) {
      AddProblem(named.root.empty() ? "/nix/store" : named.root,
                 std::string(store.status().message()));
      return absl::OkStatus();
    }
    AuditRequest request = RequestFor(*store->tree, Subject::Kind::kStore);
    request.known_closure = &store->closure;
    LRE_ASSIGN_OR_RETURN(const ExaminedTree examined, Examine(request));
    AddFindings(Judge(examined.subject));
    Describe(request, examined, &report_);
    return absl::OkStatus();
  }

  AuditRequest RequestFor(const Tree& tree, Subject::Kind kind) const {
    AuditRequest request;
    request.kind = kind;
    request.tree = &tree;
    request.trusted_keys = request_.trusted_keys;
    request.policy = request_.policy;
    request.jobs = request_.jobs;
    request.cache = request_.cache;
    request.on_bytes = request_.on_bytes;
    request.on_phase = request_.on_phase;
    uint64_t total = 0;
    for (const Tree::Part& part : tree.parts()) total += part.size_hint;
    request_.on_total(total);
    return request;
  }

  // The text of a configuration file, or a problem.
  std::optional<std::string> ReadText(const std::string& path) {
    absl::StatusOr<std::string> text = ReadConfiguration(path);
    if (text.ok()) return *std::move(text);
    AddProblem(path, std::string(text.status().message()));
    return std::nullopt;
  }

  template <typename Read>
  void ReadAll(const std::vector<std::string>& paths, const Read& read) {
    for (const std::string& path : paths) {
      if (const auto text = ReadText(path)) AddConfiguration(read(path, *text), text->size());
    }
  }

  void AddConfiguration(ConfigFacts facts, size_t size) {
    for (const ConfigDefect& defect : facts.defects()) {
      AddProblem(facts.path(), defect.message());
      problems_.back().line = defect.line();
      problems_.back().column = defect.column();
    }
    Statistics* statistics = report_.mutable_statistics();
    statistics->set_files(statistics->files() + 1);
    statistics->set_bytes(statistics->bytes() + static_cast<double>(size));
    ReportSubject* subject = config_subjects_.add_subjects();
    subject->set_kind(ReportSubject::CONFIGURATION);
    subject->set_reference(facts.path());
    configurations_.push_back(std::move(facts));
  }

  // Bazelrc files and what they import, each once. What a try-import names need not be there.
  void ReadBazelrcs() {
    std::set<std::string> seen;
    std::deque<std::pair<std::string, bool>> open;  // path, must be there
    for (const std::string& path : request_.bazelrcs) open.emplace_back(path, true);
    while (!open.empty() && seen.size() < kMaxImports) {
      const auto [path, must_exist] = open.front();
      open.pop_front();
      if (!seen.insert(path).second) continue;
      absl::StatusOr<std::string> text = ReadConfiguration(path);
      if (!text.ok()) {
        if (must_exist || !absl::IsNotFound(text.status())) {
          AddProblem(path, std::string(text.status().message()));
        }
        continue;
      }
      AddConfiguration(ReadBazelrc(path, *text), text->size());
      for (const Setting& setting : configurations_.back().settings()) {
        if (setting.kind() == Setting::IMPORT) {
          open.emplace_back(setting.value(), setting.key() == "import");
        }
      }
    }
  }

  void ReadConfigurations() {
    request_.on_phase("reading configurations");
    ReadBazelrcs();
    ReadAll(request_.modules, ReadModuleBazel);
    ReadAll(request_.flake_locks, ReadFlakeLock);
    // What a manifest sets in a worker's environment, its configuration reads.
    const size_t first_manifest = configurations_.size();
    ReadAll(request_.manifests, ReadManifest);
    std::map<std::string, std::string> environment = request_.environment;
    for (size_t i = first_manifest; i < configurations_.size(); ++i) {
      for (const Setting& setting : configurations_[i].settings()) {
        if (setting.kind() == Setting::ENVIRONMENT) {
          environment.emplace(setting.key(), setting.value());
        }
      }
    }
    ReadAll(request_.workers, [&](const std::string& path, const std::string& text) {
      return ReadWorkerConfig(path, text, environment);
    });
  }

  // The first file that differs in each store path that an image holds with other contents than
  // the local store: only a store has files to compare with.
  absl::Status CompareImagesWithLocal() {
    const std::string local = request_.local.empty() ? "store:" : request_.local;
    if (!nix::IsPathStore(local)) return absl::OkStatus();
    for (ExaminedImage& image : images_) {
      Subject& subject = image.examined.subject;
      if (subject.closure_kind != Subject::ClosureKind::kDefault) continue;
      LRE_ASSIGN_OR_RETURN(std::vector<ContentDifference> found,
                           CompareContents(*image.tree, subject.store_paths, local, request_.jobs));
      std::move(found.begin(), found.end(), std::back_inserter(agreement_.differences));
      subject.contents_compared = true;
    }
    return absl::OkStatus();
  }

  // The images that a toolchain's tools run in: those that are named for it; else those whose name
  // its platform asks for; else all.
  std::vector<const ExaminedImage*> ImagesOf(const LinkedToolchainOf& toolchain) const {
    std::vector<const ExaminedImage*> named, asked_for, all;
    for (const ExaminedImage& image : images_) {
      all.push_back(&image);
      const std::vector<std::string>& references = toolchain.named->images;
      if (std::find(references.begin(), references.end(), image.named->reference) !=
          references.end()) {
        named.push_back(&image);
      }
      if (AsksFor(toolchain.facts, image.agreement)) asked_for.push_back(&image);
    }
    return !named.empty() ? named : !asked_for.empty() ? asked_for : all;
  }

  // Whether a platform's container-image has the name of the image, whatever the tag.
  static bool AsksFor(const ToolchainFacts& facts, const AgreementImage& image) {
    for (const ConfigFacts& file : facts.files) {
      for (const Setting& setting : file.settings()) {
        if (setting.kind() != Setting::CONTAINER_IMAGE) continue;
        for (const std::string& name : image.names) {
          if (ImageName(setting.value()) == ImageName(name)) return true;
        }
      }
    }
    return false;
  }

  // "lre-cc" of "docker://lre-cc:TAG".
  static std::string_view ImageName(std::string_view reference) {
    if (const size_t scheme = reference.find("://"); scheme != std::string_view::npos) {
      reference.remove_prefix(scheme + 3);
    }
    const size_t slash = reference.rfind('/');
    const size_t colon = reference.find_first_of(":@", slash == reference.npos ? 0 : slash);
    return reference.substr(0, colon);
  }

  // The local side as far as the toolchain names its paths; null where there is none.
  absl::StatusOr<std::unique_ptr<View>> LocalView(const ToolchainFacts& facts) const {
    const std::vector<std::string> paths = StorePathsOf(facts);
    LRE_ASSIGN_OR_RETURN(ClosureChoice choice, ChooseClosure(request_.local, paths));
    if (choice.kind == Subject::ClosureKind::kDerived) return std::unique_ptr<View>();
    return ViewOfClosure(
        std::move(choice.closure), nix::StoreRootOf(request_.local).value_or(""),
        request_.local.empty() ? ToolchainView::Kind::kDefaultLocal : ToolchainView::Kind::kLocal);
  }

  static std::vector<std::string> StorePathsOf(const ToolchainFacts& facts) {
    std::set<std::string> paths;
    for (const ConfigFacts& file : facts.files) {
      for (const Claim& claim : file.claims()) {
        const auto path = nix::StorePathOf(claim.text(), nix::kDefaultStoreDirectory);
        if (path) paths.emplace(*path);
      }
    }
    return {paths.begin(), paths.end()};
  }

  absl::Status JudgeToolchain(const LinkedToolchainOf& toolchain) {
    std::vector<const View*> views;
    for (const ExaminedImage* image : ImagesOf(toolchain)) views.push_back(image->view.get());
    LRE_ASSIGN_OR_RETURN(const std::unique_ptr<View> local, LocalView(toolchain.facts));
    if (local != nullptr) views.push_back(local.get());

    const Subject subject =
        LinkToolchain(toolchain.facts, std::string(nix::kDefaultStoreDirectory), views);
    AddFindings(Judge(subject));
    for (const ToolchainClaim& claim : subject.toolchain->claims) {
      if (claim.claim->kind() == Claim::TOOL) agreement_.claims.push_back(claim);
    }
    agreement_.settings.insert(agreement_.settings.end(), subject.toolchain->settings.begin(),
                               subject.toolchain->settings.end());

    ReportSubject* described = report_.add_subjects();
    described->set_kind(ReportSubject::TOOLCHAIN);
    described->set_reference(toolchain.facts.directory);
    std::string against;
    for (const View* view : views) {
      absl::StrAppend(&against, against.empty() ? "" : ", ", view->description().reference);
    }
    described->set_closure(
        against.empty() ? "no image and no local closure that knows its store paths" : against);
    Statistics* statistics = report_.mutable_statistics();
    statistics->set_files(statistics->files() + static_cast<double>(toolchain.facts.files_read));
    statistics->set_bytes(statistics->bytes() + static_cast<double>(toolchain.facts.bytes));
    return absl::OkStatus();
  }

  // A tool that a bazelrc sets, or a directory in its PATH, leaks as a toolchain's do. Whether
  // store paths are there is asked of the toolchain alone: both come from the same Env.
  void JudgeTools(const ConfigFacts& file) {
    if (file.claims().empty()) return;
    ToolchainFacts facts;
    facts.directory = file.path();
    facts.files.emplace_back().set_path(file.path());
    *facts.files.back().mutable_claims() = file.claims();
    AddFindings(Judge(LinkToolchain(facts, std::string(nix::kDefaultStoreDirectory), {})));
  }

  // Whether CLEAN can mean something: a bazelrc, a worker or a manifest alone agrees with nothing.
  bool HasSomethingToCompare() const {
    return !request_.toolchains.empty() || !request_.images.empty() || !request_.stores.empty() ||
           (!request_.modules.empty() && !request_.flake_locks.empty());
  }

  void JudgeAgreement() {
    for (const ConfigFacts& file : configurations_) {
      for (const Setting& setting : file.settings()) {
        agreement_.settings.push_back({&file, &setting});
      }
    }
    for (const ExaminedImage& image : images_) agreement_.images.push_back(image.agreement);
    Subject subject;
    subject.kind = Subject::Kind::kAgreement;
    subject.reference = request_.reference;
    subject.problems = std::move(problems_);
    subject.agreement = std::move(agreement_);
    AddFindings(Judge(subject));
    report_.mutable_subjects()->MergeFrom(config_subjects_.subjects());
  }

  // That the local side lacks a store path which the toolchain names (LRE602) says more than that
  // the image alone has it (LRE604).
  void DropRepetitions() {
    std::set<std::string> lacking;
    for (const Finding& finding : findings_) {
      if (finding.rule() == "LRE602") lacking.insert(finding.referenced());
    }
    std::erase_if(findings_, [&](const Finding& finding) {
      return finding.rule() == "LRE604" && lacking.contains(finding.path());
    });
  }

  const GateRequest& request_;
  std::deque<ExaminedImage> images_;  // linked subjects point into these
  std::deque<LinkedToolchainOf> toolchains_;
  std::deque<ConfigFacts> configurations_;
  LinkedAgreement agreement_;
  std::vector<LinkedProblem> problems_;
  std::vector<Finding> findings_;
  Report report_;
  Report config_subjects_;  // named after the trees and toolchains
};

}  // namespace

absl::StatusOr<Report> RunGate(const GateRequest& request) { return Gate(request).Run(); }

}  // namespace lre_audit
