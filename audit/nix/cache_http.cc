// A binary cache on a server, as nix-serve, harmonia, Cachix, S3 or cache.nixos.org show it.
// Source: Nix src/libstore/http-binary-cache-store.cc.
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "audit/bytes/inflate.h"
#include "audit/net/http.h"
#include "audit/net/url.h"
#include "audit/nix/cache_files.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::nix {
namespace {

// Enough to hide the way to a distant server; what Nix does by default.
constexpr int kConcurrency = 25;

// A body, and the client that it comes by.
class BodySource : public ByteSource {
 public:
  BodySource(std::shared_ptr<net::HttpClient> client, net::HttpStream stream)
      : client_(std::move(client)), stream_(std::move(stream)) {}
  absl::StatusOr<std::string_view> Next() override { return stream_.body->Next(); }

 private:
  const std::shared_ptr<net::HttpClient> client_;
  net::HttpStream stream_;
};

// S3 says 403 of what is not there, unless all may list the bucket.
absl::Status StatusOf(int status, const std::string& line, const std::string& url) {
  if (status == 200) return absl::OkStatus();
  const std::string message = absl::StrCat(Escaped(url), ": the server says ", Escaped(line));
  if (status == 404 || status == 410 || status == 403) return absl::NotFoundError(message);
  return absl::UnavailableError(absl::StrCat(message, ", expected 200 or 404"));
}

// Nix stores narinfos packed in a bucket (narinfo-compression), and the server then sends them so
// to everybody, whether or not the request allows it.
absl::StatusOr<std::string> Decoded(net::HttpAnswer answer, uint64_t limit) {
  const std::string* const header = answer.headers.Find("Content-Encoding");
  std::string encoding = header == nullptr ? "" : absl::AsciiStrToLower(*header);
  if (encoding.empty() || encoding == "identity") return std::move(answer.body);
  if (encoding == "x-gzip") encoding = "gzip";
  const auto about = [&](const absl::Status& status) {
    return absl::Status(status.code(),
                        absl::StrCat(Escaped(answer.url), ": Content-Encoding is ",
                                     Escaped(encoding.substr(0, 100)), ", ", status.message()));
  };
  const std::optional<Compression> compression = CompressionNamed(encoding);
  if (!compression) {
    return about(absl::InvalidArgumentError(
        absl::StrCat("which is not supported; expected ", ToAbsl(kCompressionNames))));
  }
  DecodeLimits limits;
  limits.bytes = limit;
  StringSource packed(std::move(answer.body));
  Inflater inflater(packed, limits, compression);
  absl::StatusOr<std::string> text = ReadAll(inflater, limit);
  if (!text.ok()) {
    return about(absl::Status(text.status().code(),
                              absl::StrCat("but the body is not: ", text.status().message())));
  }
  return text;
}

class CacheHttp : public CacheFiles {
 public:
  CacheHttp(std::string location, net::Url base, std::shared_ptr<net::HttpClient> client)
      : location_(std::move(location)), base_(std::move(base)), client_(std::move(client)) {}

  const std::string& location() const override { return location_; }
  int concurrency() const override { return kConcurrency; }

  absl::StatusOr<std::string> Read(const std::string& name, uint64_t limit) const override {
    LRE_ASSIGN_OR_RETURN(net::HttpAnswer answer, client_->Fetch({.url = base_.text + name}, limit));
    LRE_RETURN_IF_ERROR(StatusOf(answer.status, answer.status_line, answer.url));
    return Decoded(std::move(answer), limit);
  }

  absl::StatusOr<std::unique_ptr<ByteSource>> Open(const std::string& url,
                                                   std::optional<uint64_t> size) const override {
    LRE_ASSIGN_OR_RETURN(const std::string resolved, Resolve(url));
    LRE_ASSIGN_OR_RETURN(net::HttpStream stream, client_->Open({.url = resolved, .size = size}));
    LRE_RETURN_IF_ERROR(StatusOf(stream.status, stream.status_line, stream.url));
    return std::make_unique<BodySource>(client_, std::move(stream));
  }

  absl::StatusOr<std::vector<std::string>> ListNarInfos() const override {
    return absl::UnimplementedError(absl::StrCat(
        Escaped(location_),
        ": a binary cache on a server cannot be listed, only asked about paths; name the store "
        "paths, or copy the cache: nix copy --from ",
        Escaped(location_), " --to file:///DIR PATH"));
  }

 private:
  // A narinfo may spell its URL in full, as long as that is of the same server.
  absl::StatusOr<std::string> Resolve(const std::string& url) const {
    const absl::Status relative = CheckCachePath(url);
    if (relative.ok()) return base_.text + url;
    if (!url.starts_with("http://") && !url.starts_with("https://")) return relative;
    LRE_ASSIGN_OR_RETURN(const net::Url absolute, net::ParseUrl(url));
    if (absolute.Origin() == base_.Origin()) return absolute.text;
    return absl::InvalidArgumentError(absl::StrCat("URL \"", Escaped(absolute.Printable()),
                                                   "\" is of another server; expected one of ",
                                                   base_.Origin()));
  }

  const std::string location_;
  const net::Url base_;  // ends in '/'
  const std::shared_ptr<net::HttpClient> client_;
};

}  // namespace

bool IsCacheUrl(std::string_view source) {
  return source.starts_with("http://") || source.starts_with("https://");
}

absl::StatusOr<std::unique_ptr<CacheFiles>> OpenCacheUrl(const std::string& source) {
  // "?priority=10" and the like are Nix's own parameters.
  std::string text = source.substr(0, source.find('?'));
  if (!text.ends_with('/')) text += '/';
  LRE_ASSIGN_OR_RETURN(net::Url base, net::ParseUrl(text));
  LRE_ASSIGN_OR_RETURN(std::shared_ptr<net::HttpClient> client, net::HttpClient::Make({}));
  return std::make_unique<CacheHttp>(source, std::move(base), std::move(client));
}

}  // namespace lre_audit::nix
