#include "tests/audit/trees/support.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "audit/bytes/sha256.h"
#include "audit/nix/nar.h"
#include "audit/trees/tar_reader.h"

namespace lre_audit {

std::string Shell(const std::string& command) {
  std::string output;
  const std::string script = "set -euo pipefail; " + command;
  const std::string quoted = [&script] {
    std::string text = "'";
    for (const char c : script) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return text + "'";
  }();
  FILE* pipe = popen(("bash -c " + quoted).c_str(), "r");
  if (pipe == nullptr) {
    ADD_FAILURE() << "popen: " << command;
    return output;
  }
  std::array<char, 4096> buffer;
  while (const size_t got = fread(buffer.data(), 1, buffer.size(), pipe)) {
    output.append(buffer.data(), got);
  }
  const int status = pclose(pipe);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << command << "\n" << output;
  return output;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::ostringstream contents;
  contents << file.rdbuf();
  return contents.str();
}

void PutFile(const std::string& path, std::string_view contents) {
  std::ofstream file(path, std::ios::binary);
  file << contents;
  EXPECT_TRUE(file.flush()) << path;
}

std::string Sha256Of(std::string_view data) {
  Sha256 hash;
  hash.Update(data);
  return hash.FinishHex();
}

void RecordingSink::BeginEntry(const Entry& entry) {
  EXPECT_FALSE(open_) << entry.path;
  EXPECT_EQ(entry.index, files_.size());
  open_ = true;
  files_.push_back({entry, 0, {}, false});
}
void RecordingSink::Data(std::string_view piece) {
  EXPECT_TRUE(open_);
  EXPECT_FALSE(piece.empty());
  File& file = files_.back();
  file.bytes += piece.size();
  const size_t room = (size_t{1} << 20) - std::min(file.contents.size(), size_t{1} << 20);
  file.contents.append(piece.substr(0, room));
}
void RecordingSink::EndEntry(bool complete) {
  EXPECT_TRUE(open_);
  open_ = false;
  files_.back().complete = complete;
  if (complete) {
    EXPECT_EQ(files_.back().bytes, files_.back().entry.size);
  }
}
const RecordingSink::File* RecordingSink::Find(std::string_view path) const {
  for (auto file = files_.rbegin(); file != files_.rend(); ++file) {
    if (file->entry.path == path) return &*file;
  }
  return nullptr;
}
std::vector<std::string> RecordingSink::Paths() const {
  std::vector<std::string> paths;
  for (const File& file : files_) paths.push_back(file.entry.path);
  return paths;
}

ReadTar::ReadTar(std::string_view archive, size_t piece, TreeLimits limits) {
  TarReader reader("test.tar", TarReader::Flavour::kLayer, limits, sink, problems);
  for (size_t at = 0; at < archive.size(); at += piece) reader.Push(archive.substr(at, piece));
  EXPECT_EQ(reader.offset(), archive.size());
  reader.Finish();
}

TarBuilder& TarBuilder::Add(const Header& header, std::string_view data) {
  std::string block(512, '\0');
  auto put = [&block](size_t at, std::string_view text, size_t size) {
    block.replace(at, std::min(text.size(), size), text.substr(0, size));
  };
  char size[13];
  snprintf(size, sizeof(size), "%011zo", data.size());
  put(0, header.name, 100);
  put(100, header.mode, 8);
  put(108, header.uid, 8);
  put(116, header.gid, 8);
  put(124, header.size.empty() ? std::string_view(size) : header.size, 12);
  put(136, header.mtime, 12);
  put(148, "        ", 8);
  block[156] = header.type;
  put(157, header.link, 100);
  put(257, header.magic, 8);
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  char checksum[8];
  snprintf(checksum, sizeof(checksum), "%06o", sum);
  put(148, header.checksum.empty() ? std::string_view(checksum, 7) : header.checksum, 8);
  bytes_ += block;
  bytes_ += data;
  bytes_.resize((bytes_.size() + 511) / 512 * 512);
  return *this;
}
TarBuilder& TarBuilder::File(const std::string& name, std::string_view data) {
  Header header;
  header.name = name;
  return Add(header, data);
}
TarBuilder& TarBuilder::Pax(const std::vector<std::pair<std::string, std::string>>& records,
                            char type) {
  std::string data;
  for (const auto& [key, value] : records) {
    const size_t body = key.size() + value.size() + 3;
    size_t length = body + 1;
    while (length != body + std::to_string(length).size()) ++length;
    data += std::to_string(length) + " " + key + "=" + value + "\n";
  }
  Header header;
  header.name = "PaxHeaders.0/x";
  header.type = type;
  return Add(header, data);
}
TarBuilder& TarBuilder::Raw(std::string_view bytes) {
  bytes_ += bytes;
  return *this;
}
TarBuilder& TarBuilder::End() { return Raw(std::string(1024, '\0')); }

std::string Describe(const std::vector<Problem>& problems) {
  std::ostringstream text;
  for (const Problem& problem : problems) {
    text << static_cast<int>(problem.kind) << " " << problem.where << "@" << problem.offset << " "
         << problem.message << "\n";
  }
  return text.str();
}
bool HasProblem(const std::vector<Problem>& problems, Problem::Kind kind,
                std::string_view part_of_message) {
  for (const Problem& problem : problems) {
    if (problem.kind == kind && problem.message.find(part_of_message) != std::string::npos) {
      return true;
    }
  }
  return false;
}

}  // namespace lre_audit
