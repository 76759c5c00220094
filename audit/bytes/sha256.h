#ifndef LRE_AUDIT_AUDIT_BYTES_SHA256_H_
#define LRE_AUDIT_AUDIT_BYTES_SHA256_H_

#include <memory>
#include <string>
#include <string_view>

namespace lre_audit {

// SHA-256 in one place (OpenSSL EVP, which uses SHA-NI).
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void Update(std::string_view data);
  std::string FinishHex();  // 64 lower-case hex digits; once
 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_BYTES_SHA256_H_
