// What others must agree with in an image.
#include "audit/link/agreement_image.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "audit/link/link.h"
#include "tests/audit/link/facts_builder.h"
#include "tests/audit/scan/fake_tree.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class NamedTree : public FakeTree {
 public:
  std::vector<std::string> names() const override { return names_; }
  std::vector<std::string> names_;
};

TEST(AgreementImageOf, NamesAndConfiguration) {
  NamedTree tree;
  tree.names_ = {"docker.io/library/lre-cc:abc", "docker.io/me/lre-cc:abc", "ghcr.io/me/lre-cc:abc",
                 "lre-cc:abc", "latest"};
  ImageConfig& config = tree.mutable_config();
  config.present = true;
  config.architecture = "arm64";
  config.os = "linux";
  config.env = {"PATH=/bin", "FLAGS=-a=b", "EMPTY=", "NOTHING"};
  const AgreementImage image = AgreementImageOf(tree, {});
  EXPECT_EQ(image.reference, tree.reference());
  EXPECT_THAT(image.names, ElementsAre("lre-cc:abc", "me/lre-cc:abc", "ghcr.io/me/lre-cc:abc",
                                       "lre-cc:abc", "latest"));
  EXPECT_TRUE(image.has_configuration && image.has_environment);
  EXPECT_EQ(image.architecture, "arm64");
  EXPECT_EQ(image.os, "linux");
  std::vector<std::string> variables;
  for (const auto& [name, value] : image.environment) variables.push_back(name + " " + value);
  EXPECT_THAT(variables, ElementsAre("PATH /bin", "FLAGS -a=b", "EMPTY "));
}

TEST(AgreementImageOf, WithoutEnvironmentOrConfiguration) {
  FakeTree tree;
  EXPECT_FALSE(AgreementImageOf(tree, {}).has_configuration);
  tree.mutable_config().present = true;
  const AgreementImage image = AgreementImageOf(tree, {});
  EXPECT_TRUE(image.has_configuration);
  EXPECT_FALSE(image.has_environment);
  EXPECT_THAT(image.machines, IsEmpty());
}

TEST(AgreementImageOf, MachinesOfProgramsMostFrequentFirst) {
  FactsBuilder files;
  const auto add = [&](const std::string& name, uint16_t machine, bool program) {
    elf::ElfSpec spec;
    spec.type = program ? ET_EXEC : ET_DYN;
    spec.machine = machine;
    files.Elf(kMake + "/bin/" + name, spec);
  };
  add("a", EM_X86_64, true);
  add("b", EM_AARCH64, true);
  add("c", EM_AARCH64, true);
  add("d", EM_386, true);
  for (const char* library : {"e", "f", "g"}) add(library, EM_RISCV, false);
  MergedTree merged;
  merged.files = files.Build();
  LinkInput input;
  input.tree = &merged;
  EXPECT_THAT(AgreementImageOf(FakeTree(), Link(input)).machines,
              ElementsAre("AArch64", "80386", "x86-64"));
}

}  // namespace
}  // namespace lre_audit
