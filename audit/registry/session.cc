#include "audit/registry/session.h"

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "audit/net/tls.h"
#include "audit/net/url.h"
#include "base/status.h"
#include "base/text.h"
#include "nlohmann/json.hpp"

namespace lre_audit::registry {
namespace {

constexpr uint64_t kMostPingBytes = 1 << 20;
constexpr uint64_t kMostErrorBytes = 64 << 10;

// In the order of what says most.
constexpr char kAccept[] =
    "Accept: application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json";

// The certificates for a registry: what the user names, else the first directory of it that is
// there, of those of containers/image and docker.
absl::StatusOr<net::TlsSettings> CertificatesFor(const ImageName& name,
                                                 const RegistryOptions& options,
                                                 const Environment& environment) {
  if (!options.cert_dir.empty()) return net::ReadCertificates(options.cert_dir);
  std::vector<std::string> places;
  if (const std::string home = environment("HOME"); !home.empty()) {
    places.push_back(home + "/.config/containers/certs.d/");
  }
  places.insert(places.end(), {"/etc/containers/certs.d/", "/etc/docker/certs.d/"});
  for (const std::string& place : places) {
    std::error_code error;
    const std::string directory = place + name.domain;
    if (std::filesystem::is_directory(directory, error)) return net::ReadCertificates(directory);
  }
  return net::TlsSettings();
}

// "MANIFEST_UNKNOWN: manifest unknown" of the errors that registries answer with; empty if there is
// no such thing.
std::string ErrorOf(const std::string& body) {
  const auto json = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("errors") || !json["errors"].is_array() ||
      json["errors"].empty() || !json["errors"][0].is_object()) {
    return "";
  }
  const auto& first = json["errors"][0];
  const auto text = [&](const char* key) {
    constexpr size_t kLongest = 200;
    return first.contains(key) && first[key].is_string()
               ? Escaped(first[key].get<std::string>().substr(0, kLongest))
               : "";
  };
  const std::string code = text("code"), message = text("message");
  return code.empty() || message.empty() ? code + message : absl::StrCat(code, ": ", message);
}

// "application/json; charset=utf-8" without its parameters.
std::string MediaType(const std::string* content_type) {
  if (content_type == nullptr) return "";
  const absl::string_view type =
      absl::string_view(*content_type).substr(0, content_type->find(';'));
  return absl::AsciiStrToLower(absl::StripAsciiWhitespace(type));
}

// What file servers say of a file about which they know nothing.
bool SaysNothing(const std::string& media_type) {
  return media_type == "application/json" || media_type == "text/plain" ||
         media_type == "application/octet-stream" || media_type == "binary/octet-stream";
}

}  // namespace

absl::StatusOr<std::unique_ptr<Session>> Session::Connect(const ImageName& name,
                                                          const RegistryOptions& options,
                                                          const Environment& environment) {
  auto session = std::unique_ptr<Session>(new Session());
  session->name_ = name;
  LRE_ASSIGN_OR_RETURN(Credentials credentials,
                       FindCredentials(name, options.authfile, environment));
  net::HttpSettings settings;
  LRE_ASSIGN_OR_RETURN(settings.tls, CertificatesFor(name, options, environment));
  settings.tls.verify = options.tls_verify;
  settings.limits = options.limits;
  LRE_ASSIGN_OR_RETURN(session->client_, net::HttpClient::Make(settings));
  // A certificate of the client is for the registry alone.
  settings.tls.certificate.clear();
  settings.tls.key.clear();
  LRE_ASSIGN_OR_RETURN(const std::shared_ptr<net::HttpClient> tokens,
                       net::HttpClient::Make(settings));

  LRE_ASSIGN_OR_RETURN(net::Url base, net::ParseUrl(absl::StrCat("https://", name.Host(), "/v2/")));
  const bool may_be_plain = !options.tls_verify || net::IsLoopback(base.host);
  absl::StatusOr<net::HttpAnswer> ping =
      session->client_->Fetch({.url = base.text}, kMostPingBytes);
  // Nobody there who speaks TLS, which is another thing than somebody who is not believed.
  const bool no_tls = absl::IsFailedPrecondition(ping.status());
  if ((no_tls || absl::IsUnavailable(ping.status())) && may_be_plain) {
    LRE_ASSIGN_OR_RETURN(base, net::ParseUrl(absl::StrCat("http://", name.Host(), "/v2/")));
    ping = session->client_->Fetch({.url = base.text}, kMostPingBytes);
  }
  if (!ping.ok()) {
    const char* advice = "";
    if (no_tls && !may_be_plain) advice = "; for a registry of plain HTTP: --tls-verify=false";
    if (absl::IsUnauthenticated(ping.status())) advice = ": --cert-dir DIR, or --tls-verify=false";
    return absl::Status(ping.status().code(), absl::StrCat(ping.status().message(), advice));
  }
  if (ping->status != 200 && ping->status != 401) {
    return absl::DataLossError(absl::StrCat(ping->url, ": answers ", Escaped(ping->status_line),
                                            ", expected 200 or 401: is there a registry?"));
  }
  session->base_ = base.text;
  session->authorizer_ =
      std::make_shared<RegistryAuthorizer>(base, name.repository, std::move(credentials), tokens);
  if (ping->status == 401) session->authorizer_->Learn(ping->headers.All("WWW-Authenticate"));
  return session;
}

absl::Status Session::Refusal(const std::string& what, int status, const std::string& status_line,
                              const std::string& body) const {
  const std::string error = ErrorOf(body);
  const std::string says = error.empty() ? Escaped(status_line) : error;
  if (status == 404) {
    return absl::NotFoundError(absl::StrCat(name_.Repository(), " has no ", what, " (", says, ")"));
  }
  if (status == 401 || status == 403) {
    const Credentials& credentials = authorizer_->credentials();
    return absl::PermissionDeniedError(absl::StrCat(
        name_.Repository(), ": ",
        credentials.empty()
            ? "is not there, or not for everybody"
            : absl::StrCat("the credentials from ", Escaped(credentials.source), " are refused"),
        " (", says, "); skopeo login ", name_.domain, " or --authfile FILE"));
  }
  return absl::UnavailableError(
      absl::StrCat(name_.Repository(), ": asked for ", what, ", the registry answers ", says));
}

absl::StatusOr<Manifest> Session::GetManifest(const std::string& reference,
                                              uint64_t most_bytes) const {
  net::HttpRequest request;
  request.url = absl::StrCat(base_, name_.repository, "/manifests/", reference);
  request.headers = {kAccept};
  request.authorizer = authorizer_;
  LRE_ASSIGN_OR_RETURN(net::HttpAnswer answer, client_->Fetch(request, most_bytes));
  const bool is_digest = absl::StrContains(reference, ":");
  if (answer.status != 200) {
    return Refusal(absl::StrCat(is_digest ? "manifest " : "tag ", reference), answer.status,
                   answer.status_line, answer.body);
  }
  Manifest manifest;
  manifest.media_type = MediaType(answer.headers.Find("Content-Type"));
  if (absl::StartsWith(manifest.media_type, "text/html")) {
    return absl::DataLossError(absl::StrCat(
        answer.url, ": answers with a page of HTML, expected a manifest: is there a registry?"));
  }
  if (SaysNothing(manifest.media_type)) manifest.media_type.clear();
  if (const std::string* digest = answer.headers.Find("Docker-Content-Digest")) {
    manifest.digest = *digest;
  }
  manifest.body = std::move(answer.body);
  return manifest;
}

absl::StatusOr<net::HttpStream> Session::GetBlob(const Digest& digest,
                                                 std::optional<uint64_t> size) const {
  net::HttpRequest request;
  request.url = absl::StrCat(base_, name_.repository, "/blobs/", digest.ToString());
  request.authorizer = authorizer_;
  request.size = size;
  LRE_ASSIGN_OR_RETURN(net::HttpStream stream, client_->Open(request));
  if (stream.status == 200) return stream;
  const absl::StatusOr<std::string> body = ReadAll(*stream.body, kMostErrorBytes);
  return Refusal(absl::StrCat("blob ", digest.ToString()), stream.status, stream.status_line,
                 body.ok() ? *body : "");
}

}  // namespace lre_audit::registry
