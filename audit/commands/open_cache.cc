#include "audit/commands/open_cache.h"

#include <mutex>
#include <string>
#include <utility>

#include "audit/scan/scanner_version.h"
#include "base/text.h"

namespace lre_audit {

std::unique_ptr<FactsCache> OpenCache(const CacheOptions& options, bool verbose,
                                      std::ostream& err) {
  FactsCacheOptions cache;
  cache.directory = DefaultCacheDirectory();
  if (!options.enabled || options.max_bytes == 0 || cache.directory.empty()) return nullptr;
  cache.version = ScannerVersion();
  cache.max_bytes = options.max_bytes;
  if (verbose) {
    cache.on_note = [&err, mutex = std::make_shared<std::mutex>()](const std::string& note) {
      const std::lock_guard<std::mutex> lock(*mutex);
      err << "cache: " << Escaped(note) << "\n";
    };
  }
  return std::make_unique<FactsCache>(std::move(cache));
}

}  // namespace lre_audit
