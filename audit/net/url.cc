#include "audit/net/url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "audit/net/curl.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::net {
namespace {

constexpr size_t kLongestUrl = 16 << 10;  // presigned ones have some 2 KiB

std::string Part(const Curl& curl, CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl.url_get(url, part, &text, flags) != CURLUE_OK) return "";
  std::string copy = text;
  curl.free(text);
  return copy;
}

absl::StatusOr<Url> ParseOnce(const std::string& base, std::string_view text) {
  const auto refused = [&](const auto&... why) {
    const std::string_view query_free = text.substr(0, text.find('?')).substr(0, 200);
    return absl::InvalidArgumentError(absl::StrCat(Escaped(query_free), ": ", why...));
  };
  LRE_ASSIGN_OR_RETURN(const Curl* const curl, LoadCurl());
  if (text.size() > kLongestUrl) return refused("a URL of ", text.size(), " bytes");
  if (text.find('\0') != std::string_view::npos) return refused("a URL that holds a NUL");
  const std::unique_ptr<CURLU, void (*)(CURLU*)> url(curl->url(), curl->url_cleanup);
  if (url == nullptr) return absl::ResourceExhaustedError("out of memory");
  // With a base, the second one is resolved against it.
  if (!base.empty()) curl->url_set(url.get(), CURLUPART_URL, base.c_str(), 0);
  const CURLUcode code =
      curl->url_set(url.get(), CURLUPART_URL, std::string(text).c_str(), CURLU_NON_SUPPORT_SCHEME);
  if (code != CURLUE_OK) return refused("no URL: ", curl->url_strerror(code));
  Url parsed;
  parsed.scheme = Part(*curl, url.get(), CURLUPART_SCHEME);
  if (parsed.scheme != "https" && parsed.scheme != "http") {
    return refused("a URL of \"", Escaped(parsed.scheme), "\", expected https or http");
  }
  if (!Part(*curl, url.get(), CURLUPART_USER).empty() ||
      !Part(*curl, url.get(), CURLUPART_PASSWORD).empty()) {
    return absl::InvalidArgumentError("a URL that holds a user or a password is refused");
  }
  parsed.host = absl::AsciiStrToLower(Part(*curl, url.get(), CURLUPART_HOST));
  parsed.port = Part(*curl, url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  parsed.path = Part(*curl, url.get(), CURLUPART_PATH);
  if (parsed.host.empty()) return refused("a URL without a host");
  curl->url_set(url.get(), CURLUPART_FRAGMENT, nullptr, 0);
  parsed.text = Part(*curl, url.get(), CURLUPART_URL);
  return parsed;
}

absl::StatusOr<Url> Parse(const std::string& base, std::string_view text) {
  LRE_ASSIGN_OR_RETURN(Url url, ParseOnce(base, text));
  // libcurl decodes "12%2e7.1" and, given the result, connects to 12.7.0.1.
  const absl::StatusOr<Url> again = ParseOnce("", url.text);
  if (!again.ok() || again->Origin() != url.Origin()) {
    return absl::InvalidArgumentError(
        absl::StrCat(url.Printable().substr(0, 200), ": a URL whose host can be read in two ways"));
  }
  return url;
}

}  // namespace

std::string Url::Origin() const { return absl::StrCat(scheme, "://", host, ":", port); }

std::string Url::Printable() const {
  const bool is_default = port == (is_https() ? "443" : "80");
  return Escaped(
      absl::StrCat(scheme, "://", host, is_default ? "" : ":", is_default ? "" : port, path));
}

absl::StatusOr<Url> ParseUrl(std::string_view text) { return Parse("", text); }

absl::StatusOr<Url> ResolveUrl(const Url& base, std::string_view reference) {
  return Parse(base.text, reference);
}

bool IsLoopback(std::string_view host) {
  std::string name = absl::AsciiStrToLower(ToAbsl(host));
  if (name == "localhost" || absl::EndsWith(name, ".localhost")) return true;
  in_addr v4;
  if (inet_pton(AF_INET, name.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  in6_addr v6;
  return inet_pton(AF_INET6, name.c_str(), &v6) == 1 &&
         std::equal(v6.s6_addr, v6.s6_addr + 16, in6addr_loopback.s6_addr);
}

std::string PercentEncoded(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte) || c == '-' || c == '.' || c == '_' || c == '~') {
      encoded.push_back(c);
    } else {
      encoded.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return encoded;
}

std::string PercentDecoded(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text.size() - i > 2 && text[i] == '%' ? digit(text[i + 1]) : -1;
    const int low = high < 0 ? -1 : digit(text[i + 2]);
    if (low < 0) {
      decoded.push_back(text[i]);
    } else {
      decoded.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    }
  }
  return decoded;
}

}  // namespace lre_audit::net
