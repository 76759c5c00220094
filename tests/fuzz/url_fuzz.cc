// URLs, alone and as what an answer refers to: what was read of one names the same host again, and
// nothing that is shown or kept of it holds a password.
#include "audit/net/url.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

namespace {
void Check(const absl::StatusOr<net::Url>& url) {
  if (!url.ok()) return;
  net::IsLoopback(url->host);
  (void)url->Printable();
  const absl::StatusOr<net::Url> again = net::ParseUrl(url->text);
  if (!again.ok()) Wrong("the text of a URL is none");
  if (again->Origin() != url->Origin() || again->path != url->path) {
    Wrong("the text of a URL is another one");
  }
}
}  // namespace

void One(std::string_view input) {
  static const auto* const base =
      new absl::StatusOr<net::Url>(net::ParseUrl("https://registry.example:8443/v2/a/?b=c"));
  if (!base->ok()) Wrong("a URL that is one was refused");
  const uint8_t choice = TakeByte(input);
  Check(choice & 1 ? net::ResolveUrl(**base, input) : net::ParseUrl(input));
  net::IsLoopback(input);
  (void)net::PercentEncoded(input);
}

}  // namespace lre_audit::fuzz
