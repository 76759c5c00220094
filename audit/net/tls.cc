#include "audit/net/tls.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/read_file.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::net {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostPemBytes = 16 << 20;  // the system's whole bundle has some 200 KiB
constexpr size_t kMostFiles = 1000;

}  // namespace

absl::StatusOr<TlsSettings> ReadCertificates(const std::string& directory) {
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    files.push_back(it->path());
    if (files.size() > kMostFiles) {
      return absl::InvalidArgumentError(
          absl::StrCat(Escaped(directory), ": more than ", kMostFiles,
                       " files; expected a directory of certificates (*.crt, *.cert, *.key)"));
    }
  }
  if (error) {
    return absl::NotFoundError(absl::StrCat(Escaped(directory), ": ", error.message(),
                                            "; expected a directory of certificates"));
  }
  std::sort(files.begin(), files.end());
  const auto is_there = [&](const fs::path& path) {
    return std::find(files.begin(), files.end(), path) != files.end();
  };
  TlsSettings settings;
  for (const fs::path& file : files) {
    const std::string extension = file.extension().string();
    if (extension == ".crt") {
      absl::StatusOr<std::string> text = ReadFile(file.string(), kMostPemBytes);
      if (!text.ok()) {
        return absl::InvalidArgumentError(
            absl::StrCat(Escaped(file.string()), ": ", text.status().message()));
      }
      if (text->find("-----BEGIN CERTIFICATE-----") == std::string::npos) {
        return absl::InvalidArgumentError(
            absl::StrCat(Escaped(file.string()), ": holds no certificate in PEM"));
      }
      absl::StrAppend(&settings.authorities, *text, "\n");
    } else if (extension == ".cert" || extension == ".key") {
      const bool is_key = extension == ".key";
      const fs::path partner = fs::path(file).replace_extension(is_key ? ".cert" : ".key");
      if (!is_there(partner)) {
        return absl::InvalidArgumentError(
            absl::StrCat(Escaped(file.string()), ": the client's ",
                         is_key ? "certificate " : "key ", Escaped(partner.filename().string()),
                         " is missing beside it; authorities are named *.crt"));
      }
      if (settings.certificate.empty() && !is_key) {
        settings.certificate = file.string();
        settings.key = partner.string();
      }
    }
  }
  return settings;
}

}  // namespace lre_audit::net
