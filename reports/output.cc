#include "reports/output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "base/suggest.h"
#include "base/text.h"
#include "reports/json.h"

namespace lre_audit {
namespace {

constexpr OutputFormat kFormats[] = {
    {"text",
     [](const Report& report, const TextOptions& text, std::ostream& out) {
       WriteText(report, text, out);
       return absl::OkStatus();
     }},
    {"json", [](const Report& report, const TextOptions&,
                std::ostream& out) { return WriteJson(report, out); }},
};

absl::Status SystemError(std::string_view path, int error) {
  return absl::UnavailableError(
      absl::StrCat("cannot write '", Escaped(path), "': ", std::generic_category().message(error)));
}

absl::Status WriteAndClose(int fd, std::string_view content, std::string_view path) {
  int error = 0;
  while (!content.empty() && error == 0) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written >= 0) {
      content.remove_prefix(written);
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  // Network file systems report a full disk at close.
  if (close(fd) != 0 && error == 0) error = errno;
  return error == 0 ? absl::OkStatus() : SystemError(path, error);
}

absl::Status ReplaceFile(const std::string& path, std::string_view content) {
  // open() with 0666, unlike mkstemp(), leaves the mode to the user's umask.
  std::string temporary;
  int fd = -1;
  for (int attempt = 0; attempt < 100; ++attempt) {
    temporary = absl::StrCat(path, ".", getpid(), ".", attempt, ".tmp");
    fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 || errno != EEXIST) break;
  }
  if (fd < 0) return SystemError(path, errno);
  absl::Status status = WriteAndClose(fd, content, path);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0) {
    status = SystemError(path, errno);
  }
  if (!status.ok()) unlink(temporary.c_str());
  return status;
}

}  // namespace

std::span<const OutputFormat> OutputFormats() { return kFormats; }

absl::StatusOr<const OutputFormat*> FindOutputFormat(std::string_view name) {
  std::vector<std::string_view> names;
  for (const OutputFormat& format : kFormats) {
    if (name == format.name) return &format;
    names.push_back(format.name);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown format '", Escaped(name), "'", DidYouMean(name, names), " (formats: ",
      absl::StrJoin(names, ", ", [](std::string* out, std::string_view s) { out->append(s); }),
      ")"));
}

absl::StatusOr<OutputFile> ParseOutputFile(std::string_view argument) {
  const size_t equals = argument.find('=');
  if (equals == std::string_view::npos || equals + 1 == argument.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", Escaped(argument), "' is not FORMAT=FILE, such as json=report.json"));
  }
  LRE_ASSIGN_OR_RETURN(const OutputFormat* format, FindOutputFormat(argument.substr(0, equals)));
  return OutputFile{format, std::string(argument.substr(equals + 1))};
}

absl::Status WriteOutputFile(const OutputFile& file, const Report& report,
                             const TextOptions& text) {
  std::ostringstream content;
  LRE_RETURN_IF_ERROR(file.format->write(report, text, content));
  struct stat status;
  if (stat(file.path.c_str(), &status) != 0) {
    if (errno != ENOENT) return SystemError(file.path, errno);
    return ReplaceFile(file.path, content.view());
  }
  // /dev/stderr may well lead to a regular file, but one that somebody holds open.
  if (!S_ISREG(status.st_mode) || file.path.starts_with("/dev/")) {
    const int fd = open(file.path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0) return SystemError(file.path, errno);
    return WriteAndClose(fd, content.view(), file.path);
  }
  std::error_code error;
  const std::filesystem::path target = std::filesystem::canonical(file.path, error);
  if (error) return SystemError(file.path, error.value());
  return ReplaceFile(target.string(), content.view());
}

}  // namespace lre_audit
