#include "tests/audit/cache/log_samples.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include <map>

#include "audit/bytes/byte_source.h"
#include "audit/cache/digest_function.h"
#include "audit/cache/wire.h"

namespace lre_audit::cache {

using tools::protos::ExecLogEntry;
using tools::protos::SpawnExec;

namespace {

void AddFile(std::string_view path, bool is_tool, tools::protos::File* file) {
  file->set_path(std::string(path));
  *file->mutable_digest() = SampleDigest(path);
  file->set_is_tool(is_tool);
}

void AddVariable(const char* name, const char* value, SpawnExec* spawn) {
  auto* variable = spawn->add_environment_variables();
  variable->set_name(name);
  variable->set_value(value);
}

class CompactWriter {
 public:
  explicit CompactWriter(bool since_7_4) : since_7_4_(since_7_4) {
    ExecLogEntry& entry = entries.emplace_back();
    entry.mutable_invocation()->set_hash_function_name("SHA-256");
    entry.mutable_invocation()->set_workspace_runfiles_directory("_main");
    entry.mutable_invocation()->set_id("sample");
  }

  void Add(const SpawnExec& spawn) {
    ExecLogEntry result;
    ExecLogEntry::Spawn& to = *result.mutable_spawn();
    *to.mutable_args() = spawn.command_args();
    *to.mutable_env_vars() = spawn.environment_variables();
    if (spawn.has_platform()) *to.mutable_platform() = spawn.platform();
    to.set_input_set_id(Set(spawn, false));
    to.set_tool_set_id(Set(spawn, true));
    for (const std::string& path : spawn.listed_outputs()) Output(spawn, path, to.add_outputs());
    to.set_target_label(spawn.target_label());
    to.set_mnemonic(spawn.mnemonic());
    to.set_exit_code(spawn.exit_code());
    to.set_status(spawn.status());
    to.set_runner(spawn.runner());
    to.set_cache_hit(spawn.cache_hit());
    to.set_remotable(spawn.remotable());
    to.set_cacheable(spawn.cacheable());
    to.set_remote_cacheable(spawn.remote_cacheable());
    if (spawn.has_digest()) *to.mutable_digest() = spawn.digest();
    to.set_timeout_millis(spawn.timeout_millis());
    if (spawn.has_metrics()) *to.mutable_metrics() = spawn.metrics();
    entries.push_back(result);
  }

  std::vector<ExecLogEntry> entries;

 private:
  enum Kind { kFile, kDirectory, kSymlink };

  uint32_t NewEntry(ExecLogEntry entry) {
    entry.set_id(++last_id_);
    entries.push_back(std::move(entry));
    return last_id_;
  }

  uint32_t File(const tools::protos::File& file, Kind* kind) {
    ExecLogEntry entry;
    *kind = file.symlink_target_path().empty() ? kFile : kSymlink;
    if (*kind == kSymlink) {
      entry.mutable_unresolved_symlink()->set_path(file.path());
      entry.mutable_unresolved_symlink()->set_target_path(file.symlink_target_path());
    } else {
      Fill(file, file.path(), entry.mutable_file());
    }
    uint32_t& id = known_[entry.SerializeAsString()];
    if (id == 0) id = NewEntry(entry);
    return id;
  }

  static void Fill(const tools::protos::File& file, const std::string& path,
                   ExecLogEntry::File* to) {
    to->set_path(path);
    if (file.digest().size_bytes() != 0) {
      to->mutable_digest()->set_hash(file.digest().hash());
      to->mutable_digest()->set_size_bytes(file.digest().size_bytes());
    }
  }

  template <typename Files>
  uint32_t Directory(const Files& files, const std::string& path) {
    ExecLogEntry entry;
    entry.mutable_directory()->set_path(path);
    for (const tools::protos::File& file : files) {
      if (file.path().rfind(path + "/", 0) == 0) {
        Fill(file, file.path().substr(path.size() + 1), entry.mutable_directory()->add_files());
      }
    }
    if (entry.directory().files().empty()) return 0;
    uint32_t& id = known_[entry.SerializeAsString()];
    if (id == 0) id = NewEntry(entry);
    return id;
  }

  uint32_t Set(const SpawnExec& spawn, bool tools) {
    // The first half in a set of their own.
    ExecLogEntry first, whole;
    int count = 0;
    bool has_tree = false;
    for (const tools::protos::File& file : spawn.inputs()) {
      if (tools && !file.is_tool()) continue;
      ExecLogEntry::InputSet& set =
          *(++count <= spawn.inputs().size() / 2 ? first : whole).mutable_input_set();
      if (file.path().rfind("tree/", 0) == 0) {
        if (has_tree) continue;
        has_tree = true;
        Include(Directory(spawn.inputs(), "tree"), kDirectory, &set);
        continue;
      }
      Kind kind = kFile;
      const uint32_t id = File(file, &kind);
      Include(id, kind, &set);
    }
    if (count == 0) return 0;
    if (first.has_input_set()) whole.mutable_input_set()->add_transitive_set_ids(NewEntry(first));
    return NewEntry(whole);
  }

  void Include(uint32_t id, Kind kind, ExecLogEntry::InputSet* set) const {
    if (since_7_4_) {
      set->add_input_ids(id);
    } else {
      (kind == kFile        ? set->mutable_file_ids()
       : kind == kDirectory ? set->mutable_directory_ids()
                            : set->mutable_unresolved_symlink_ids())
          ->Add(id);
    }
  }

  void Output(const SpawnExec& spawn, const std::string& path, ExecLogEntry::Output* output) {
    Kind kind = kFile;
    uint32_t id = 0;
    for (const tools::protos::File& file : spawn.actual_outputs()) {
      if (file.path() == path) id = File(file, &kind);
    }
    if (id == 0) {
      kind = kDirectory;
      id = Directory(spawn.actual_outputs(), path);
    }
    if (id == 0) {
      output->set_invalid_output_path(path);
    } else if (since_7_4_) {
      output->set_output_id(id);
    } else if (kind == kFile) {
      output->set_file_id(id);
    } else if (kind == kDirectory) {
      output->set_directory_id(id);
    } else {
      output->set_unresolved_symlink_id(id);
    }
  }

  const bool since_7_4_;
  uint32_t last_id_ = 0;
  std::map<std::string, uint32_t> known_;
};

}  // namespace

tools::protos::Digest SampleDigest(std::string_view path) {
  tools::protos::Digest digest;
  digest.set_hash(DigestOf(DigestFunction::kSha256, path).Hex());
  digest.set_size_bytes(static_cast<int64_t>(path.size()));
  digest.set_hash_function_name("SHA-256");
  return digest;
}

std::vector<SpawnExec> SampleSpawns() {
  SpawnExec compile;
  for (const char* argument : {"/usr/bin/gcc", "-Wall", "-c", "a/main.cc", "-o", "out/a/main.o"}) {
    compile.add_command_args(argument);
  }
  AddVariable("PATH", "/usr/bin:/bin", &compile);
  AddVariable("EMPTY", "", &compile);
  auto* property = compile.mutable_platform()->add_properties();
  property->set_name("container-image");
  property->set_value("docker://worker:1");
  for (const char* path :
       {"a/main.cc", "a/main.h", "tools/wrapper.sh", "tree/deep/one", "tree/two"}) {
    AddFile(path, std::string_view(path).starts_with("tools/"), compile.add_inputs());
  }
  auto* link = compile.add_inputs();
  link->set_path("a/link");
  link->set_symlink_target_path("../elsewhere");
  auto* empty = compile.add_inputs();
  empty->set_path("a/empty.h");
  empty->mutable_digest()->set_hash(DigestOf(DigestFunction::kSha256, "").Hex());
  compile.add_listed_outputs("out/a/main.o");
  AddFile("out/a/main.o", false, compile.add_actual_outputs());
  compile.set_remotable(true);
  compile.set_cacheable(true);
  compile.set_remote_cacheable(true);
  compile.set_timeout_millis(61'500);
  compile.set_mnemonic("CppCompile");
  compile.set_runner("remote cache hit");
  compile.set_cache_hit(true);
  compile.set_target_label("//a:main");
  *compile.mutable_digest() = SampleDigest("an action");
  compile.mutable_metrics()->mutable_total_time()->set_seconds(2);
  compile.mutable_metrics()->mutable_total_time()->set_nanos(500'000'000);
  compile.mutable_metrics()->mutable_execution_wall_time()->set_nanos(250'000'000);

  SpawnExec tree;
  tree.mutable_metrics()->mutable_total_time()->set_seconds(3);
  for (const char* argument : {"/bin/bash", "-c", "mkdir out/tree"})
    tree.add_command_args(argument);
  AddFile("a/main.cc", false, tree.add_inputs());
  tree.add_listed_outputs("out/missing");
  tree.add_listed_outputs("out/tree");
  AddFile("out/tree/b/two", false, tree.add_actual_outputs());
  AddFile("out/tree/one", false, tree.add_actual_outputs());
  tree.set_mnemonic("MakeTree");
  tree.set_runner("linux-sandbox");
  tree.set_status("NON_ZERO_EXIT");
  tree.set_exit_code(-1);
  tree.set_cacheable(true);
  tree.set_target_label("//tree");
  return {compile, tree};
}

std::string Delimited(const google::protobuf::MessageLite& message) {
  const std::string bytes = message.SerializeAsString();
  std::string delimited;
  AppendVarint(bytes.size(), &delimited);
  return delimited + bytes;
}

std::string BinaryLog(const std::vector<SpawnExec>& spawns) {
  std::string log;
  for (const SpawnExec& spawn : spawns) log += Delimited(spawn);
  return log;
}

std::string JsonLog(const std::vector<SpawnExec>& spawns, JsonStyle style) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = style != JsonStyle::kLines;
  options.preserve_proto_field_names = style == JsonStyle::kProtoNames;
  std::string log = style == JsonStyle::kArray ? "[" : "";
  for (const SpawnExec& spawn : spawns) {
    if (style == JsonStyle::kArray && &spawn != &spawns.front()) log += ",\n";
    EXPECT_TRUE(google::protobuf::util::MessageToJsonString(spawn, &log, options).ok());
    if (style == JsonStyle::kLines) log += '\n';
    // As Bazel has it: the end of one object and the begin of the next on one line.
    if (style == JsonStyle::kConcatenated) log.pop_back();
  }
  return style == JsonStyle::kArray ? log + "]\n" : log;
}

std::vector<ExecLogEntry> CompactEntries(const std::vector<SpawnExec>& spawns, bool since_7_4) {
  CompactWriter writer(since_7_4);
  for (const SpawnExec& spawn : spawns) writer.Add(spawn);
  return writer.entries;
}

std::string CompactLog(const std::vector<ExecLogEntry>& entries) {
  std::string log;
  for (const ExecLogEntry& entry : entries) log += Delimited(entry);
  return log;
}

std::string Zstd(std::string_view bytes, int frames) {
  std::string packed;
  for (int i = 0; i < frames; ++i) {
    const std::string_view part = bytes.substr(
        bytes.size() * i / frames, bytes.size() * (i + 1) / frames - bytes.size() * i / frames);
    std::string frame(ZSTD_compressBound(part.size()), '\0');
    frame.resize(ZSTD_compress(frame.data(), frame.size(), part.data(), part.size(), 3));
    packed += frame;
  }
  return packed;
}

ExecutionLog Read(std::string bytes) {
  StringSource source(std::move(bytes));
  absl::StatusOr<ExecutionLog> log = ReadExecutionLog(source, "sample", {});
  EXPECT_TRUE(log.ok()) << log.status();
  return log.ok() ? *std::move(log) : ExecutionLog();
}

std::vector<SpawnParts> Expand(const ExecutionLog& log) {
  std::vector<SpawnParts> all;
  for (size_t i = 0; i < log.spawns.size(); ++i) all.push_back(ExpandSpawn(log, log.spawns[i]));
  return all;
}

}  // namespace lre_audit::cache
