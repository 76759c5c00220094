#include "audit/commands/cache_command.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "audit/commands/write_report.h"
#include "audit/facts/cache_directory.h"
#include "audit/facts/upkeep.h"
#include "audit/scan/scanner_version.h"
#include "base/text.h"
#include "reports/numbers.h"

namespace lre_audit {
namespace {

using Json = nlohmann::ordered_json;
using Action = CacheCommandOptions::Action;

Json JsonTime(const std::optional<absl::Time>& time) {
  if (!time) return nullptr;
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", *time, absl::UTCTimeZone());
}

std::string Entries(uint64_t count) {
  return count == 1 ? "1 entry" : absl::StrCat(Grouped(count), " entries");
}

void Write(const Json& json, std::ostream& out) {
  out << json.dump(1, ' ', false, Json::error_handler_t::replace) << "\n";
}

// One run, in a directory that is there.
class CacheRun {
 public:
  CacheRun(const CacheCommandOptions& options, const CacheDirectory& directory, std::ostream& out,
           std::ostream& err)
      : options_(options), directory_(directory), out_(out), err_(err) {
    json_["directory"] = Escaped(directory.path());
  }

  int Run() {
    switch (options_.action) {
      case Action::kShow:
        return Show();
      case Action::kPrune:
        return Prune();
      case Action::kVerify:
        return Verify();
    }
    return kExitUsage;
  }

 private:
  int Refuse(const absl::Status& status) {
    err_ << "error: " << ToStd(status.message()) << "\n";
    return kExitUsage;
  }

  int Show() {
    const absl::StatusOr<CacheSurvey> survey = SurveyCache(directory_, ScannerVersion());
    if (!survey.ok()) return Refuse(survey.status());
    if (options_.json) {
      AddWhatIsThere(survey->entries, survey->bytes);
      json_["max_bytes"] = options_.cache.max_bytes;
      json_["stale"] = survey->stale;
      json_["oldest"] = JsonTime(survey->oldest);
      json_["newest"] = JsonTime(survey->newest);
      Write(json_, out_);
      return kExitClean;
    }
    out_ << Escaped(directory_.path()) << "\n  " << Entries(survey->entries) << ", "
         << HumanBytes(survey->bytes) << " of at most " << HumanBytes(options_.cache.max_bytes)
         << "\n";
    if (survey->newest) {
      const auto show = [](absl::Time time) {
        return absl::FormatTime("%Y-%m-%d %H:%M", time, absl::UTCTimeZone());
      };
      out_ << "  last used " << show(*survey->newest) << " UTC, the least recently used "
           << show(*survey->oldest) << "\n";
    }
    if (survey->stale > 0) {
      out_ << "  " << Entries(survey->stale)
           << " of other versions of lre-audit: 'lre-audit cache prune' removes them\n";
    }
    return kExitClean;
  }

  int Prune() {
    CacheChange done;
    if (options_.all) {
      const absl::StatusOr<CacheChange> cleared = ClearCache(directory_);
      if (!cleared.ok()) return Refuse(cleared.status());
      done = *cleared;
    } else {
      const absl::StatusOr<CacheChange> stale = PruneStale(directory_, ScannerVersion());
      if (!stale.ok()) return Refuse(stale.status());
      const absl::StatusOr<CacheChange> pruned = PruneCache(directory_, options_.cache.max_bytes);
      if (!pruned.ok()) return Refuse(pruned.status());
      done = *pruned;
      done.removed += stale->removed;
      done.removed_bytes += stale->removed_bytes;
      done.failed += stale->failed;
    }
    if (options_.json) {
      json_["removed"] = done.removed;
      json_["removed_bytes"] = done.removed_bytes;
      AddWhatIsThere(done.entries, done.bytes);
      Write(json_, out_);
    } else {
      out_ << "removed " << Entries(done.removed) << ", " << HumanBytes(done.removed_bytes) << "; "
           << Entries(done.entries) << " left, " << HumanBytes(done.bytes) << "\n";
    }
    return ExitCode(done, kExitClean);
  }

  int Verify() {
    const absl::StatusOr<CacheChange> done = VerifyCache(directory_);
    if (!done.ok()) return Refuse(done.status());
    if (options_.json) {
      json_["removed"] = done->removed;
      AddWhatIsThere(done->entries, done->bytes);
      json_["bad"] = Json::array();
      for (const CacheChange::Bad& bad : done->bad) {
        json_["bad"].push_back({{"file", bad.file}, {"message", bad.message}});
      }
      Write(json_, out_);
    } else {
      for (const CacheChange::Bad& bad : done->bad) {
        out_ << bad.file << ": " << bad.message << "\n";
      }
      out_ << (done->bad.empty() ? "verified " : "removed what is bad; verified ")
           << Entries(done->entries) << ", " << HumanBytes(done->bytes) << "\n";
    }
    return ExitCode(*done, done->bad.empty() ? kExitClean : kExitFindings);
  }

  int ExitCode(const CacheChange& done, int otherwise) {
    if (done.failed == 0) return otherwise;
    return Refuse(absl::UnavailableError(
        absl::StrCat(Escaped(directory_.path()), ": could not remove ", Entries(done.failed))));
  }

  void AddWhatIsThere(uint64_t entries, uint64_t bytes) {
    json_["entries"] = entries;
    json_["bytes"] = bytes;
  }

  const CacheCommandOptions& options_;
  const CacheDirectory& directory_;
  std::ostream& out_;
  std::ostream& err_;
  Json json_;
};

// Where there is no directory, there is nothing in it.
int RunNowhere(const CacheCommandOptions& options, const std::string& directory,
               std::ostream& out) {
  if (options.json) {
    Json json = {{"directory", nullptr}, {"entries", 0}, {"bytes", 0}};
    if (!directory.empty()) json["directory"] = Escaped(directory);
    if (options.action == Action::kVerify) json["bad"] = Json::array();
    Write(json, out);
  } else if (directory.empty()) {
    out << "no facts are kept: none of LRE_AUDIT_CACHE_DIR, XDG_CACHE_HOME and HOME is set\n";
  } else {
    out << Escaped(directory) << "\n  nothing is kept there\n";
  }
  return kExitClean;
}

}  // namespace

int RunCache(const CacheCommandOptions& options, std::ostream& out, std::ostream& err) {
  const std::string path = DefaultCacheDirectory();
  if (path.empty()) return RunNowhere(options, path, out);
  const absl::StatusOr<CacheDirectory> directory = CacheDirectory::Open(path, /*create=*/false);
  if (absl::IsNotFound(directory.status())) return RunNowhere(options, path, out);
  if (!directory.ok()) {
    err << "error: " << ToStd(directory.status().message()) << "\n";
    return kExitUsage;
  }
  return CacheRun(options, *directory, out, err).Run();
}

}  // namespace lre_audit
