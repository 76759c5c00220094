// How fast a log is read, and its keys are computed:
//
//   read_log_bench LOG [SPAWNS]    SPAWNS: of how many to compute the key, 0 by default
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "audit/cache/action_key.h"
#include "audit/cache/read_log.h"

int main(int argc, char** argv) {
  using Clock = std::chrono::steady_clock;
  using Seconds = std::chrono::duration<double>;
  if (argc < 2) return 2;
  lre_audit::SpareThreads threads(1);
  lre_audit::cache::ReadLogOptions options;
  options.threads = &threads;
  const Clock::time_point begin = Clock::now();
  const auto log = lre_audit::cache::ReadExecutionLogFile(argv[1], options);
  if (!log.ok()) {
    fprintf(stderr, "%s\n", std::string(log.status().message()).c_str());
    return 1;
  }
  const Clock::time_point read = Clock::now();
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const double seconds = Seconds(read - begin).count();
  const auto cpu = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  printf(
      "%zu spawns, %.0f MB in %.2f s (%.2f s of CPU): %.0f MB/s, %ld MB of memory, %zu warnings\n",
      log->spawns.size(), static_cast<double>(log->bytes) / 1e6, seconds,
      cpu(usage.ru_utime) + cpu(usage.ru_stime), static_cast<double>(log->bytes) / 1e6 / seconds,
      usage.ru_maxrss / 1000, static_cast<size_t>(log->warning_count));
  const lre_audit::cache::LogTables& tables = *log->tables;
  printf("of %zu strings, %zu artifacts, %zu sets, %zu symlinks\n", tables.strings.size(),
         tables.artifacts.size(), tables.sets.size(), log->symlink_actions.size());
  const size_t spawns = argc > 2 ? strtoul(argv[2], nullptr, 10) : 0;
  if (spawns == 0) return 0;
  lre_audit::cache::Verifier verifier(*log, nullptr);
  size_t computed = 0;
  for (size_t i = 0; i < spawns && i < log->spawns.size(); ++i, ++computed) {
    if (!verifier.Verify(log->spawns[i]).ok()) return 1;
  }
  printf("keys of %zu spawns in %.2f s\n", computed, Seconds(Clock::now() - read).count());
}
