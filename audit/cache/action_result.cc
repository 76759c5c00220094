#include "audit/cache/action_result.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "audit/cache/proto/remote_execution.pb.h"
#include "base/status.h"

namespace lre_audit::cache {
namespace {

namespace reapi = ::build::bazel::remote::execution::v2;

absl::Status Add(const reapi::Digest& digest, std::vector<BlobDigest>* blobs) {
  if (digest.size_bytes() < 0) {
    return absl::DataLossError(absl::StrCat("a blob of ", digest.size_bytes(), " bytes"));
  }
  if (digest.size_bytes() == 0) return absl::OkStatus();
  const absl::StatusOr<BlobDigest> parsed =
      ParseBlobDigest(digest.hash(), static_cast<uint64_t>(digest.size_bytes()));
  if (!parsed.ok()) return absl::DataLossError(parsed.status().message());
  blobs->push_back(*parsed);
  return absl::OkStatus();
}

template <typename Message>
absl::Status Parse(std::string_view bytes, const char* name, Message* message) {
  if (message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat(bytes.size(), " bytes that are no ", name));
}

}  // namespace

absl::StatusOr<ResultBlobs> BlobsOfResult(std::string_view action_result) {
  reapi::ActionResult result;
  LRE_RETURN_IF_ERROR(Parse(action_result, "ActionResult", &result));
  ResultBlobs blobs;
  for (const reapi::OutputFile& file : result.output_files()) {
    LRE_RETURN_IF_ERROR(Add(file.digest(), &blobs.files));
    blobs.outputs.push_back(file.path());
  }
  LRE_RETURN_IF_ERROR(Add(result.stdout_digest(), &blobs.files));
  LRE_RETURN_IF_ERROR(Add(result.stderr_digest(), &blobs.files));
  for (const reapi::OutputDirectory& directory : result.output_directories()) {
    LRE_RETURN_IF_ERROR(Add(directory.tree_digest(), &blobs.trees));
    blobs.outputs.push_back(directory.path());
  }
  for (const auto* links : {&result.output_file_symlinks(), &result.output_directory_symlinks(),
                            &result.output_symlinks()}) {
    for (const reapi::OutputSymlink& link : *links) blobs.outputs.push_back(link.path());
  }
  const auto hash = [](const BlobDigest& digest) { return digest.Hex(); };
  std::sort(blobs.trees.begin(), blobs.trees.end(),
            [&](const BlobDigest& a, const BlobDigest& b) { return hash(a) < hash(b); });
  blobs.trees.erase(std::unique(blobs.trees.begin(), blobs.trees.end()), blobs.trees.end());
  return blobs;
}

BlobDigest OutputOfResult(std::string_view action_result, std::string_view path) {
  reapi::ActionResult result;
  if (!Parse(action_result, "ActionResult", &result).ok()) return {};
  for (const reapi::OutputFile& file : result.output_files()) {
    if (file.path() != path || file.digest().size_bytes() < 0) continue;
    const absl::StatusOr<BlobDigest> digest =
        ParseBlobDigest(file.digest().hash(), static_cast<uint64_t>(file.digest().size_bytes()));
    return digest.ok() ? *digest : BlobDigest();
  }
  return {};
}

absl::StatusOr<std::vector<BlobDigest>> FilesOfTree(std::string_view tree) {
  reapi::Tree message;
  LRE_RETURN_IF_ERROR(Parse(tree, "Tree", &message));
  std::vector<BlobDigest> files;
  const auto add = [&](const reapi::Directory& directory) -> absl::Status {
    for (const reapi::FileNode& file : directory.files()) {
      LRE_RETURN_IF_ERROR(Add(file.digest(), &files));
    }
    return absl::OkStatus();
  };
  LRE_RETURN_IF_ERROR(add(message.root()));
  for (const reapi::Directory& directory : message.children()) LRE_RETURN_IF_ERROR(add(directory));
  return files;
}

}  // namespace lre_audit::cache
