#include "audit/cache/build_events.h"

#include <google/protobuf/util/json_util.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/cache/entry_reader.h"
#include "audit/cache/packed_log.h"
#include "audit/cache/proto/build_events.pb.h"
#include "audit/cache/sniff_log.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::cache {
namespace {

using build_event_stream::BuildEvent;
using FileSets =
    google::protobuf::RepeatedPtrField<build_event_stream::BuildEventId::NamedSetOfFilesId>;

// A set of files is told before who refers to it; what is told twice counts once.
class Collector {
 public:
  explicit Collector(BuildEvents* events) : events_(events) {}

  void Add(const BuildEvent& event) {
    ++events_->events;
    switch (event.payload_case()) {
      case BuildEvent::kStarted:
        events_->invocation_id = event.started().uuid();
        events_->tool_version = event.started().build_tool_version();
        break;
      case BuildEvent::kOptionsParsed:
        events_->has_options = true;
        events_->options.assign(event.options_parsed().cmd_line().begin(),
                                event.options_parsed().cmd_line().end());
        break;
      case BuildEvent::kNamedSetOfFiles:
        AddSet(event);
        break;
      case BuildEvent::kCompleted:
        for (const auto& group : event.completed().output_group()) {
          Label(group.file_sets(), event.id().target_completed().label());
        }
        break;
      default:
        break;
    }
    if (event.id().has_action_completed()) {
      const auto& action = event.id().action_completed();
      if (!action.label().empty()) events_->labels[action.primary_output()] = action.label();
    }
  }

 private:
  struct Set {
    std::vector<std::string> files, sets;
  };

  void AddSet(const BuildEvent& event) {
    Set& set = sets_[event.id().named_set().id()];
    for (const build_event_stream::File& file : event.named_set_of_files().files()) {
      std::string path;
      for (const std::string& part : file.path_prefix()) absl::StrAppend(&path, part, "/");
      set.files.push_back(path + file.name());
    }
    for (const auto& other : event.named_set_of_files().file_sets()) {
      set.sets.push_back(other.id());
    }
  }

  // Files belong to the first target that has them: what a later one depends on.
  void Label(const FileSets& roots, const std::string& label) {
    std::vector<std::string> open;
    for (const auto& root : roots) open.push_back(root.id());
    while (!open.empty()) {
      const auto found = sets_.find(open.back());
      open.pop_back();
      if (found == sets_.end()) continue;
      const Set set = std::move(found->second);
      sets_.erase(found);
      for (const std::string& file : set.files) events_->labels.try_emplace(file, label);
      open.insert(open.end(), set.sets.begin(), set.sets.end());
    }
  }

  BuildEvents* events_;
  absl::flat_hash_map<std::string, Set> sets_;
};

bool ParseEvent(bool is_json, std::string_view entry, BuildEvent* event) {
  event->Clear();
  if (!is_json) return event->ParseFromArray(entry.data(), static_cast<int>(entry.size()));
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  return google::protobuf::util::JsonStringToMessage(std::string(entry), event, options).ok();
}

}  // namespace

absl::StatusOr<BuildEvents> ReadBuildEvents(ByteSource& source, std::string_view name,
                                            const ReadLogOptions& options) {
  PackedLog packed(source, options);
  LRE_ASSIGN_OR_RETURN(const LogKind kind, packed.Sniff());
  if (kind != LogKind::kBuildEvents) {
    return absl::InvalidArgumentError(
        absl::StrCat("no build events: ", ToAbsl(Describe(kind)),
                     "; expected what Bazel writes with --build_event_json_file or "
                     "--build_event_binary_file"));
  }
  BuildEvents events;
  events.name = name;
  Collector collector(&events);
  const auto warn = [&](const EntryReader& entry, std::string message) {
    AddWarning(entry, std::move(message), &events);
  };
  BuildEvent event;
  const auto read = [&](const EntryReader& entry) {
    if (ParseEvent(packed.is_json(), entry.entry(), &event)) {
      collector.Add(event);
    } else {
      warn(entry, absl::StrCat("it is no event: its ", entry.entry().size(),
                               " bytes are no build_event_stream.BuildEvent"));
    }
    return true;
  };
  events.bytes = packed.ReadEntries(read, warn);
  return events;
}

absl::StatusOr<BuildEvents> ReadBuildEventsFile(const std::string& path,
                                                const ReadLogOptions& options) {
  return ReadLogFile(ReadBuildEvents, path, options);
}

}  // namespace lre_audit::cache
