#include "audit/trees/docker_daemon.h"

#include <sys/socket.h>
#include <sys/un.h>
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
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "audit/bytes/byte_source.h"
#include "audit/net/http.h"
#include "audit/trees/archive_blobs.h"
#include "audit/trees/docker_archive.h"
#include "audit/trees/docker_reference.h"
#include "audit/trees/json.h"
#include "audit/trees/spool.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr char kDefaultHost[] = "unix:///var/run/docker.sock";
constexpr char kUnixScheme[] = "unix://";
constexpr uint64_t kMaxMessage = 64 << 10;

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
  if (host.starts_with(kUnixScheme)) return host.substr(strlen(kUnixScheme));
  return absl::InvalidArgumentError(absl::StrCat(
      "DOCKER_HOST is ", Escaped(host), ", and only a daemon behind a unix:// socket is asked; ",
      "docker save -o image.tar NAME, then lre-audit image docker-archive:image.tar"));
}

// The HTTP client speaks of the host that a URL names. There is none behind a socket.
constexpr char kHost[] = "http://localhost";

absl::Status OfSocket(const std::string& socket, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(
      status.code(), absl::StrReplaceAll(status.message(),
                                         {{kHost, absl::StrCat(kUnixScheme, Escaped(socket), ": ")},
                                          {"; check the name, the port and the network", ""}}));
}

// Why nobody answers at a socket: the system's own words, which libcurl has others for.
absl::Status Connect(const std::string& socket) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (socket.size() >= sizeof address.sun_path) {
    return absl::InvalidArgumentError(
        absl::StrCat("DOCKER_HOST: the path of a unix socket has at most ",
                     sizeof address.sun_path - 1, " bytes"));
  }
  std::memcpy(address.sun_path, socket.data(), socket.size());
  const FileHandle handle(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(handle.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(strerror(errno));
}

absl::StatusOr<net::HttpStream> Ask(const std::string& socket, const std::string& image) {
  net::HttpSettings settings;
  settings.unix_socket = socket;
  // Asked again, the daemon would write another archive: nothing that breaks off can go on.
  settings.limits.retries = 0;
  // It writes all layers to its own disk before it sends the first byte.
  settings.limits.stall_timeout = absl::Minutes(10);
  if (const absl::Status connected = Connect(socket); !connected.ok()) {
    return absl::Status(
        connected.code(),
        absl::StrCat("no Docker daemon answers at ", Escaped(socket), ": ", connected.message(),
                     "; is it running, and may you use its socket?"));
  }
  LRE_ASSIGN_OR_RETURN(const std::shared_ptr<net::HttpClient> client,
                       net::HttpClient::Make(std::move(settings)));
  net::HttpRequest request;
  request.url = absl::StrCat(kHost, "/images/get?names=", QueryValue(image));
  absl::StatusOr<net::HttpStream> answer = client->Open(request);
  if (!answer.ok()) return OfSocket(socket, answer.status());
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
  const absl::StatusOr<Spooled> spooled = Spool(*answer->body);
  if (!spooled.ok()) return about(spooled.status());
  const absl::Status broke = OfSocket(*socket, spooled->broke);
  const std::string called = absl::StrCat("what the daemon sent of ", image);
  std::shared_ptr<const ArchiveBlobs> blobs =
      ArchiveBlobs::OfFile(spooled->file, spooled->size, called, options.limits);
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
         spooled->size,
         std::string(broke.message()),
         {},
         {}});
  }
  return MakeImageTree(name.reference, std::move(archived), blobs, options.limits);
}

}  // namespace lre_audit
