// What glibc's dynamic loader derives from the CPU: sysdeps/x86_64/dl-hwcaps-subdirs.c and, for the
// legacy names, sysdeps/x86/cpu-features.c and sysdeps/x86/dl-hwcap.h.
#include "elf/search.h"

namespace lre_audit::elf {

Processor HostProcessor() {
  Processor processor;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
  const bool v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                  __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma");
  const bool avx512 = __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (v3 && avx512 && __builtin_cpu_supports("avx512f")) processor.levels.push_back("x86-64-v4");
  if (v3) processor.levels.push_back("x86-64-v3");
  if (v2) processor.levels.push_back("x86-64-v2");
  processor.platform = v3 ? "haswell" : "x86_64";
  processor.legacy = {"tls"};
  if (v3) processor.legacy.push_back("haswell");
  if (avx512) processor.legacy.push_back("avx512_1");
  processor.legacy.push_back("x86_64");
#elif defined(__aarch64__)
  processor.platform = "aarch64";
  processor.legacy = {"tls", "aarch64"};
#endif
  return processor;
}

}  // namespace lre_audit::elf
