// A body that survives the connection it comes by.
#ifndef LRE_AUDIT_AUDIT_NET_HTTP_BODY_H_
#define LRE_AUDIT_AUDIT_NET_HTTP_BODY_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit/net/attempts.h"
#include "audit/net/exchange.h"
#include "audit/net/http.h"

namespace lre_audit::net {

// What asks for the part of `request` from `position` on, as long as its ETag is `validator`
// (empty: whatever it is).
std::vector<std::string> RangeHeaders(const HttpRequest& request, uint64_t position,
                                      const std::string& validator);

class HttpBody : public ByteSource {
 public:
  // `request` as it was made; `where` is for messages.
  HttpBody(std::shared_ptr<HttpClient> client, HttpRequest request, std::string where,
           std::unique_ptr<Exchange> exchange, const Attempts& attempts);

  // What the head of the first answer says must agree with what was asked for: DataLoss if not.
  absl::Status Begin();
  // Of what Next() delivers, where it is known.
  std::optional<uint64_t> size() const;

  absl::StatusOr<std::string_view> Next() override;

 private:
  absl::Status ReadHead();  // of a new answer: where it starts, what it is part of
  absl::Status Broke(const std::string& how);
  absl::Status Reconnect();  // asks for what is still missing
  absl::Status Contradiction(const std::string& what) const;
  std::optional<uint64_t> end() const;  // position behind the last byte to deliver, if known

  const std::shared_ptr<HttpClient> client_;
  const HttpRequest request_;
  std::optional<uint64_t> expected_;  // bytes of the whole, as the request has it
  const std::string where_;
  std::unique_ptr<Exchange> exchange_;  // null when it broke
  Attempts attempts_;
  bool resumes_ = false;  // only what succeeded is worth resuming
  bool ended_ = false;
  std::optional<uint64_t> whole_;  // bytes of the whole resource, as the server says
  std::string validator_;          // its ETag, where that is a strong one
  uint64_t position_ = 0;          // of the next byte to deliver, in the whole
  uint64_t skip_ = 0;              // bytes of this answer that were delivered before
  uint64_t progress_ = 0;          // bytes since the retries were counted anew
};

}  // namespace lre_audit::net

#endif  // LRE_AUDIT_AUDIT_NET_HTTP_BODY_H_
