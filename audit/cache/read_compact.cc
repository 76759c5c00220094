// Compact logs: tools.protos.ExecLogEntry messages, each defining what later ones refer to by id.
// Both encodings of input sets and outputs are read, whichever the entry has: before Bazel 7.4
// files, directories and symlinks had fields of their own.
#include "absl/strings/str_cat.h"
#include "audit/cache/log_readers.h"
#include "base/text.h"

namespace lre_audit::cache {
namespace {

// Ids up to this, or up to eight for each entry that defines one, are indexes of an array.
constexpr uint32_t kNearIds = 1 << 16;
// Ids of artifacts and sets have two bits for something else.
constexpr uint32_t kMaxIndex = (1u << 30) - 1;

const char* const kKindNames[] = {"nothing", "a file, directory, symlink or runfiles tree",
                                  "an input set", "a set of symlinks"};

}  // namespace

bool CompactLogReader::Checked(const WireReader& reader, const char* message) {
  if (reader.ok()) return true;
  builder_.Warn(absl::StrCat("its ", message, " ", reader.error(), ", ", reader.offset(),
                             " bytes in; what stands before is kept"));
  return false;
}

void CompactLogReader::Define(uint32_t id, Kind kind, uint32_t index) {
  if (id == 0) return;  // nothing can refer to it
  if (index > kMaxIndex) {
    builder_.Warn("there are more than a thousand million entries");
    return;
  }
  const uint32_t value = index << 2 | kind;
  ++defined_;
  if (id < ids_.size()) {
    ids_[id] = value;
  } else if (id < kNearIds || id / 8 < defined_) {
    // Bazel numbers them one after the other.
    while (ids_.size() < id) ids_.Add(0);
    ids_.Add(value);
  } else {
    far_ids_[id] = value;
  }
}

uint32_t CompactLogReader::Resolve(uint64_t id, Kind kind) {
  if (id == 0) return 0;
  uint32_t value = 0;
  if (id < ids_.size()) value = ids_[id];
  if (value == 0 && id <= UINT32_MAX) {
    const auto found = far_ids_.find(static_cast<uint32_t>(id));
    if (found != far_ids_.end()) value = found->second;
  }
  if ((value & 3) == kind) return value >> 2;
  if (value == 0) {
    builder_.Warn(absl::StrCat("it refers to id ", id,
                               ", which no entry before it has: an entry is lost, or sets form a "
                               "cycle"));
  } else {
    builder_.Warn(absl::StrCat("it refers to id ", id, " as ", kKindNames[kind], ", which is ",
                               kKindNames[value & 3]));
  }
  return 0;
}

// Repeated numbers come packed or one by one.
void CompactLogReader::ResolveField(const WireField& field, Kind kind,
                                    std::vector<uint32_t>* indexes) {
  const auto add = [&](uint64_t id) {
    if (const uint32_t index = Resolve(id, kind); index != 0) indexes->push_back(index);
  };
  if (field.IsVarint()) add(field.value);
  if (!field.IsBytes()) return;
  WireReader numbers(field.bytes);
  uint64_t id = 0;
  while (numbers.offset() < field.bytes.size() && numbers.Varint(&id)) add(id);
  Checked(numbers, "list of ids");
}

void CompactLogReader::Invocation(std::string_view message) {
  ExecutionLog& log = builder_.log;
  if (has_invocation_) {
    builder_.Warn(
        "it begins another invocation: two logs in one file? Their spawns are one log here");
  }
  has_invocation_ = true;
  WireReader reader(message);
  while (reader.Next()) {
    const WireField& field = reader.field();
    if (field.number == 1 && field.IsBytes()) builder_.SetFunction(field.bytes);
    if (field.number == 2 && field.IsBytes()) log.workspace_runfiles_directory = field.bytes;
    if (field.number == 3 && field.IsVarint()) log.sibling_repository_layout = field.value != 0;
    if (field.number == 4 && field.IsBytes()) log.invocation_id = field.bytes;
  }
  Checked(reader, "invocation");
}

Artifact CompactLogReader::File(std::string_view message) {
  Artifact artifact;
  SpawnExecView::File digest;
  bool whole = true;
  WireReader reader(message);
  while (reader.Next()) {
    const WireField& field = reader.field();
    if (field.number == 1 && field.IsBytes())
      artifact.path = builder_.log.tables->strings.Intern(field.bytes);
    if (field.number == 2 && field.IsBytes()) whole &= ReadDigest(field.bytes, &digest);
  }
  if (digest.has_digest) builder_.SetDigest(digest.hash, digest.size, &artifact);
  if (!Checked(reader, "file")) artifact.damaged = 1;
  if (!whole) {
    artifact.damaged = 1;
    builder_.Warn("a file's digest is cut off or damaged");
  }
  return artifact;
}

void CompactLogReader::Directory(uint32_t id, std::string_view message) {
  Artifact tree;
  tree.kind = Artifact::kDirectory;
  std::vector<uint32_t> files;
  WireReader reader(message);
  while (reader.Next()) {
    const WireField& field = reader.field();
    if (!field.IsBytes()) continue;
    if (field.number == 1) tree.path = builder_.log.tables->strings.Intern(field.bytes);
    if (field.number == 2) {
      const Artifact file = File(field.bytes);
      if (file.damaged) tree.damaged = 1;
      files.push_back(builder_.AddArtifact(file));
    }
  }
  if (!Checked(reader, "directory")) tree.damaged = 1;
  tree.detail = builder_.log.tables->lists.Intern(files);
  Define(id, kArtifact, builder_.AddArtifact(tree));
}

void CompactLogReader::UnresolvedSymlink(uint32_t id, std::string_view message) {
  Artifact symlink;
  symlink.kind = Artifact::kSymlink;
  WireReader reader(message);
  while (reader.Next()) {
    const WireField& field = reader.field();
    if (!field.IsBytes()) continue;
    if (field.number == 1) symlink.path = builder_.log.tables->strings.Intern(field.bytes);
    if (field.number == 2) symlink.detail = builder_.log.tables->strings.Intern(field.bytes);
  }
  if (!Checked(reader, "symlink")) symlink.damaged = 1;
  Define(id, kArtifact, builder_.AddArtifact(symlink));
}

void CompactLogReader::InputSetEntry(uint32_t id, std::string_view message) {
  direct_.clear();
  sets_.clear();
  WireReader reader(message);
  while (reader.Next()) {
    const WireField& field = reader.field();
    switch (field.number) {
      case 1:
      case 2:
      case 3:
      case 5:
        if (field.number == 5) builder_.log.has_input_ids = true;
        ResolveField(field, kArtifact, &direct_);
        break;
      case 4:
        ResolveField(field, kSet, &sets_);
        break;
      default:
        break;
    }
  }
  Checked(reader, "input set");
  Define(id, kSet, builder_.AddSet(direct_, sets_, builder_.entry_damaged()));
}

void CompactLogReader::SymlinkEntrySet(uint32_t id, std::string_view message) {
  direct_.clear();
  sets_.clear();
  WireReader reader(message);
  while (reader.Next()) {
    const WireField& field = reader.field();
    if (field.number == 2) ResolveField(field, kSymlinkSet, &sets_);
    if (field.number != 1 || !field.IsBytes()) continue;
    // An entry of a map is a message {key 1, value 2}.
    std::string_view path;
    uint64_t target = 0;
    WireReader entry(field.bytes);
    while (entry.Next()) {
      if (entry.field().number == 1 && entry.field().IsBytes()) path = entry.field().bytes;
      if (entry.field().number == 2 && entry.field().IsVarint()) target = entry.field().value;
    }
    Checked(entry, "entry of a set of symlinks");
    direct_.push_back(builder_.log.tables->strings.Intern(path));
    direct_.push_back(Resolve(target, kArtifact));
  }
  Checked(reader, "set of symlinks");
  SymlinkSet set;
  set.pairs = builder_.log.tables->lists.Add(direct_);
  set.sets = builder_.log.tables->lists.Add(sets_);
  set.damaged = builder_.entry_damaged();
  Define(id, kSymlinkSet, builder_.log.tables->symlink_sets.Add(set));
}

void CompactLogReader::Runfiles(uint32_t id, std::string_view message) {
  ExecutionLog& log = builder_.log;
  Artifact tree;
  tree.kind = Artifact::kRunfilesTree;
  RunfilesTree runfiles;
  direct_.clear();
  WireReader reader(message);
  while (reader.Next()) {
    const WireField& field = reader.field();
    if (field.IsVarint()) {
      if (field.number == 2) runfiles.inputs = Resolve(field.value, kSet);
      if (field.number == 3) runfiles.symlinks = Resolve(field.value, kSymlinkSet);
      if (field.number == 4) runfiles.root_symlinks = Resolve(field.value, kSymlinkSet);
      if (field.number == 7) runfiles.legacy_external_runfiles = field.value != 0;
    } else if (field.IsBytes()) {
      if (field.number == 1) tree.path = log.tables->strings.Intern(field.bytes);
      if (field.number == 5) direct_.push_back(log.tables->strings.Intern(field.bytes));
      if (field.number == 6) runfiles.repo_mapping = builder_.AddArtifact(File(field.bytes));
    }
  }
  Checked(reader, "runfiles tree");
  tree.damaged = builder_.entry_damaged();
  runfiles.empty_files = log.tables->lists.Add(direct_);
  tree.detail = log.tables->runfiles_trees.Add(runfiles);
  Define(id, kArtifact, builder_.AddArtifact(tree));
}

void CompactLogReader::SpawnEntry(std::string_view message) {
  ExecutionLog& log = builder_.log;
  view_.Clear();
  outputs_.clear();
  Spawn spawn = builder_.NewSpawn();
  bool whole = true;
  WireReader reader(message);
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
        case 6: {
          WireReader output(field.bytes);
          while (output.Next()) {
            const WireField& type = output.field();
            if (type.number == 4 && type.IsBytes()) {
              outputs_.push_back(log.tables->strings.Intern(type.bytes) | Spawn::kPathOnly);
            } else if (type.IsVarint() && type.number != 4 && type.number <= 5) {
              if (const uint32_t made = Resolve(type.value, kArtifact); made != 0) {
                outputs_.push_back(made);
              }
            }
          }
          Checked(output, "output");
          break;
        }
        case 7:
          spawn.label = log.tables->strings.Intern(field.bytes);
          log.has_labels = true;
          break;
        case 8:
          spawn.mnemonic = log.tables->strings.Intern(field.bytes);
          break;
        case 10:
          spawn.status = log.tables->strings.Intern(field.bytes);
          break;
        case 11:
          spawn.runner = log.tables->strings.Intern(field.bytes);
          break;
        case 16: {
          SpawnExecView::File digest;
          whole &= ReadDigest(field.bytes, &digest);
          builder_.SetDigest(digest.hash, digest.size, &spawn);
          break;
        }
        case 18: {
          WallTimes times;
          whole &= ReadMetrics(field.bytes, &times);
          spawn.nanoseconds = times.OfSpawn();
          break;
        }
        default:
          break;
      }
    } else if (field.IsVarint()) {
      switch (field.number) {
        case 4:
          spawn.inputs = Resolve(field.value, kSet);
          break;
        case 5:
          spawn.tools = Resolve(field.value, kSet);
          break;
        case 9:
          spawn.exit_code = static_cast<int32_t>(field.value);
          break;
        case 12:
          spawn.cache_hit = field.value != 0;
          break;
        case 13:
          spawn.remotable = field.value != 0;
          break;
        case 14:
          spawn.cacheable = field.value != 0;
          break;
        case 15:
          spawn.remote_cacheable = field.value != 0;
          break;
        case 17:
          spawn.timeout_millis = field.value;
          break;
        default:
          break;
      }
    }
  }
  Checked(reader, "spawn");
  if (!whole) builder_.Warn("a variable, property or digest of the spawn is cut off or damaged");
  spawn.arguments = builder_.InternArguments(view_.arguments);
  spawn.environment = builder_.InternEnvironment(view_.environment);
  spawn.platform = builder_.InternPlatform(view_.platform);
  spawn.outputs = log.tables->lists.Add(outputs_);
  spawn.damaged = builder_.entry_damaged();
  log.spawns.Add(spawn);
}

void CompactLogReader::SymlinkActionEntry(std::string_view message) {
  SymlinkAction action;
  action.offset = builder_.offset();
  action.entry = static_cast<uint32_t>(builder_.entry());
  WireReader reader(message);
  while (reader.Next()) {
    const WireField& field = reader.field();
    if (!field.IsBytes()) continue;
    if (field.number == 1) action.input = builder_.log.tables->strings.Intern(field.bytes);
    if (field.number == 2) action.output = builder_.log.tables->strings.Intern(field.bytes);
    if (field.number == 3) action.label = builder_.log.tables->strings.Intern(field.bytes);
    if (field.number == 4) action.mnemonic = builder_.log.tables->strings.Intern(field.bytes);
  }
  Checked(reader, "symlink action");
  builder_.log.symlink_actions.Add(action);
}

void CompactLogReader::Read(std::string_view entry) {
  uint64_t id = 0;
  uint32_t type = 0;
  std::string_view message;
  WireReader reader(entry);
  while (reader.Next()) {
    const WireField& field = reader.field();
    if (field.number == 1 && field.IsVarint()) id = field.value;
    if (field.number > 1 && field.IsBytes()) {
      type = field.number;
      message = field.bytes;
    }
  }
  if (!reader.ok()) {
    builder_.Warn(absl::StrCat("it ", reader.error(), ", ", reader.offset(), " of its ",
                               entry.size(), " bytes in"));
  }
  if (id > UINT32_MAX) {
    builder_.Warn(absl::StrCat("its id, ", id, ", is no 32-bit number"));
    id = 0;
  }
  const uint32_t number = static_cast<uint32_t>(id);
  switch (type) {
    case 2:
      Invocation(message);
      break;
    case 3: {
      const Artifact file = File(message);
      Define(number, kArtifact, builder_.AddArtifact(file));
      break;
    }
    case 4:
      Directory(number, message);
      break;
    case 5:
      UnresolvedSymlink(number, message);
      break;
    case 6:
      InputSetEntry(number, message);
      break;
    case 7:
      SpawnEntry(message);
      break;
    case 8:
      SymlinkActionEntry(message);
      break;
    case 9:
      SymlinkEntrySet(number, message);
      break;
    case 10:
      Runfiles(number, message);
      break;
    case 0:
      if (reader.ok()) builder_.Warn("it is empty: neither spawn nor anything that one refers to");
      break;
    default:
      builder_.Warn(absl::StrCat("it is of a type that is not known, ", type,
                                 ": of a Bazel newer than this program?"));
      break;
  }
}

}  // namespace lre_audit::cache
