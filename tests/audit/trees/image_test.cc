// Images as skopeo and umoci write them, whole and damaged.
#include "audit/trees/image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/trees/oci_manifest.h"
#include "tests/audit/trees/support.h"

namespace lre_audit {
namespace {

using testing::IsEmpty;
using Kind = Problem::Kind;

TEST(Digest, IsStrict) {
  const std::string hex(64, 'a');
  EXPECT_EQ(ParseDigest("sha256:" + hex)->BlobPath(), "blobs/sha256/" + hex);
  EXPECT_TRUE(ParseDigest("sha512:" + hex + hex).ok());
  for (const std::string& bad : std::vector<std::string>{
           std::string(), hex, std::string("sha256:"), "sha256:" + hex + "0",
           "sha256:" + std::string(64, 'A'), "sha256:../../../../../etc/passwd", "blake3:" + hex,
           "SHA256:" + hex, "md5:" + hex, "sha256:" + std::string(61, 'a') + "/..",
           "../sha256:" + hex}) {
    EXPECT_EQ(ParseDigest(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

struct Streamed {
  explicit Streamed(const std::string& reference, const std::string& platform = {}) {
    OpenOptions options;
    options.platform = platform;
    absl::StatusOr<std::unique_ptr<Tree>> opened = OpenImage(reference, options);
    status = opened.status();
    if (!opened.ok()) return;
    tree = *std::move(opened);
    problems = tree->problems();
    for (size_t part = 0; part < tree->parts().size(); ++part) {
      RecordingSink sink;
      tree->Stream(part, true, sink, problems);
      for (const auto& file : sink.files()) {
        files.push_back(std::to_string(part) + " " + file.entry.path + " " +
                        Sha256Of(file.contents));
      }
    }
  }
  absl::Status status;
  std::unique_ptr<Tree> tree;
  std::vector<Problem> problems;
  std::vector<std::string> files;
};

class ImageTest : public testing::Test {
 protected:
  ImageTest() {
    Shell("cd " + scratch_.path() + R"( && umoci init --layout oci && umoci new --image oci:t
      mkdir l && echo hello > l/a && seq 1 20000 > l/b && tar -cf 1.tar -C l . && echo more > l/c
      tar -cf 2.tar -C l c && umoci raw add-layer --image oci:t 1.tar
      umoci raw add-layer --image oci:t 2.tar
      umoci config --image oci:t --config.env A=b --config.entrypoint /a --architecture amd64)");
  }
  std::string Path(std::string_view name) { return scratch_ / name; }
  // A file name inside oci/blobs/sha256.
  std::string Blob(const std::string& python) {
    std::string digest = Shell("cd " + Path("oci") +
                               " && python3 -c \"\nimport json\n"
                               "load=lambda d: json.load(open('blobs/sha256/'+d['digest'][7:]))\n"
                               "manifest=load(json.load(open('index.json'))['manifests'][0])\n"
                               "print(" +
                               python + "['digest'][7:],end='')\"");
    return Path("oci/blobs/sha256/" + digest);
  }
  TemporaryDirectory scratch_;
};

TEST_F(ImageTest, EveryTransportGivesTheSameFiles) {
  Shell(
      "cd " + scratch_.path() +
      " && skopeo copy -q oci:oci:t oci-archive:o.tar:t && skopeo copy -q oci:oci:t "
      "docker-archive:d.tar:name:t && skopeo copy -q --dest-compress-format zstd "
      "--dest-oci-accept-uncompressed-layers oci:oci:t oci:z:t && gzip -k o.tar && gzip -k d.tar");
  const Streamed expected("oci:" + Path("oci") + ":t");
  ASSERT_TRUE(expected.status.ok()) << expected.status.ToString();
  EXPECT_EQ(expected.files.size(), 4u);
  EXPECT_EQ(expected.tree->config().env, std::vector<std::string>({"A=b"}));
  EXPECT_EQ(expected.tree->config().entrypoint, std::vector<std::string>({"/a"}));
  for (const std::string& reference :
       {"oci:" + Path("oci"), Path("oci"), Path("oci") + ":t",
        "oci-archive:" + Path("o.tar") + ":t", "oci-archive:" + Path("o.tar.gz"), Path("o.tar"),
        "docker-archive:" + Path("d.tar"), "docker-archive:" + Path("d.tar") + ":name:t",
        Path("d.tar"), Path("d.tar.gz"), "oci:" + Path("z") + ":t"}) {
    const Streamed actual(reference);
    ASSERT_TRUE(actual.status.ok()) << actual.status.ToString();
    EXPECT_THAT(actual.problems, IsEmpty()) << reference << "\n" << Describe(actual.problems);
    EXPECT_EQ(actual.files, expected.files) << reference;
    EXPECT_EQ(actual.tree->reference(), reference);
  }
}

TEST_F(ImageTest, NamesAreThoseOfTheArchiveOrLayout) {
  Shell("cd " + scratch_.path() + R"( && umoci tag --image oci:t lre-cc:abc
      umoci new --image oci:other
      skopeo copy -q oci:oci:t docker-archive:d.tar:lre-cc:abc --additional-tag lre-cc:latest)");
  const auto names = [&](const std::string& reference) {
    const Streamed image(reference);
    EXPECT_TRUE(image.status.ok()) << image.status.ToString();
    return image.tree == nullptr ? std::vector<std::string>() : image.tree->names();
  };
  EXPECT_THAT(names("oci:" + Path("oci") + ":t"), testing::ElementsAre("t", "lre-cc:abc"));
  EXPECT_THAT(names("oci:" + Path("oci") + ":other"), testing::ElementsAre("other"));
  EXPECT_THAT(names(Path("d.tar")),
              testing::UnorderedElementsAre("docker.io/library/lre-cc:abc",
                                            "docker.io/library/lre-cc:latest"));
  EXPECT_THAT(names("rootfs:" + scratch_.path()), IsEmpty());
}

TEST_F(ImageTest, DamagedLayer) {
  const std::string blob = Blob("manifest['layers'][0]");
  std::string bytes = ReadFile(blob);
  bytes[9] = static_cast<char>(bytes[9] ^ 1);  // the OS in the gzip header: decodes all the same
  PutFile(blob, bytes);
  const Streamed changed("oci:" + Path("oci"));
  EXPECT_EQ(changed.files.size(), 4u);
  ASSERT_EQ(changed.problems.size(), 1u) << Describe(changed.problems);
  EXPECT_EQ(changed.problems[0].kind, Kind::kDigestMismatch);
  EXPECT_EQ(changed.problems[0].actual, "sha256:" + Sha256Of(bytes));
  EXPECT_EQ(changed.problems[0].expected, changed.tree->parts()[0].digest);

  PutFile(blob, bytes.substr(0, bytes.size() - 5));
  const Streamed cut("oci:" + Path("oci"));
  EXPECT_TRUE(HasProblem(cut.problems, Kind::kUnreadable, "truncated at 0x"));
  EXPECT_TRUE(HasProblem(cut.problems, Kind::kDigestMismatch, "its descriptor says"));
  EXPECT_EQ(cut.problems.size(), 2u) << Describe(cut.problems);

  // In the middle of a file: its name is in the problem.
  PutFile(blob, bytes.substr(0, bytes.size() / 2));
  const Streamed half("oci:" + Path("oci"));
  EXPECT_TRUE(HasProblem(half.problems, Kind::kUnreadable, "\"/b\" (108894 bytes): truncated"));
  EXPECT_TRUE(HasProblem(half.problems, Kind::kDigestMismatch, "its descriptor says"));
  EXPECT_EQ(half.problems.size(), 2u) << Describe(half.problems);

  // Another layer altogether: its diff_id cannot fit either.
  Shell("gzip -c " + Path("2.tar") + " > " + blob);
  const Streamed other("oci:" + Path("oci"));
  ASSERT_EQ(other.problems.size(), 1u) << Describe(other.problems);
  EXPECT_EQ(other.problems[0].kind, Kind::kDigestMismatch);
  EXPECT_EQ(other.problems[0].actual, "sha256:" + Sha256Of(ReadFile(blob)));

  Shell("rm " + blob);
  const Streamed missing("oci:" + Path("oci"));
  EXPECT_TRUE(HasProblem(missing.problems, Kind::kUnreadable, "No such file"));
  EXPECT_EQ(missing.files.size(), 1u);
}

TEST_F(ImageTest, DamagedUncompressedLayer) {
  Shell("cd " + scratch_.path() + " && skopeo copy -q --dest-decompress oci:oci:t dir:plain && " +
        "skopeo copy -q --preserve-digests dir:plain oci:plain-oci:t && rm -r oci && "
        "mv plain-oci oci");
  const std::string blob = Blob("manifest['layers'][0]");
  const std::string bytes = ReadFile(blob);
  ASSERT_EQ(bytes, ReadFile(Path("1.tar")));
  PutFile(blob, bytes.substr(0, bytes.size() / 2));
  const Streamed cut("oci:" + Path("oci"));
  EXPECT_TRUE(HasProblem(cut.problems, Kind::kUnreadable, "before the end of \"/b\""));
  EXPECT_TRUE(HasProblem(cut.problems, Kind::kDigestMismatch, "its descriptor says"));
  EXPECT_EQ(cut.problems.size(), 2u) << Describe(cut.problems);
}

TEST_F(ImageTest, WrongDiffId) {
  const std::string blob = Blob("manifest['config']");
  Shell("python3 - <<'END'\nimport json\np='" + blob +
        "'\nc=json.load(open(p))\n"
        "c['rootfs']['diff_ids'][1]='sha256:'+'0'*64\njson.dump(c,open(p,'w'))\nEND");
  const Streamed read("oci:" + Path("oci"));
  EXPECT_TRUE(HasProblem(read.problems, Kind::kDigestMismatch, "digest is"));
  EXPECT_TRUE(HasProblem(read.problems, Kind::kDiffIdMismatch, "diff_id is"));
  EXPECT_EQ(read.files.size(), 4u);
}

TEST_F(ImageTest, HostileIndexes) {
  auto with_index = [this](const std::string& index) {
    PutFile(Path("oci/index.json"), index);
    return Streamed("oci:" + Path("oci"));
  };
  EXPECT_TRUE(HasProblem(with_index("{").problems, Kind::kUnreadable, "error at byte"));
  EXPECT_TRUE(HasProblem(with_index(std::string(200000, '[')).problems, Kind::kUnreadable, "deep"));
  EXPECT_TRUE(HasProblem(with_index("[]").problems, Kind::kUnreadable, "manifests"));
  EXPECT_TRUE(HasProblem(with_index(R"({"manifests":[{"digest":"sha256:../../x"}]})").problems,
                         Kind::kUnreadable, "characters after the algorithm"));
  EXPECT_TRUE(HasProblem(with_index(R"({"manifests":[],"layers":[]})").problems, Kind::kUnreadable,
                         "readers disagree"));
  // An index that names itself: its digest cannot match, and reading does not go round for ever.
  const std::string hex(64, 'a');
  const std::string loop = R"({"manifests":[{"digest":"sha256:)" + hex + R"("}]})";
  PutFile(Path("oci/blobs/sha256/" + hex), loop);
  const Streamed looped = with_index(loop);
  EXPECT_TRUE(HasProblem(looped.problems, Kind::kUnreadable, "cycle"));
  EXPECT_TRUE(HasProblem(looped.problems, Kind::kDigestMismatch));
}

TEST_F(ImageTest, PlatformsAndAttestations) {
  Shell("cd " + Path("oci") + R"( && python3 - <<'END'
import json
i=json.load(open('index.json')); d=i['manifests'][0]
def at(platform, digest=d['digest']):
    return {'digest': digest, 'size': d['size'], 'platform': platform}
i['manifests']=[at({'os':'linux','architecture':'amd64','variant':'v3'}),
  at({'os':'linux','architecture':'s390x'}, 'sha256:'+'0'*64),
  at({'os':'unknown','architecture':'unknown'}, 'sha256:'+'1'*64)]
json.dump(i,open('index.json','w'))
END)");
  EXPECT_THAT(Streamed("oci:" + Path("oci"), "linux/amd64").problems, IsEmpty());
  EXPECT_TRUE(
      HasProblem(Streamed("oci:" + Path("oci"), "linux/s390x").problems, Kind::kUnreadable));
  const absl::Status status = Streamed("oci:" + Path("oci"), "linux/riscv64").status;
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(status.ToString().find("linux/amd64/v3, linux/s390x"), std::string::npos)
      << status.ToString();
}

TEST_F(ImageTest, WhatTheUserMistypes) {
  auto message = [](const std::string& reference) { return Streamed(reference).status.ToString(); };
  EXPECT_NE(
      message("ocii:x").find("unknown transport 'ocii:'; did you mean 'oci'? (transports: oci:"),
      std::string::npos);
  EXPECT_NE(message("docker:h/n:t").find("docker://"), std::string::npos);
  EXPECT_NE(message("oci:" + Path("oci") + ":nope").find("tags: t"), std::string::npos);
  EXPECT_EQ(Streamed("oci:" + Path("none")).status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Streamed(Path("none")).status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Streamed("docker-archive:" + Path("1.tar")).status.code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Streamed(Path("1.tar")).status.code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ImageTest, TruncatedArchiveIsIncomplete) {
  Shell("cd " + scratch_.path() +
        " && skopeo copy -q oci:oci:t docker-archive:d.tar:n:t && "
        "head -c 3000 d.tar > cut.tar");
  const Streamed read("docker-archive:" + Path("cut.tar"));
  EXPECT_TRUE(read.status.ok()) << read.status.ToString();
  EXPECT_TRUE(HasProblem(read.problems, Kind::kUnreadable, "ends"));
}

}  // namespace
}  // namespace lre_audit
