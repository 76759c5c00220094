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

// What a body is packed in beside what its narinfo says. Nix stores narinfos so in a bucket
// (narinfo-compression), and proxies pack what they pass on; the server then sends it so to
// everybody, whether or not the request allows it.
class ContentEncoding {
 public:
  static absl::StatusOr<ContentEncoding> Of(const net::Headers& headers, std::string_view url) {
    const std::string* const header = headers.Find("Content-Encoding");
    std::string name = header == nullptr ? "" : absl::AsciiStrToLower(*header);
    if (name == "identity") name.clear();
    if (name == "x-gzip") name = "gzip";
    ContentEncoding encoding(
        absl::StrCat(Escaped(url), ": Content-Encoding is ", Escaped(name.substr(0, 100)), ", "));
    if (name.empty()) return encoding;
    encoding.compression_ = CompressionNamed(name);
    if (encoding.compression_) return encoding;
    return absl::InvalidArgumentError(absl::StrCat(
        encoding.about_, "which is not supported; expected ", ToAbsl(kCompressionNames)));
  }

  // Nothing where the body is as it is.
  const std::optional<Compression>& compression() const { return compression_; }
  absl::Status Explain(const absl::Status& status) const {
    return absl::Status(status.code(),
                        absl::StrCat(about_, "but the body is not: ", status.message()));
  }

 private:
  explicit ContentEncoding(std::string about) : about_(std::move(about)) {}

  std::string about_;
  std::optional<Compression> compression_;
};

absl::StatusOr<std::string> Decoded(net::HttpAnswer answer, uint64_t limit) {
  LRE_ASSIGN_OR_RETURN(const ContentEncoding encoding,
                       ContentEncoding::Of(answer.headers, answer.url));
  if (!encoding.compression()) return std::move(answer.body);
  DecodeLimits limits;
  limits.bytes = limit;
  StringSource packed(std::move(answer.body));
  Inflater inflater(packed, limits, encoding.compression());
  absl::StatusOr<std::string> text = ReadAll(inflater, limit);
  return text.ok() ? std::move(text) : encoding.Explain(text.status());
}

class DecodedSource : public ByteSource {
 public:
  DecodedSource(std::unique_ptr<ByteSource> packed, const DecodeLimits& limits,
                ContentEncoding encoding)
      : packed_(std::move(packed)),
        encoding_(std::move(encoding)),
        inflater_(*packed_, limits, encoding_.compression()) {}
  absl::StatusOr<std::string_view> Next() override {
    const absl::StatusOr<std::string_view> piece = inflater_.Next();
    return piece.ok() ? piece : encoding_.Explain(piece.status());
  }

 private:
  const std::unique_ptr<ByteSource> packed_;
  const ContentEncoding encoding_;
  Inflater inflater_;
};

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
    LRE_ASSIGN_OR_RETURN(ContentEncoding encoding, ContentEncoding::Of(stream.headers, stream.url));
    auto body = std::make_unique<BodySource>(client_, std::move(stream));
    if (!encoding.compression()) return body;
    DecodeLimits limits;
    if (size) limits.bytes = *size;
    return std::make_unique<DecodedSource>(std::move(body), limits, std::move(encoding));
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
