// LRE603, 605-607, 609: each with a difference planted, and its nearest innocent neighbour.
#include "tests/rules/toolchain_builder.h"

namespace lre_audit {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Variables = std::vector<AgreementImage::Variable>;

const std::string kBuild = "generated-cc/cc/BUILD";
const std::string kConfig = "generated-cc/config/BUILD";
const std::string kBazelrc = "lre.bazelrc";
const std::string kWorker = "oci:worker:t";

Leak OnImage(const std::string& rule, const std::string& image, const std::string& referenced) {
  return {rule, image, referenced, Finding::ERROR, 0, 0, ""};
}

TEST(Lre603ContentDiffers, LeakNamesTheFirstFile) {
  AgreementBuilder agreement;
  agreement.Edit().differences = {
      {kMake, "store:/", kWorker, "sha256:11", "sha256:22", "bin/make", "contents"}};
  const std::vector<Finding> findings = agreement.Judged();
  ASSERT_THAT(Leaks(findings), ElementsAre(OnImage("LRE603", kMake, "bin/make")));
  EXPECT_EQ(findings[0].evidence(), "bin/make: contents");
  EXPECT_EQ(findings[0].message(),
            "the contents of a store path differ between store:/ and oci:worker:t");
  EXPECT_THAT(findings[0].notes(), Contains("store:/: NAR hash sha256:11"));
  EXPECT_THAT(findings[0].notes(), Contains("oci:worker:t: NAR hash sha256:22"));
}

std::vector<Leak> Compared(Subject::ClosureKind kind, const std::string& recorded, bool elsewhere) {
  SubjectBuilder subject;
  subject.Edit().closure_kind = kind;
  subject.Edit().contents_compared = elsewhere;
  LinkedStorePath& path = subject.StorePath(kMake, true, true);
  path.nar_hash = "sha256:11";
  path.recorded_hash = recorded;
  return Leaks(subject.Judged());
}

TEST(Lre603ContentDiffers, LeakOfAnImageBesideTheLocalStore) {
  using Kind = Subject::ClosureKind;
  EXPECT_THAT(Compared(Kind::kDefault, "sha256:22", false), ElementsAre(Leak{"LRE603", kMake, ""}));
  // What the user named is a promise, and another rule's.
  EXPECT_THAT(Compared(Kind::kNamed, "sha256:22", false),
              ElementsAre(Leak{"LRE305", kMake, "sha256:22"}));
}

TEST(Lre603ContentDiffers, EqualOrToldElsewhereIsInnocent) {
  using Kind = Subject::ClosureKind;
  EXPECT_THAT(Compared(Kind::kDefault, "sha256:11", false), IsEmpty());
  EXPECT_THAT(Compared(Kind::kDefault, "", false), IsEmpty());
  EXPECT_THAT(Compared(Kind::kDefault, "sha256:22", true), IsEmpty());
}

// The three parties, each with the compiler that it names; "" names none.
AgreementBuilder Parties(const std::string& toolchain, const std::string& bazelrc,
                         const std::string& image) {
  AgreementBuilder agreement;
  const auto path = [](const std::string& gcc) { return kMake + "/bin:" + gcc + "/bin"; };
  if (!toolchain.empty()) {
    agreement.Tool(kBuild, 139, "gcc", toolchain + "/bin/gcc");
    agreement.Tool(kBuild, 140, "cpp", toolchain + "/bin/cpp");
    agreement.Tool(kBuild, 141, "make", kMake + "/bin/make");
  }
  if (!bazelrc.empty()) {
    agreement.Says(kBazelrc, 6, Setting::ENVIRONMENT, "PATH", path(bazelrc));
    agreement.Says(kBazelrc, 7, Setting::ENVIRONMENT, "CC", bazelrc + "/bin/gcc");
  }
  agreement.Image(
      kWorker, {},
      image.empty() ? Variables() : Variables{{"PATH", path(image)}, {"CC", image + "/bin/gcc"}});
  return agreement;
}

TEST(Lre605BazelrcDiffers, LeakIsOneFindingWithBothValues) {
  // The image agrees with lre.bazelrc: the toolchain is the odd one.
  const std::vector<Finding> findings = Parties(kGcc, kOtherGcc, kOtherGcc).Judged();
  ASSERT_THAT(Leaks(findings), ElementsAre(OnLine("LRE605", kBuild, 139, kGcc)));
  EXPECT_EQ(findings[0].message(),
            "the Env of lre.bazelrc and the toolchain name different store paths of gcc");
  EXPECT_THAT(findings[0].notes(), ElementsAre("lre.bazelrc:7:17: CC=" + kOtherGcc + "/bin/gcc",
                                               kBuild + ":139:17: tool gcc: " + kGcc + "/bin/gcc"));
}

TEST(Lre605BazelrcDiffers, LeakIsOfTheBazelrcWhereTheImageAgreesWithTheToolchain) {
  EXPECT_THAT(Leaks(Parties(kGcc, kOtherGcc, kGcc).Judged()),
              ElementsAre(OnLine("LRE605", kBazelrc, 7, kOtherGcc)));
}

TEST(Lre605BazelrcDiffers, AgreeingOrNamingOtherPackagesIsInnocent) {
  EXPECT_THAT(Leaks(Parties(kGcc, kGcc, kGcc).Judged()), IsEmpty());
  EXPECT_THAT(Leaks(Parties("", kGcc, kGcc).Judged()), IsEmpty());
  AgreementBuilder agreement;
  agreement.Tool(kBuild, 139, "ar", kMake + "/bin/ar");
  agreement.Says(kBazelrc, 6, Setting::ENVIRONMENT, "PATH", kZlib + "/bin:/usr/bin");
  // Another file's variables are not what the toolchain was generated under.
  agreement.Says("worker.yaml", 6, Setting::ENVIRONMENT, "PATH", kStore + "/x/bin");
  EXPECT_THAT(Leaks(agreement.Judged()), IsEmpty());
}

TEST(Lre609EnvironmentDiffers, LeakOfAnotherEnv) {
  const std::vector<Finding> findings = Parties(kGcc, kGcc, kOtherGcc).Judged();
  ASSERT_THAT(Leaks(findings), ElementsAre(OnImage("LRE609", kWorker, "CC")));
  EXPECT_EQ(findings[0].evidence(), "Env CC=" + kOtherGcc + "/bin/gcc");
  EXPECT_THAT(findings[0].notes(), ElementsAre("lre.bazelrc:7:17: CC=" + kGcc + "/bin/gcc",
                                               kBuild + ":139:17: tool gcc: " + kGcc + "/bin/gcc"));
}

TEST(Lre609EnvironmentDiffers, LeakOfALostEnv) {
  for (const std::string& bazelrc : {kGcc, std::string()}) {
    const std::vector<Finding> findings = Parties(kGcc, bazelrc, "").Judged();
    ASSERT_THAT(Leaks(findings), ElementsAre(OnImage("LRE609", kWorker, "PATH")));
    EXPECT_EQ(findings[0].message(),
              "the image has no Env, and its toolchain was generated under one that sets PATH");
  }
}

TEST(Lre609EnvironmentDiffers, LeakOfALostVariableOrElement) {
  AgreementBuilder agreement = Parties(kGcc, kGcc, kGcc);
  agreement.Edit().images[0].environment = {{"PATH", kMake + "/bin:" + kGcc + "/bin"}};
  EXPECT_THAT(Leaks(agreement.Judged()), ElementsAre(OnImage("LRE609", kWorker, "CC")));
  agreement.Edit().images[0].environment = {{"PATH", "/usr/bin:/bin"}, {"CC", kGcc + "/bin/gcc"}};
  EXPECT_THAT(Leaks(agreement.Judged()), ElementsAre(OnImage("LRE609", kWorker, "PATH")));
  agreement.Edit().images[0].environment = {{"PATH", kGcc + "/bin"}, {"CC", kGcc + "/bin/gcc"}};
  EXPECT_THAT(Leaks(agreement.Judged()), ElementsAre(OnImage("LRE609", kWorker, "make")));
}

TEST(Lre609EnvironmentDiffers, AllThreeDifferIsOneEach) {
  EXPECT_THAT(Leaks(Parties(kGcc, kOtherGcc, kThirdGcc).Judged()),
              ElementsAre(OnLine("LRE605", kBuild, 139, kGcc), OnImage("LRE609", kWorker, "CC")));
}

TEST(Lre609EnvironmentDiffers, AnotherToolchainsImageIsInnocent) {
  AgreementBuilder agreement = Parties(kGcc, kGcc, kGcc);
  agreement.Says(kConfig, 43, Setting::CONTAINER_IMAGE, "container-image", "docker://lre-cc:a");
  agreement.Says("generated-java/config/BUILD", 28, Setting::CONTAINER_IMAGE, "container-image",
                 "docker://lre-java:b");
  agreement.Edit().images[0].names = {"lre-cc:a"};
  agreement.Tool("generated-java/java/BUILD", 30, "java_home", kZlib + "/lib/openjdk");
  agreement.Image("oci:java:t", {"lre-java:b"}, {{"JAVA_HOME", kZlib + "/lib/openjdk"}});
  // A root file system has no configuration that could say anything.
  agreement.Image("rootfs:x", {}, {});
  agreement.Edit().images.back().has_configuration = false;
  EXPECT_THAT(Leaks(agreement.Judged()), IsEmpty());
}

const std::string kTag = "nz62ssm01zq2sq4768h58lnfalmpr7bz";
const std::string kOtherTag = "7a1bssm01zq2sq4768h58lnfalmpr7bz";
const std::string kAsked = "docker://lre-cc:" + kTag;

// A platform that asks for kAsked, and what workers advertise.
AgreementBuilder Deployment(const std::vector<std::string>& advertised) {
  AgreementBuilder agreement;
  agreement.Says(kConfig, 43, Setting::CONTAINER_IMAGE, "container-image", kAsked, "platform");
  uint32_t line = 90;
  for (const std::string& value : advertised) {
    agreement.Says("worker.json5", ++line, Setting::ADVERTISED_IMAGE, "container-image", value,
                   "worker");
  }
  return agreement;
}

TEST(Lre606ContainerImageDiffers, LeakShowsBothValuesAndPlaces) {
  const std::vector<Finding> findings = Deployment({"docker://lre-cc:" + kOtherTag}).Judged();
  ASSERT_THAT(Leaks(findings), ElementsAre(OnLine("LRE606", kConfig, 43, kAsked)));
  EXPECT_EQ(findings[0].message(), "the platform asks for " + kAsked +
                                       ", and workers advertise docker://lre-cc:" + kOtherTag +
                                       ": same name, other tag");
  EXPECT_THAT(findings[0].notes(),
              ElementsAre("worker.json5:91:17: docker://lre-cc:" + kOtherTag + " (worker)"));
}

TEST(Lre606ContainerImageDiffers, LeakSaysWhatDiffers) {
  const struct {
    std::string advertised, end;
  } cases[] = {
      {"docker://other:" + kTag, ": other name, same tag"},
      {"docker://other:x", ": other name"},
      {"lre-cc:" + kTag,
       ": same name and tag, written otherwise, and the strings are compared raw"},
      {"lre-cc:x", ": same name, written otherwise, and other tag"},
      {"docker://host:5000/lre-cc:" + kTag, ": other name, same tag"},
      {"docker://lre-cc@sha256:00", ": same name, other tag"},
      {"", "advertise the empty string"},
      {"${NATIVELINK_WORKER_PLATFORM}", ": the variable is set nowhere"},
      {"undefined_platform", ": the variable is set nowhere"},
      {"docker://lre-rs:$(cat /tag)", ", which cannot become it"},
  };
  for (const auto& c : cases) {
    const std::vector<Finding> findings = Deployment({c.advertised}).Judged();
    ASSERT_THAT(findings, SizeIs(1)) << c.advertised;
    EXPECT_TRUE(findings[0].message().ends_with(c.end)) << findings[0].message();
  }
}

TEST(Lre606ContainerImageDiffers, LeakWhereNoWorkerAdvertisesAny) {
  AgreementBuilder agreement = Deployment({});
  agreement.Says("worker.json5", 80, Setting::EXEC_PROPERTY, "cpu_count", "16", "worker");
  const std::vector<Finding> findings = agreement.Judged();
  ASSERT_THAT(Leaks(findings), ElementsAre(OnLine("LRE606", kConfig, 43, kAsked)));
  EXPECT_THAT(findings[0].message(), HasSubstr("no worker advertises an image"));
}

TEST(Lre606ContainerImageDiffers, WhereNoSchedulerComparesOnlyAnotherImageIsAnError) {
  const auto judged = [](const std::string& advertised, const std::vector<std::string>& kinds) {
    AgreementBuilder agreement = Deployment({advertised});
    uint32_t line = 38;
    for (const std::string& kind : kinds) {
      agreement.Says("scheduler.json5", ++line, Setting::EXEC_PROPERTY, "container-image", kind,
                     "scheduler");
    }
    return agreement.Judged();
  };
  const auto leak = [](Finding::Severity severity) {
    return ElementsAre(OnLine("LRE606", kConfig, 43, kAsked, severity));
  };
  for (const std::string advertised : {"", "undefined_platform", "docker://other:$(x)"}) {
    EXPECT_THAT(Leaks(judged(advertised, {"priority"})), leak(Finding::WARNING)) << advertised;
    EXPECT_THAT(Leaks(judged(advertised, {"priority", "exact"})), leak(Finding::ERROR));
    EXPECT_THAT(Leaks(judged(advertised, {})), leak(Finding::ERROR)) << advertised;
  }
  const std::vector<Finding> findings = judged("docker://lre-cc:" + kOtherTag, {"priority"});
  EXPECT_THAT(Leaks(findings), leak(Finding::ERROR));
  EXPECT_THAT(findings[0].notes(),
              Contains("scheduler.json5:39:17: \"priority\": the scheduler does not compare it"));
  EXPECT_EQ(findings[0].help().find("wait for ever"), std::string::npos);
  EXPECT_THAT(Leaks(judged(kAsked, {"priority"})), IsEmpty());
}

TEST(Lre606ContainerImageDiffers, LeakOfTheImagesOwnTag) {
  AgreementBuilder agreement = Deployment({kAsked});
  agreement.Image("oci:lre-cc", {"other:x", "lre-cc:" + kOtherTag}, {{"PATH", kMake + "/bin"}});
  const std::vector<Finding> findings = agreement.Judged();
  ASSERT_THAT(Leaks(findings), ElementsAre(OnLine("LRE606", kConfig, 43, kAsked)));
  EXPECT_EQ(findings[0].message(), "the platform asks for " + kAsked +
                                       ", and the image oci:lre-cc is lre-cc:" + kOtherTag +
                                       ": same name, other tag");
}

TEST(Lre606ContainerImageDiffers, LeakOfAnotherBuildDeployed) {
  AgreementBuilder agreement = Deployment({kAsked});
  agreement.Says("kustomization.yaml", 9, Setting::DEPLOYED_IMAGE, "",
                 "ghcr.io/acme/lre-cc:" + kOtherTag, "kustomization");
  const std::vector<Finding> findings = agreement.Judged();
  ASSERT_THAT(Leaks(findings), ElementsAre(OnLine("LRE606", kConfig, 43, kAsked)));
  EXPECT_EQ(findings[0].message(), "the platform asks for " + kAsked +
                                       ", and kustomization.yaml deploys ghcr.io/acme/lre-cc:" +
                                       kOtherTag + ": same name, other tag");
  EXPECT_THAT(findings[0].notes(), Contains(HasSubstr("kustomization.yaml:9:17: ghcr.io/acme/")));
}

TEST(Lre606ContainerImageDiffers, DeployedOfAnotherNameOrWithoutABuildsTagIsInnocent) {
  AgreementBuilder agreement = Deployment({kAsked});
  for (const std::string& deployed : {"lre-cc:" + kTag, "worker-lre-cc:" + kOtherTag,
                                      std::string("lre-cc:v1"), std::string("lre-cc")}) {
    agreement.Says("kustomization.yaml", 9, Setting::DEPLOYED_IMAGE, "", deployed);
  }
  EXPECT_THAT(Leaks(agreement.Judged()), IsEmpty());
}

TEST(Lre606ContainerImageDiffers, AdvertisedIsInnocent) {
  EXPECT_THAT(Leaks(Deployment({"docker://other:x", kAsked}).Judged()), IsEmpty());
  EXPECT_THAT(Leaks(Deployment({"${X}", kAsked}).Judged()), IsEmpty());
  EXPECT_THAT(Leaks(Deployment({"docker://lre-cc:$(nix eval x)"}).Judged()), IsEmpty());
  // Nothing is known of workers, and the image's names are others or the same.
  AgreementBuilder agreement = Deployment({});
  agreement.Image("oci:a", {"nativelink-worker:x", "latest"}, {{"PATH", kMake + "/bin"}});
  agreement.Image("oci:b", {"lre-cc:old", "lre-cc:" + kTag}, {{"PATH", kMake + "/bin"}});
  agreement.Says("scheduler.json5", 39, Setting::EXEC_PROPERTY, "cpu_count", "minimum",
                 "scheduler");
  EXPECT_THAT(Leaks(agreement.Judged()), IsEmpty());
}

TEST(Lre606ContainerImageDiffers, WithoutATagNoTagIsAnother) {
  for (const std::string asked : {"docker://lre-cc", "docker://lre-cc@sha256:00"}) {
    AgreementBuilder agreement;
    agreement.Says(kConfig, 43, Setting::CONTAINER_IMAGE, "container-image", asked);
    agreement.Image("oci:lre-cc", {"lre-cc:" + kTag}, {{"PATH", kMake + "/bin"}});
    EXPECT_THAT(Leaks(agreement.Judged()), IsEmpty()) << asked;
  }
}

TEST(Lre606ContainerImageDiffers, FingerprintKnowsNoTagOfNix) {
  const auto fingerprint = [](const std::string& tag) {
    AgreementBuilder agreement;
    agreement.Says(kConfig, 43, Setting::CONTAINER_IMAGE, "", "docker://lre-cc:" + tag);
    agreement.Says("worker.json5", 9, Setting::ADVERTISED_IMAGE, "", "docker://lre-cc:x");
    return agreement.Judged().at(0).fingerprint();
  };
  EXPECT_EQ(fingerprint(kTag), fingerprint(kOtherTag));
  EXPECT_NE(fingerprint(kTag), fingerprint("v1"));
}

const std::string kProject = "github.com/tracemachina/nativelink";
const std::string kCommit = "75105df746c626cfb3d1e2a7d5a1d5c1f0c9aa00";

AgreementBuilder Pins(const std::string& module, const std::string& lock,
                      const std::string& project = kProject) {
  AgreementBuilder agreement;
  agreement.Says("MODULE.bazel", 12, Setting::PIN, kProject, module, "local-remote-execution");
  agreement.Says("flake.lock", 30, Setting::PIN, project, "ffff0000ffff0000", "other/nativelink");
  agreement.Says("flake.lock", 148, Setting::PIN, project, lock, "nativelink");
  return agreement;
}

TEST(Lre607PinDiffers, LeakShowsBothCommitsAndPlaces) {
  const std::vector<Finding> findings = Pins(kCommit, "1f0c9aa1f0c9aa").Judged();
  ASSERT_THAT(Leaks(findings), ElementsAre(OnLine("LRE607", "MODULE.bazel", 12, kProject)));
  EXPECT_EQ(findings[0].message(),
            kProject + " is pinned to " + kCommit + " here, and to 1f0c9aa1f0c9aa in flake.lock");
  EXPECT_THAT(findings[0].notes(), ElementsAre("flake.lock:148:17: 1f0c9aa1f0c9aa (nativelink)"));
}

TEST(Lre607PinDiffers, SameCommitTagOrProjectIsInnocent) {
  EXPECT_THAT(Leaks(Pins(kCommit, kCommit).Judged()), IsEmpty());
  EXPECT_THAT(Leaks(Pins("75105DF", kCommit).Judged()), IsEmpty());
  EXPECT_THAT(Leaks(Pins("v0.7.1", kCommit).Judged()), IsEmpty());
  EXPECT_THAT(Leaks(Pins("", kCommit).Judged()), IsEmpty());        // local_path_override
  EXPECT_THAT(Leaks(Pins("75105d", kCommit).Judged()), IsEmpty());  // too short to be a commit
  EXPECT_THAT(Leaks(Pins(kCommit, "1f0c9aa", "github.com/nixos/nixpkgs").Judged()), IsEmpty());
}

}  // namespace
}  // namespace lre_audit
