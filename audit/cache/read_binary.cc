// Binary logs: tools.protos.SpawnExec messages.
#include "absl/strings/str_cat.h"
#include "audit/cache/log_readers.h"

namespace lre_audit::cache {
namespace {

// Of a protobuf Duration. What does not fit is no time that a spawn took: 0.
bool ReadDuration(std::string_view message, int64_t* nanoseconds) {
  uint64_t seconds = 0, nanos = 0;
  WireReader reader(message);
  while (reader.Next()) {
    if (!reader.field().IsVarint()) continue;
    if (reader.field().number == 1) seconds = reader.field().value;
    if (reader.field().number == 2) nanos = reader.field().value;
  }
  const bool real = seconds < uint64_t{1} << 32 && nanos < 1'000'000'000;
  *nanoseconds = real ? static_cast<int64_t>(seconds * 1'000'000'000 + nanos) : 0;
  return reader.ok();
}

bool ReadFile(std::string_view message, SpawnExecView::File* file) {
  WireReader reader(message);
  bool whole = true;
  while (reader.Next()) {
    const WireField& field = reader.field();
    if (field.number == 1 && field.IsBytes()) file->path = field.bytes;
    if (field.number == 2 && field.IsBytes()) whole &= ReadDigest(field.bytes, file);
    if (field.number == 3 && field.IsVarint()) file->is_tool = field.value != 0;
    if (field.number == 4 && field.IsBytes()) file->symlink_target = field.bytes;
  }
  return reader.ok() && whole;
}

}  // namespace

bool ReadPair(std::string_view message, std::pair<std::string_view, std::string_view>* pair) {
  WireReader reader(message);
  while (reader.Next()) {
    if (!reader.field().IsBytes()) continue;
    if (reader.field().number == 1) pair->first = reader.field().bytes;
    if (reader.field().number == 2) pair->second = reader.field().bytes;
  }
  return reader.ok();
}

bool ReadPlatform(std::string_view message, SpawnExecView::Pairs* properties) {
  WireReader reader(message);
  bool whole = true;
  while (reader.Next()) {
    if (reader.field().number != 1 || !reader.field().IsBytes()) continue;
    whole &= ReadPair(reader.field().bytes, &properties->emplace_back());
  }
  return reader.ok() && whole;
}

bool ReadDigest(std::string_view message, SpawnExecView::File* file) {
  file->has_digest = true;
  WireReader reader(message);
  while (reader.Next()) {
    const WireField& field = reader.field();
    if (field.number == 1 && field.IsBytes()) file->hash = field.bytes;
    if (field.number == 2 && field.IsVarint()) file->size = field.value;
    if (field.number == 3 && field.IsBytes()) file->function = field.bytes;
  }
  return reader.ok();
}

bool ReadMetrics(std::string_view message, WallTimes* times) {
  WireReader reader(message);
  bool whole = true;
  while (reader.Next()) {
    const WireField& field = reader.field();
    if (!field.IsBytes()) continue;
    if (field.number == 1) whole &= ReadDuration(field.bytes, &times->total);
    if (field.number == 8) whole &= ReadDuration(field.bytes, &times->execution);
  }
  return reader.ok() && whole;
}

void BinaryLogReader::Read(std::string_view entry) {
  view_.Clear();
  bool whole = true;
  WireReader reader(entry);
  while (reader.Next()) {
    const WireField& field = reader.field();
    if (field.IsBytes()) {
      switch (field.number) {
        case 1:
          view_.arguments.push_back(field.bytes);
          break;
        case 2:
          whole &= ReadPair(field.bytes, &view_.environment.emplace_back());
          break;
        case 3:
          whole &= ReadPlatform(field.bytes, &view_.platform);
          break;
        case 4:
          whole &= ReadFile(field.bytes, &view_.inputs.emplace_back());
          break;
        case 5:
          view_.listed_outputs.push_back(field.bytes);
          break;
        case 10:
          view_.mnemonic = field.bytes;
          break;
        case 11:
          whole &= ReadFile(field.bytes, &view_.actual_outputs.emplace_back());
          break;
        case 12:
          view_.runner = field.bytes;
          break;
        case 14:
          view_.status = field.bytes;
          break;
        case 18:
          view_.label = field.bytes;
          break;
        case 19:
          whole &= ReadDigest(field.bytes, &view_.digest);
          break;
        case 20:
          whole &= ReadMetrics(field.bytes, &view_.times);
          break;
        default:
          break;
      }
    } else if (field.IsVarint()) {
      switch (field.number) {
        case 6:
          view_.remotable = field.value != 0;
          break;
        case 7:
          view_.cacheable = field.value != 0;
          break;
        case 8:
          view_.timeout_millis = field.value;
          break;
        case 13:
          view_.cache_hit = field.value != 0;
          break;
        case 15:
          view_.exit_code = static_cast<int32_t>(field.value);
          break;
        case 16:
          view_.remote_cacheable = field.value != 0;
          break;
        default:
          break;
      }
    }
  }
  if (!reader.ok()) {
    builder_.Warn(absl::StrCat("the spawn ", reader.error(), ", ", reader.offset(), " of its ",
                               entry.size(), " bytes in; what stands before is kept"));
  } else if (!whole) {
    builder_.Warn("a file, variable, property or digest of the spawn is cut off or damaged");
  }
  builder_.AddSpawnExec(view_);
}

}  // namespace lre_audit::cache
