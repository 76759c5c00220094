// Builds what the rules of toolchains and of agreement judge.
#ifndef LRE_AUDIT_TESTS_RULES_TOOLCHAIN_BUILDER_H_
#define LRE_AUDIT_TESTS_RULES_TOOLCHAIN_BUILDER_H_

#include <deque>
#include <string>
#include <vector>

#include "tests/rules/subject_builder.h"

namespace lre_audit {

inline const std::string kGcc = kStore + "/4m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-gcc-14.2.0";
// The same package of another evaluation.
inline const std::string kOtherGcc = kStore + "/5m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-gcc-14.3.0";
inline const std::string kThirdGcc = kStore + "/6m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-gcc-15.1.0";

// What a view says of a store path.
inline ViewTarget Seen(const Target& target, const std::string& problem = "",
                       const std::string& machine = "") {
  ViewTarget result;
  result.looked_up = true;
  result.target = target;
  result.problem = problem;
  result.machine = machine;
  return result;
}
inline ViewTarget NotLookedUp() { return ViewTarget(); }

// Files with claims and settings. Columns are 17, excerpts say the line.
class ConfigBuilder {
 public:
  // Looked up nowhere; `seen` of each view otherwise.
  ToolchainClaim Claimed(const std::string& file, uint32_t line, Claim::Kind kind,
                         const std::string& text, const std::string& context,
                         std::vector<ViewTarget> seen = {}) {
    ConfigFacts& facts = File(file);
    Claim& claim = *facts.add_claims();
    claim.set_kind(kind);
    claim.set_text(text);
    claim.set_line(line);
    claim.set_column(17);
    claim.set_context(context);
    claim.set_excerpt("\"" + context + "\": \"" + text + "\",");
    const Target target = text.starts_with(kStore + "/") ? InStore(text)
                          : text.starts_with("/")        ? Outside(text)
                                                         : Relative(text);
    return {&facts, &claim, target, std::move(seen)};
  }
  LinkedSetting Said(const std::string& file, uint32_t line, Setting::Kind kind,
                     const std::string& key, const std::string& value,
                     const std::string& context = "") {
    ConfigFacts& facts = File(file);
    Setting& setting = *facts.add_settings();
    setting.set_kind(kind);
    setting.set_key(key);
    setting.set_value(value);
    setting.set_line(line);
    setting.set_column(17);
    setting.set_context(context);
    setting.set_excerpt(key + " = " + value);
    return {&facts, &setting};
  }

 private:
  ConfigFacts& File(const std::string& path) {
    for (ConfigFacts& file : files_) {
      if (file.path() == path) return file;
    }
    files_.emplace_back().set_path(path);
    return files_.back();
  }

  std::deque<ConfigFacts> files_;  // subjects point into them
};

// A toolchain seen from one image, oci:worker:t, unless the views are edited first.
class ToolchainBuilder {
 public:
  ToolchainBuilder() {
    subject_.kind = Subject::Kind::kToolchain;
    subject_.reference = "generated-cc";
    subject_.toolchain.emplace();
    View(ToolchainView::Kind::kImage, "oci:worker:t");
  }

  ToolchainView& View(ToolchainView::Kind kind, const std::string& reference) {
    ToolchainView& view = subject_.toolchain->views.emplace_back();
    view.kind = kind;
    view.reference = reference;
    view.system = "x86_64-linux";
    return view;
  }
  std::vector<ToolchainView>& Views() { return subject_.toolchain->views; }

  // Without `seen`, every view has what is in the store.
  ToolchainBuilder& Names(const std::string& file, uint32_t line, Claim::Kind kind,
                          const std::string& text, const std::string& context = "gcc",
                          std::vector<ViewTarget> seen = {}) {
    ToolchainClaim claim = config_.Claimed(file, line, kind, text, context, std::move(seen));
    if (claim.targets.empty()) {
      const bool in_store = claim.target.place == Target::Place::kStore;
      claim.targets.assign(Views().size(), in_store ? Seen(claim.target) : NotLookedUp());
    }
    subject_.toolchain->claims.push_back(std::move(claim));
    return *this;
  }
  ToolchainBuilder& Says(const std::string& file, uint32_t line, Setting::Kind kind,
                         const std::string& key, const std::string& value) {
    subject_.toolchain->settings.push_back(config_.Said(file, line, kind, key, value));
    return *this;
  }
  ToolchainBuilder& Libc(const std::string& store_path, const std::string& name,
                         const std::string& version) {
    subject_.toolchain->c_libraries.push_back({store_path, name, version});
    return *this;
  }
  std::vector<Finding> Judged() const { return Judge(subject_); }

 private:
  Subject subject_;
  ConfigBuilder config_;
};

// What several subjects must agree about.
class AgreementBuilder {
 public:
  AgreementBuilder() {
    subject_.kind = Subject::Kind::kAgreement;
    subject_.reference = "lre-audit.textproto";
    subject_.agreement.emplace();
  }

  AgreementBuilder& Says(const std::string& file, uint32_t line, Setting::Kind kind,
                         const std::string& key, const std::string& value,
                         const std::string& context = "") {
    subject_.agreement->settings.push_back(config_.Said(file, line, kind, key, value, context));
    return *this;
  }
  AgreementBuilder& Tool(const std::string& file, uint32_t line, const std::string& name,
                         const std::string& path) {
    subject_.agreement->claims.push_back(config_.Claimed(file, line, Claim::TOOL, path, name));
    return *this;
  }
  AgreementBuilder& Image(const std::string& reference, std::vector<std::string> names,
                          const std::vector<AgreementImage::Variable>& environment) {
    AgreementImage& image = subject_.agreement->images.emplace_back();
    image.reference = reference;
    image.names = std::move(names);
    image.has_environment = !environment.empty();
    image.environment = environment;
    return *this;
  }
  LinkedAgreement& Edit() { return *subject_.agreement; }
  std::vector<Finding> Judged() const { return Judge(subject_); }

 private:
  Subject subject_;
  ConfigBuilder config_;
};

// A leak in a file of a toolchain: on a line, in no layer.
inline Leak OnLine(const std::string& rule, const std::string& path, uint32_t line,
                   const std::string& referenced, Finding::Severity severity = Finding::ERROR) {
  return {rule, path, referenced, severity, 0, line, ""};
}

}  // namespace lre_audit

#endif  // LRE_AUDIT_TESTS_RULES_TOOLCHAIN_BUILDER_H_
