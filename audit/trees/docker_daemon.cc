#include "audit/trees/docker_daemon.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "audit/bytes/byte_source.h"
#include "audit/net/http.h"
#include "audit/trees/archive_blobs.h"
#include "audit/trees/docker_archive.h"
#include "audit/trees/docker_reference.h"
#include "audit/trees/json.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr char kDefaultHost[] = "unix:///var/run/docker.sock";
constexpr std::string_view kUnix = "unix://";
constexpr uint64_t kMaxMessage = 64 << 10;
constexpr uint64_t kMaxSpool = uint64_t{256} << 30;  // above any image

// A file that nobody else can find and that is gone when it is closed.
absl::StatusOr<std::shared_ptr<FileHandle>> OpenSpool() {
  const char* named = getenv("TMPDIR");
  const std::string directory = named == nullptr || *named == '\0' ? "/tmp" : named;
  int fd = open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
    std::string path = directory + "/lre-audit.XXXXXX";
    fd = mkostemp(path.data(), O_CLOEXEC);
    if (fd >= 0) unlink(path.c_str());
  }
  if (fd >= 0) return std::make_shared<FileHandle>(fd);
  return absl::UnavailableError(absl::StrCat(Escaped(directory), ": ", strerror(errno),
                                             "; the image is kept there while it is audited, and "
                                             "TMPDIR names another directory"));
}

absl::Status WriteAll(int fd, std::string_view piece) {
  while (!piece.empty()) {
    const ssize_t written = write(fd, piece.data(), piece.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      return absl::UnavailableError(absl::StrCat(
          "the image does not fit into TMPDIR: ", strerror(errno), "; name a larger directory"));
    }
    piece.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

// `body` into the file; its length, and in `broke` why there is not more.
absl::StatusOr<uint64_t> Spool(ByteSource& body, int fd, uint64_t limit, absl::Status* broke) {
  uint64_t size = 0;
  while (true) {
    const absl::StatusOr<std::string_view> piece = body.Next();
    if (!piece.ok()) *broke = piece.status();
    if (!piece.ok() || piece->empty()) return size;
    if (piece->size() > limit - size) {
      *broke = absl::ResourceExhaustedError(
          absl::StrCat("the daemon sends more than the limit of ", limit, " bytes"));
      return size;
    }
    LRE_RETURN_IF_ERROR(WriteAll(fd, *piece));
    size += piece->size();
  }
}

// All of a name but what separates: as a value of the query.
std::string QueryValue(const std::string& name) {
  std::string escaped;
  for (const char c : name) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("-._~", c)) {
      escaped += c;
    } else {
      absl::StrAppendFormat(&escaped, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

// The daemon's own words, {"message": "..."}, for an answer that is no image.
std::string MessageOf(net::HttpStream& answer) {
  const absl::StatusOr<std::string> text = ReadAll(*answer.body, kMaxMessage);
  std::vector<Problem> problems;
  ProblemLog log("", problems);
  if (text.ok()) {
    const absl::StatusOr<Json> json = ParseJson(*text, JsonSchema::kOci, log);
    const Json& message = json.ok() ? Member(*json, "message") : Json();
    if (message.is_string()) return Escaped(message.get_ref<const std::string&>().substr(0, 1000));
  }
  return absl::StrCat("the daemon answers ", Escaped(answer.status_line));
}

absl::StatusOr<std::string> SocketPath() {
  const char* variable = getenv("DOCKER_HOST");
  const std::string host = variable == nullptr || *variable == '\0' ? kDefaultHost : variable;
  if (host.starts_with(kUnix)) return host.substr(kUnix.size());
  return absl::InvalidArgumentError(absl::StrCat(
      "DOCKER_HOST is ", Escaped(host), ", and only a daemon behind a unix:// socket is asked; ",
      "docker save -o image.tar NAME, then lre-audit image docker-archive:image.tar"));
}

absl::StatusOr<net::HttpStream> Ask(const std::string& socket, const std::string& image) {
  net::HttpSettings settings;
  settings.unix_socket = socket;
  // Asked again, the daemon would write another archive: nothing that breaks off can go on.
  settings.limits.retries = 0;
  // It writes all layers to its own disk before it sends the first byte.
  settings.limits.stall_timeout = absl::Minutes(10);
  LRE_ASSIGN_OR_RETURN(const std::shared_ptr<net::HttpClient> client,
                       net::HttpClient::Make(std::move(settings)));
  net::HttpRequest request;
  request.url = absl::StrCat("http://localhost/images/get?names=", QueryValue(image));
  absl::StatusOr<net::HttpStream> answer = client->Open(request);
  if (!answer.ok()) {
    return absl::Status(
        answer.status().code(),
        absl::StrCat("no Docker daemon answers at ", Escaped(socket), ": ",
                     answer.status().message(), "; is it running, and may you use its socket?"));
  }
  return answer;
}

}  // namespace

absl::StatusOr<Trees> OpenDockerDaemon(const TypedReference& name, const OpenOptions& options) {
  const auto about = [&](const absl::Status& status) {
    return absl::Status(status.code(),
                        absl::StrCat(Escaped(name.reference), ": ", status.message()));
  };
  const std::string image = HasTagOrDigest(name.rest) ? name.rest : name.rest + ":latest";
  const absl::StatusOr<std::string> socket = SocketPath();
  if (!socket.ok()) return about(socket.status());
  absl::StatusOr<net::HttpStream> answer = Ask(*socket, image);
  if (!answer.ok()) return about(answer.status());
  if (answer->status != 200) {
    return about(absl::Status(
        answer->status == 404 ? absl::StatusCode::kNotFound : absl::StatusCode::kUnavailable,
        MessageOf(*answer)));
  }
  absl::StatusOr<std::shared_ptr<FileHandle>> spool = OpenSpool();
  if (!spool.ok()) return about(spool.status());
  absl::Status broke;
  const absl::StatusOr<uint64_t> size = Spool(*answer->body, (*spool)->fd(), kMaxSpool, &broke);
  if (!size.ok()) return about(size.status());
  const std::string called = absl::StrCat("what the daemon sent of ", image);
  std::shared_ptr<const ArchiveBlobs> blobs =
      ArchiveBlobs::OfFile(*std::move(spool), *size, called, options.limits);
  absl::StatusOr<Image> archived;
  if (broke.ok() || blobs->Has("manifest.json")) {
    archived = ReadDockerArchive(*blobs, "", options.limits);
    if (!archived.ok() && broke.ok()) return about(archived.status());
  }
  if (!archived.ok()) archived = Image();
  if (!broke.ok()) {
    archived->problems.push_back(
        {absl::IsResourceExhausted(broke) ? Problem::Kind::kLimit : Problem::Kind::kUnreadable,
         called,
         *size,
         std::string(broke.message()),
         {},
         {}});
  }
  return MakeImageTree(name.reference, std::move(archived), blobs, options.limits);
}

}  // namespace lre_audit
