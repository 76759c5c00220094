#include "audit/registry/credential_helper.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "audit/bytes/byte_source.h"
#include "base/status.h"
#include "base/text.h"
#include "nlohmann/json.hpp"

namespace lre_audit::registry {
namespace {

// The two ends of a pipe that other programs do not inherit.
absl::Status MakePipe(std::unique_ptr<FileHandle>& from, std::unique_ptr<FileHandle>& to) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe");
  from = std::make_unique<FileHandle>(ends[0]);
  to = std::make_unique<FileHandle>(ends[1]);
  return absl::OkStatus();
}

struct Ran {
  int exit_code = 0;
  std::string output;
};

// Runs `program get` with `input`, in a process group of its own, which ends with it.
absl::StatusOr<Ran> Run(const std::string& program, const std::string& input,
                        const HelperLimits& limits) {
  std::unique_ptr<FileHandle> child_in, to_child, from_child, child_out;
  LRE_RETURN_IF_ERROR(MakePipe(child_in, to_child));
  LRE_RETURN_IF_ERROR(MakePipe(from_child, child_out));
  // The input is smaller than a pipe holds, so that it can be written before anybody reads.
  if (write(to_child->fd(), input.data(), input.size()) != static_cast<ssize_t>(input.size())) {
    return absl::InternalError("cannot be written to");
  }
  to_child.reset();

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, child_in->fd(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, child_out->fd(), STDOUT_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  std::string name = program, verb = "get";
  char* arguments[] = {name.data(), verb.data(), nullptr};
  pid_t child = 0;
  const int error =
      posix_spawnp(&child, program.c_str(), &actions, &attributes, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return absl::NotFoundError(absl::StrCat("cannot be started: ", strerror(error)));
  child_in.reset();
  child_out.reset();

  Ran ran;
  absl::Status status;
  const absl::Time deadline = absl::Now() + limits.time;
  while (true) {
    const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
    pollfd wait = {from_child->fd(), POLLIN, 0};
    const int ready =
        left <= 0 ? 0 : poll(&wait, 1, static_cast<int>(std::min<int64_t>(left, 1000)));
    if (ready < 0 && errno != EINTR) status = absl::ErrnoToStatus(errno, "poll");
    if (left <= 0) {
      status = absl::DeadlineExceededError(
          absl::StrCat("did not answer within ", absl::FormatDuration(limits.time)));
    }
    if (!status.ok()) break;
    if (ready <= 0) continue;
    char buffer[4096];
    const ssize_t got = read(from_child->fd(), buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    ran.output.append(buffer, static_cast<size_t>(got));
    if (ran.output.size() > limits.bytes) {
      status = absl::ResourceExhaustedError(
          absl::StrCat("answers with more than ", limits.bytes, " bytes"));
    }
  }
  if (!status.ok()) kill(-child, SIGKILL);
  // One that closed its output and goes on is waited for no longer than the rest of its time.
  int wait_status = 0;
  while (waitpid(child, &wait_status, WNOHANG) == 0) {
    if (absl::Now() >= deadline) kill(-child, SIGKILL);
    absl::SleepFor(absl::Milliseconds(2));
  }
  LRE_RETURN_IF_ERROR(status);
  ran.exit_code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
  return ran;
}

}  // namespace

absl::StatusOr<Credentials> AskCredentialHelper(const std::string& name, const std::string& server,
                                                const HelperLimits& limits) {
  const auto wrong = [&](const auto&... what) {
    return absl::InvalidArgumentError(
        absl::StrCat("the helper docker-credential-", Escaped(name.substr(0, 100)), " ", what...));
  };
  // It becomes part of a program's name; with a slash it would be a path.
  const bool is_name = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.';
  });
  if (!is_name) return wrong("has a name that is none");
  const absl::StatusOr<Ran> ran = Run(absl::StrCat("docker-credential-", name), server, limits);
  if (!ran.ok()) return wrong(ran.status().message());
  if (ran->exit_code != 0) {
    // What helpers say when they know nothing (credentials.go, NewErrCredentialsNotFound); 1 with
    // anything else is a failure.
    if (absl::StrContains(ran->output, "credentials not found in native keychain")) {
      return Credentials();
    }
    return wrong("ended with exit code ", ran->exit_code);
  }
  const auto json = nlohmann::json::parse(ran->output, nullptr, /*allow_exceptions=*/false);
  const auto text = [&](const char* key) {
    return json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : "";
  };
  if (!json.is_object()) return wrong("answers with something else than JSON");
  Credentials credentials;
  credentials.source = absl::StrCat("docker-credential-", name);
  if (text("Username") == "<token>") {
    credentials.identity_token = text("Secret");
  } else {
    credentials.username = text("Username");
    credentials.password = text("Secret");
  }
  return credentials;
}

}  // namespace lre_audit::registry
