// The store that tests state: a loader, a program, a library, and a path that is not there.
#ifndef LRE_AUDIT_TESTS_SUPPORT_STORE_PATHS_H_
#define LRE_AUDIT_TESTS_SUPPORT_STORE_PATHS_H_

#include <string>

namespace lre_audit {

inline const std::string kStore = "/nix/store";
inline const std::string kGlibc = kStore + "/0m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-glibc-2.42";
inline const std::string kMake = kStore + "/1m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-make-4.3";
inline const std::string kZlib = kStore + "/2m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-zlib-1.3";
inline const std::string kGone = kStore + "/3m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-gone-1.0";
inline const std::string kLoader = kGlibc + "/lib/ld-linux-x86-64.so.2";

}  // namespace lre_audit

#endif  // LRE_AUDIT_TESTS_SUPPORT_STORE_PATHS_H_
