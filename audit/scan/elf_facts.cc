#include "audit/scan/elf_facts.h"

namespace lre_audit {
namespace {

using FactsText = ElfFacts::Text;

void Put(const elf::Text& text, FactsText* out) {
  out->set_value(text.value);
  out->set_offset(text.offset);
}

elf::Text Get(const FactsText& text) { return {text.value(), text.offset()}; }

template <typename Texts>
void PutAll(const std::vector<elf::Text>& texts, Texts* out) {
  for (const elf::Text& text : texts) Put(text, out->Add());
}

template <typename Texts>
std::vector<elf::Text> GetAll(const Texts& texts) {
  std::vector<elf::Text> out;
  out.reserve(texts.size());
  for (const FactsText& text : texts) out.push_back(Get(text));
  return out;
}

void PutDefaults(const elf::LoaderDefaults& defaults, ElfFacts::LoaderDefaults* out) {
  out->set_musl(defaults.kind == elf::LoaderDefaults::Kind::kMusl);
  out->set_version(defaults.version);
  PutAll(defaults.system_directories, out->mutable_system_directories());
  if (defaults.cache) Put(*defaults.cache, out->mutable_cache());
  PutAll(defaults.preload, out->mutable_preload());
  out->set_lib(defaults.lib);
  out->set_platform(defaults.platform);
}

elf::LoaderDefaults GetDefaults(const ElfFacts::LoaderDefaults& facts) {
  elf::LoaderDefaults defaults;
  defaults.kind =
      facts.musl() ? elf::LoaderDefaults::Kind::kMusl : elf::LoaderDefaults::Kind::kGlibc;
  defaults.version = facts.version();
  defaults.system_directories = GetAll(facts.system_directories());
  if (facts.has_cache()) defaults.cache = Get(facts.cache());
  defaults.preload = GetAll(facts.preload());
  defaults.lib = facts.lib();
  defaults.platform = facts.platform();
  return defaults;
}

}  // namespace

void ToFacts(const elf::Object& object, ElfFacts* facts) {
  facts->set_is_64(object.is_64);
  facts->set_is_little_endian(object.is_little_endian);
  facts->set_type(object.type);
  facts->set_machine(object.machine);
  facts->set_osabi(object.osabi);
  facts->set_has_dynamic(object.has_dynamic);
  if (object.interpreter) Put(*object.interpreter, facts->mutable_interpreter());
  if (object.soname) Put(*object.soname, facts->mutable_soname());
  PutAll(object.needed, facts->mutable_needed());
  if (object.rpath) Put(*object.rpath, facts->mutable_rpath());
  if (object.runpath) Put(*object.runpath, facts->mutable_runpath());
  PutAll(object.audit, facts->mutable_audit());
  PutAll(object.depaudit, facts->mutable_depaudit());
  PutAll(object.filter, facts->mutable_filter());
  PutAll(object.auxiliary, facts->mutable_auxiliary());
  facts->set_flags(object.flags);
  facts->set_flags_1(object.flags_1);
  for (const elf::VersionNeed& need : object.version_needs) {
    ElfFacts::VersionNeed* out = facts->add_version_needs();
    out->set_library(need.library);
    out->set_version(need.version);
    out->set_weak(need.weak);
  }
  for (const std::string& version : object.version_definitions) {
    facts->add_version_definitions(version);
  }
  facts->set_has_symbol_versions(object.has_symbol_versions);
  for (const elf::LdCacheEntry& entry : object.ld_cache) {
    ElfFacts::LdCacheEntry* out = facts->add_ld_cache();
    out->set_directory(entry.kind == elf::LdCacheEntry::Kind::kDirectory);
    out->set_name(entry.name);
    Put(entry.path, out->mutable_path());
  }
  for (const elf::DlopenNeed& need : object.dlopen_needs) {
    ElfFacts::DlopenNeed* out = facts->add_dlopen_needs();
    for (const std::string& soname : need.sonames) out->add_sonames(soname);
    out->set_feature(need.feature);
    out->set_priority(static_cast<int>(need.priority));
    out->set_offset(need.offset);
  }
  for (const elf::ViewDifference& difference : object.view_differences) {
    ElfFacts::ViewDifference* out = facts->add_view_differences();
    out->set_what(difference.what);
    out->set_segments(difference.segments);
    out->set_sections(difference.sections);
    out->set_offset(difference.offset);
  }
  if (object.loader_defaults) {
    PutDefaults(*object.loader_defaults, facts->mutable_loader_defaults());
  }
  facts->set_build_id(object.build_id);
  const elf::Refusal& refusal = object.refusal;
  if (!refusal.glibc.empty() || !refusal.musl.empty()) {
    facts->mutable_refusal()->set_glibc(refusal.glibc);
    facts->mutable_refusal()->set_musl(refusal.musl);
    facts->mutable_refusal()->set_before_class(refusal.before_class);
    facts->mutable_refusal()->set_before_machine(refusal.before_machine);
  }
}

elf::Object FromFacts(const ElfFacts& facts) {
  elf::Object object;
  object.is_64 = facts.is_64();
  object.is_little_endian = facts.is_little_endian();
  object.type = facts.type();
  object.machine = facts.machine();
  object.osabi = facts.osabi();
  object.has_dynamic = facts.has_dynamic();
  if (facts.has_interpreter()) object.interpreter = Get(facts.interpreter());
  if (facts.has_soname()) object.soname = Get(facts.soname());
  object.needed = GetAll(facts.needed());
  if (facts.has_rpath()) object.rpath = Get(facts.rpath());
  if (facts.has_runpath()) object.runpath = Get(facts.runpath());
  object.audit = GetAll(facts.audit());
  object.depaudit = GetAll(facts.depaudit());
  object.filter = GetAll(facts.filter());
  object.auxiliary = GetAll(facts.auxiliary());
  object.flags = facts.flags();
  object.flags_1 = facts.flags_1();
  for (const ElfFacts::VersionNeed& need : facts.version_needs()) {
    object.version_needs.push_back({need.library(), need.version(), need.weak()});
  }
  for (const std::string& version : facts.version_definitions()) {
    object.version_definitions.push_back(version);
  }
  object.has_symbol_versions = facts.has_symbol_versions();
  for (const ElfFacts::LdCacheEntry& entry : facts.ld_cache()) {
    object.ld_cache.push_back(
        {entry.directory() ? elf::LdCacheEntry::Kind::kDirectory : elf::LdCacheEntry::Kind::kFile,
         entry.name(), Get(entry.path())});
  }
  for (const ElfFacts::DlopenNeed& need : facts.dlopen_needs()) {
    elf::DlopenNeed out;
    out.sonames.assign(need.sonames().begin(), need.sonames().end());
    out.feature = need.feature();
    out.priority = static_cast<elf::DlopenNeed::Priority>(need.priority());
    out.offset = need.offset();
    object.dlopen_needs.push_back(std::move(out));
  }
  for (const ElfFacts::ViewDifference& difference : facts.view_differences()) {
    object.view_differences.push_back(
        {difference.what(), difference.segments(), difference.sections(), difference.offset()});
  }
  if (facts.has_loader_defaults()) object.loader_defaults = GetDefaults(facts.loader_defaults());
  object.build_id = facts.build_id();
  object.refusal = {facts.refusal().glibc(), facts.refusal().musl(), facts.refusal().before_class(),
                    facts.refusal().before_machine()};
  return object;
}

}  // namespace lre_audit
