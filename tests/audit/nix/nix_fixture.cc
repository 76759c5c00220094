#include "tests/audit/nix/nix_fixture.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace lre_audit::nix {
namespace {

constexpr std::string_view kExpression = R"nix(
let
  system = builtins.currentSystem;
  text = builtins.toFile "greeting" "hello\n";
  list = builtins.toFile "list.txt" "${text} is named here\n";
  library = derivation {
    name = "library-1.0";
    inherit system;
    builder = "/bin/sh";
    args = [ "-c" ''
      PATH=/usr/bin:/bin
      mkdir -p $out/lib $out/share/empty
      echo "${list} and $out" > $out/lib/names
      printf '#!/bin/sh\nexit 0\n' > $out/lib/run
      chmod +x $out/lib/run
      ln -s ${text} $out/lib/link
      : > $out/lib.empty
    '' ];
  };
in derivation {
  name = "application-2.0";
  inherit system;
  builder = "/bin/sh";
  args = [ "-c" "echo ${library} > $out" ];
}
)nix";

}  // namespace

std::string RunShell(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) {
    ADD_FAILURE() << "popen: " << command;
    return {};
  }
  std::string output;
  char buffer[65536];
  for (size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) output.append(buffer, n);
  const int status = pclose(pipe);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
      << "status " << status << ": " << command << "\n"
      << output;
  return output;
}

std::vector<std::string> Lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return lines;
}

std::string ReadFileOrFail(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

void WriteFileOrFail(const std::string& path, std::string_view contents) {
  std::ofstream file(path, std::ios::binary);
  file.write(contents.data(), static_cast<std::streamsize>(contents.size()));
  file.close();
  EXPECT_TRUE(file.good()) << path;
}

NixStore::NixStore(Layout layout) : layout_(layout) {}

std::string NixStore::store_directory() const {
  return layout_ == Layout::kChroot ? "/nix/store" : root() + "/store";
}

std::string NixStore::database() const {
  return root() + (layout_ == Layout::kChroot ? "/nix/var/nix/db" : "/var/nix/db");
}

std::string NixStore::OnDisk(const std::string& store_path) const {
  return layout_ == Layout::kChroot ? root() + store_path : store_path;
}

std::string NixStore::Run(const std::string& command) const {
  std::string environment =
      "unset NIX_PATH NIX_STORE_DIR NIX_STATE_DIR NIX_LOG_DIR; "
      "export HOME='" +
      root() +
      "' NIX_CONFIG='sandbox = false\nbuild-users-group =\n"
      "experimental-features = nix-command\nsubstituters =' ";
  if (layout_ == Layout::kChroot) {
    environment += "NIX_REMOTE='local?root=" + root() + "'\n";
  } else {
    environment += "NIX_REMOTE=local NIX_STORE_DIR='" + root() + "/store' NIX_STATE_DIR='" +
                   root() + "/var/nix' NIX_LOG_DIR='" + root() + "/log'\n";
  }
  return RunShell(environment + command);
}

std::string NixStore::Fill() const {
  const std::string expression = root() + "/world.nix";
  WriteFileOrFail(expression, kExpression);
  const std::string command = layout_ == Layout::kChroot ? "nix-instantiate " + expression
                                                         : "nix-build --no-out-link " + expression;
  const std::string log = root() + "/fill.log";
  const std::vector<std::string> lines =
      Lines(Run(command + " 2>" + log + " || { cat " + log + "; exit 1; }"));
  EXPECT_EQ(lines.size(), 1u);
  return lines.empty() ? "" : lines[0];
}

std::vector<std::string> NixStore::ValidPaths() const {
  std::vector<std::string> paths;
  // The dump of the database is what Nix itself loads: path, hash, size, deriver, count,
  // references.
  const std::vector<std::string> lines = Lines(Run("nix-store --dump-db"));
  for (size_t i = 0; i + 4 < lines.size(); i += 5 + std::stoul(lines[i + 4])) {
    paths.push_back(lines[i]);
  }
  return paths;
}

}  // namespace lre_audit::nix
