#include "audit/scan/elf_facts.h"

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <string>
#include <tuple>

namespace lre_audit::elf {

// Field by field, for this test: a member added to a struct makes its list too short to compile.
template <typename... Fields>
auto Tie(const Fields&... fields) {
  return std::tie(fields...);
}
bool operator==(const Text& a, const Text& b) { return a.value == b.value && a.offset == b.offset; }
bool operator==(const VersionNeed& a, const VersionNeed& b) {
  const auto& [library, version, weak] = b;
  return Tie(a.library, a.version, a.weak) == Tie(library, version, weak);
}
bool operator==(const LdCacheEntry& a, const LdCacheEntry& b) {
  const auto& [kind, name, path] = b;
  return a.kind == kind && a.name == name && a.path == path;
}
bool operator==(const DlopenNeed& a, const DlopenNeed& b) {
  const auto& [sonames, feature, priority, offset] = b;
  return Tie(a.sonames, a.feature, a.priority, a.offset) == Tie(sonames, feature, priority, offset);
}
bool operator==(const ViewDifference& a, const ViewDifference& b) {
  const auto& [what, segments, sections, offset] = b;
  return Tie(a.what, a.segments, a.sections, a.offset) == Tie(what, segments, sections, offset);
}
bool operator==(const LoaderDefaults& a, const LoaderDefaults& b) {
  const auto& [kind, version, system_directories, cache, preload, lib, platform] = b;
  return a.kind == kind && a.version == version && a.system_directories == system_directories &&
         a.cache == cache && a.preload == preload && a.lib == lib && a.platform == platform;
}
bool operator==(const Refusal& a, const Refusal& b) {
  const auto& [glibc, musl, before_class, before_machine] = b;
  return Tie(a.glibc, a.musl, a.before_class, a.before_machine) ==
         Tie(glibc, musl, before_class, before_machine);
}
bool operator==(const Object& a, const Object& b) {
  const auto& [is_64, is_little_endian, type, machine, osabi, has_dynamic, interpreter, soname,
               needed, rpath, runpath, audit, depaudit, filter, auxiliary, flags, flags_1,
               version_needs, version_definitions, has_symbol_versions, ld_cache, dlopen_needs,
               view_differences, loader_defaults, build_id, refusal, defects] = b;
  (void)defects;  // facts of the file
  return a.is_64 == is_64 && a.is_little_endian == is_little_endian && a.type == type &&
         a.machine == machine && a.osabi == osabi && a.has_dynamic == has_dynamic &&
         a.interpreter == interpreter && a.soname == soname && a.needed == needed &&
         a.rpath == rpath && a.runpath == runpath && a.audit == audit && a.depaudit == depaudit &&
         a.filter == filter && a.auxiliary == auxiliary && a.flags == flags &&
         a.flags_1 == flags_1 && a.version_needs == version_needs &&
         a.version_definitions == version_definitions &&
         a.has_symbol_versions == has_symbol_versions && a.ld_cache == ld_cache &&
         a.dlopen_needs == dlopen_needs && a.view_differences == view_differences &&
         a.loader_defaults == loader_defaults && a.build_id == build_id && a.refusal == refusal;
}

}  // namespace lre_audit::elf

namespace lre_audit {
namespace {

// Every member set, and to another value than its neighbours.
elf::Object FullObject() {
  elf::Object object;
  object.is_64 = true;
  object.is_little_endian = false;
  object.type = 2;
  object.machine = 183;
  object.osabi = 3;
  object.has_dynamic = true;
  object.interpreter = {"interpreter", 1};
  object.soname = {"soname", 2};
  object.needed = {{"needed", 3}, {"needed too", 4}};
  object.rpath = {"rpath", 5};
  object.runpath = {"runpath", 6};
  object.audit = {{"audit", 7}};
  object.depaudit = {{"depaudit", 8}};
  object.filter = {{"filter", 9}};
  object.auxiliary = {{"auxiliary", 10}};
  object.flags = uint64_t{1} << 40;
  object.flags_1 = uint64_t{1} << 41;
  object.version_needs = {{"library", "VERSION_1", true}, {"library", "VERSION_2", false}};
  object.version_definitions = {"DEFINED_1", "DEFINED_2"};
  object.has_symbol_versions = true;
  object.ld_cache = {{elf::LdCacheEntry::Kind::kFile, "libx.so", {"/x/libx.so", 11}},
                     {elf::LdCacheEntry::Kind::kDirectory, "liby.so", {"/y", 12}}};
  object.dlopen_needs = {{{"a.so", "b.so"}, "feature", elf::DlopenNeed::Priority::kRequired, 13},
                         {{"c.so"}, "other", elf::DlopenNeed::Priority::kRecommended, 14}};
  object.view_differences = {{"DT_RUNPATH", "/segments", "/sections", 15}};
  elf::LoaderDefaults& defaults = object.loader_defaults.emplace();
  defaults.kind = elf::LoaderDefaults::Kind::kMusl;
  defaults.version = "1.2.5";
  defaults.system_directories = {{"/lib", 16}, {"/usr/lib", 17}};
  defaults.cache = {"/etc/ld-musl-x86_64.path", 18};
  defaults.preload = {{"/etc/ld.so.preload", 19}};
  defaults.lib = "lib64";
  defaults.platform = "x86_64";
  object.build_id = "0123abcd";
  object.refusal = {"why glibc", "why musl", true, false};
  return object;
}

elf::Object RoundTrip(const elf::Object& object) {
  ElfFacts facts;
  ToFacts(object, &facts);
  ElfFacts read;
  EXPECT_TRUE(read.ParseFromString(facts.SerializeAsString()));
  return FromFacts(read);
}

TEST(ElfFacts, RoundTripOfEveryField) {
  EXPECT_TRUE(RoundTrip(FullObject()) == FullObject());
  EXPECT_TRUE(RoundTrip(elf::Object()) == elf::Object());
  elf::Object glibc = FullObject();
  glibc.loader_defaults->kind = elf::LoaderDefaults::Kind::kGlibc;
  glibc.loader_defaults->cache.reset();
  EXPECT_TRUE(RoundTrip(glibc) == glibc);
  EXPECT_FALSE(RoundTrip(glibc) == FullObject());
}

// An element that is there and empty is not one that is absent: an empty RPATH means "here".
TEST(ElfFacts, EmptyIsNotAbsent) {
  elf::Object object;
  object.rpath = {"", 0};
  object.soname = {"", 0};
  EXPECT_TRUE(RoundTrip(object).rpath.has_value());
  EXPECT_FALSE(RoundTrip(object).runpath.has_value());
  EXPECT_TRUE(RoundTrip(object) == object);
}

TEST(ElfFacts, EveryFactIsSet) {
  ElfFacts facts;
  ToFacts(FullObject(), &facts);
  elf::Object reversed = FullObject();
  reversed.is_little_endian = true;
  ElfFacts other;
  ToFacts(reversed, &other);
  EXPECT_TRUE(other.is_little_endian());
  const google::protobuf::Descriptor& fields = *ElfFacts::descriptor();
  for (int i = 0; i < fields.field_count(); ++i) {
    const google::protobuf::FieldDescriptor& field = *fields.field(i);
    if (field.name() == "is_little_endian") continue;
    EXPECT_TRUE(field.is_repeated() ? facts.GetReflection()->FieldSize(facts, &field) > 0
                                    : facts.GetReflection()->HasField(facts, &field))
        << field.name();
  }
}

}  // namespace
}  // namespace lre_audit
