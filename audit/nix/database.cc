// The Nix database: <state>/db/db.sqlite. Source: Nix src/libstore/schema.sql (version 10: Nix 2.3
// and later, Lix) and https://sqlite.org/wal.html "Read-Only Databases".
#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <numeric>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "audit/bytes/threads.h"
#include "audit/nix/closure_builder.h"
#include "audit/nix/path_store.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::nix {
namespace {

namespace fs = std::filesystem;

constexpr int kBusyMilliseconds = 10'000;  // a daemon's transactions are far shorter
constexpr int kMaxRowBytes = 64 << 20;     // against a hostile database; real rows are below 1 MB
constexpr int kCopyAttempts = 20;
constexpr int kReadAttempts = 5;
constexpr std::string_view kKnownSchema = "10";

struct ConnectionCloser {
  void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
};
using Connection = std::unique_ptr<sqlite3, ConnectionCloser>;

absl::Status SqliteError(sqlite3* connection, std::string_view what) {
  const int code = connection != nullptr ? sqlite3_errcode(connection) : SQLITE_NOMEM;
  const std::string message =
      absl::StrCat(ToAbsl(what), ": ", connection != nullptr ? sqlite3_errmsg(connection) : "");
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(message);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::UnavailableError(message);
    case SQLITE_TOOBIG:
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(message);
    default:
      return absl::FailedPreconditionError(message);
  }
}

class Statement {
 public:
  static absl::StatusOr<Statement> Prepare(sqlite3* connection, std::string_view sql) {
    Statement statement;
    statement.connection_ = connection;
    sqlite3_stmt* prepared = nullptr;
    if (sqlite3_prepare_v2(connection, sql.data(), static_cast<int>(sql.size()), &prepared,
                           nullptr) != SQLITE_OK) {
      return SqliteError(connection, "query");
    }
    statement.prepared_.reset(prepared);
    return statement;
  }

  // True for a row, false at the end.
  absl::StatusOr<bool> Step() {
    switch (sqlite3_step(prepared_.get())) {
      case SQLITE_ROW:
        return true;
      case SQLITE_DONE:
        return false;
      default:
        return SqliteError(connection_, "reading");
    }
  }

  int64_t Integer(int column) const { return sqlite3_column_int64(prepared_.get(), column); }
  bool IsInteger(int column) const {
    return sqlite3_column_type(prepared_.get(), column) == SQLITE_INTEGER;
  }
  std::string Text(int column) const {  // "" for NULL
    const void* text = sqlite3_column_text(prepared_.get(), column);
    const int size = sqlite3_column_bytes(prepared_.get(), column);
    return text == nullptr ? "" : std::string(static_cast<const char*>(text), size);
  }

 private:
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  sqlite3* connection_ = nullptr;
  std::unique_ptr<sqlite3_stmt, Finalizer> prepared_;
};

// A read transaction: everything read within is one state of the database.
class ReadTransaction {
 public:
  explicit ReadTransaction(sqlite3* connection) : connection_(connection) {
    sqlite3_exec(connection_, "BEGIN", nullptr, nullptr, nullptr);
  }
  ~ReadTransaction() { sqlite3_exec(connection_, "ROLLBACK", nullptr, nullptr, nullptr); }
  ReadTransaction(const ReadTransaction&) = delete;
  ReadTransaction& operator=(const ReadTransaction&) = delete;

 private:
  sqlite3* connection_;
};

// An SQLite URI of a file. Source: https://sqlite.org/uri.html.
std::string Uri(std::string_view path, std::string_view parameters) {
  std::string uri = "file:";
  for (char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      absl::StrAppend(&uri, "%", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
    } else {
      uri.push_back(c);
    }
  }
  return absl::StrCat(uri, "?", ToAbsl(parameters));
}

// Opens and reads enough to know that reading works.
absl::StatusOr<Connection> Connect(std::string_view path, std::string_view parameters, int flags) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(Uri(path, parameters).c_str(), &opened,
                                   flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nullptr);
  Connection connection(opened);
  if (code != SQLITE_OK) return SqliteError(opened, "opening");
  sqlite3_busy_timeout(opened, kBusyMilliseconds);
  // The database is input: its schema must not run functions of ours, nor rows exhaust memory.
  sqlite3_db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_limit(opened, SQLITE_LIMIT_LENGTH, kMaxRowBytes);

  // Ordinary tables only: a view or virtual table could compute without end.
  LRE_ASSIGN_OR_RETURN(
      Statement tables,
      Statement::Prepare(opened,
                         "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND rootpage > 0 "
                         "AND name IN ('ValidPaths', 'Refs')"));
  LRE_RETURN_IF_ERROR(tables.Step().status());
  if (tables.Integer(0) != 2) {
    return absl::InvalidArgumentError("not a Nix database: no tables ValidPaths and Refs");
  }
  return connection;
}

// What tells one state of a file from another.
struct FileState {
  bool exists = false;
  ino_t inode = 0;
  off_t size = 0;
  time_t seconds = 0;
  long nanoseconds = 0;
  bool operator==(const FileState&) const = default;
};
FileState StateOf(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) return {};
  return {true, status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

// Removes a directory of our own.
class PrivateDirectory {
 public:
  PrivateDirectory() {
    std::error_code error;
    std::string pattern = fs::temp_directory_path(error) / "lre-audit-db-XXXXXX";
    if (!error && mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~PrivateDirectory() {
    std::error_code error;
    if (!path_.empty()) fs::remove_all(path_, error);
  }
  PrivateDirectory(const PrivateDirectory&) = delete;
  PrivateDirectory& operator=(const PrivateDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// What a database file consists of beside itself: changes that are not in it yet, or that are to be
// taken back (https://sqlite.org/fileformat.html, sections 3 and 4).
constexpr std::array<std::string_view, 2> kLogs = {"-wal", "-journal"};

// The states of the database and its logs.
std::array<FileState, 3> StatesOf(const std::string& path) {
  return {StateOf(path), StateOf(absl::StrCat(path, ToAbsl(kLogs[0]))),
          StateOf(absl::StrCat(path, ToAbsl(kLogs[1])))};
}

bool LogsAreEmpty(const std::string& path) {
  const std::array<FileState, 3> states = StatesOf(path);
  return states[1].size == 0 && states[2].size == 0;
}

// A copy of database and logs that belong together: none changed in the meantime.
absl::StatusOr<std::unique_ptr<PrivateDirectory>> CopyDatabase(const std::string& path) {
  auto directory = std::make_unique<PrivateDirectory>();
  if (directory->path().empty()) {
    return absl::UnavailableError("cannot make a temporary directory for a copy");
  }
  const std::string copy = directory->path() + "/db.sqlite";
  for (int attempt = 0; attempt < kCopyAttempts; ++attempt) {
    const std::array<FileState, 3> before = StatesOf(path);
    std::error_code error;
    const auto copy_one = [&](std::string_view suffix) {
      const std::string from = absl::StrCat(path, ToAbsl(suffix));
      const std::string to = absl::StrCat(copy, ToAbsl(suffix));
      fs::remove(to, error);
      if (!fs::exists(from, error)) return;
      fs::copy_file(from, to, error);
      if (error) return;
      // Ours, whatever the original's mode is.
      fs::permissions(to, fs::perms::owner_read | fs::perms::owner_write, error);
    };
    copy_one("");
    for (std::string_view log : kLogs) {
      if (!error) copy_one(log);
    }
    if (before != StatesOf(path)) continue;
    if (error) return absl::UnavailableError(absl::StrCat("cannot copy it: ", error.message()));
    return directory;
  }
  return absl::UnavailableError("it cannot be opened, and changes faster than it can be copied");
}

// References are kept by number until all paths are known.
constexpr std::string_view kPathColumns =
    "SELECT id, path, hash, deriver, narSize, ca, ultimate, sigs FROM ValidPaths NOT INDEXED";

struct Row {
  int64_t id = 0;
  ClosureBuilder::Entry entry;
  std::string defect;  // what of the entry was refused
};

Row ReadRow(const Statement& statement) {
  Row row;
  row.id = statement.Integer(0);
  row.entry.where = absl::StrCat("ValidPaths row ", row.id);
  row.entry.path = statement.Text(1);
  row.entry.hash = statement.Text(2);
  row.entry.deriver = statement.Text(3);
  // Nix writes 0 or NULL for a size that it does not know.
  if (const int64_t size = statement.Integer(4); statement.IsInteger(4) && size > 0) {
    row.entry.nar_size = static_cast<uint64_t>(size);
  } else if (const std::string text = statement.Text(4); !text.empty() && text != "0") {
    row.defect =
        absl::StrCat(row.entry.path, ": narSize \"", Escaped(text.substr(0, 100)), "\" is no size");
  }
  row.entry.ca = statement.Text(5);
  row.entry.ultimate = statement.Integer(6) != 0;
  row.entry.signatures = absl::StrSplit(statement.Text(7), ' ', absl::SkipEmpty());
  row.entry.has_references = true;
  return row;
}

// The paths that have been read and the edges between them, by row numbers.
class Graph {
 public:
  // Reading ended with an error: what has been read stands, references apart, for any may be
  // missing.
  void Break(const absl::Status& error) { error_ = error; }
  void AddPath(Row row) {
    if (index_.try_emplace(row.id, rows_.size()).second) rows_.push_back(std::move(row));
  }
  void AddReference(int64_t referrer, int64_t reference) {
    references_.emplace_back(referrer, reference);
  }
  // Drops the paths that `roots` do not lead to. Returns the roots that are not there.
  std::vector<std::string> KeepReachable(const std::vector<std::string>& roots) {
    // A path that has two rows, which a sound database has not, keeps both.
    absl::flat_hash_map<std::string_view, std::vector<size_t>> by_path;
    for (size_t row = 0; row < rows_.size(); ++row) by_path[rows_[row].entry.path].push_back(row);
    std::vector<std::vector<size_t>> leads_to(rows_.size());
    for (const auto& [referrer, reference] : references_) {
      const auto from = index_.find(referrer);
      const auto to = index_.find(reference);
      if (from != index_.end() && to != index_.end()) leads_to[from->second].push_back(to->second);
    }
    std::vector<char> is_kept(rows_.size());
    std::vector<size_t> open;
    const auto keep = [&](const std::string& path) {
      for (size_t row : by_path.at(path)) {
        if (is_kept[row] == 0) open.push_back(row);
        is_kept[row] = 1;
      }
    };
    std::vector<std::string> unknown;
    for (const std::string& root : roots) {
      if (by_path.contains(root)) {
        keep(root);
      } else {
        unknown.push_back(root);
      }
    }
    while (!open.empty()) {
      const size_t row = open.back();
      open.pop_back();
      for (size_t to : leads_to[row]) keep(rows_[to].entry.path);
    }
    std::erase_if(references_, [&](const auto& reference) {
      const auto from = index_.find(reference.first);
      return from != index_.end() && is_kept[from->second] == 0;
    });
    std::vector<Row> rows = std::exchange(rows_, {});
    index_.clear();
    for (size_t row = 0; row < rows.size(); ++row) {
      if (is_kept[row] != 0) AddPath(std::move(rows[row]));
    }
    return unknown;
  }
  // The error where nothing at all could be read.
  absl::StatusOr<Closure> Finish(ClosureBuilder closure) && {
    if (rows_.empty() && !error_.ok()) return error_;
    std::move(*this).AddTo(closure);
    return std::move(closure).FinishUsable();
  }

 private:
  void AddTo(ClosureBuilder& closure) && {
    if (!error_.ok()) {
      closure.Problem("", absl::StrCat(error_.message(), "; only the ", rows_.size(),
                                       " paths before it are known, without references"));
      references_.clear();
      for (Row& row : rows_) row.entry.has_references = false;
    }
    const std::vector<size_t> order = InOrder();
    std::vector<size_t> rank(rows_.size());
    for (size_t i = 0; i < order.size(); ++i) rank[order[i]] = i;
    // A path is referred to often, and checked once.
    std::vector<char> is_path(rows_.size());
    for (size_t row = 0; row < rows_.size(); ++row) {
      is_path[row] = closure.CheckPath(rows_[row].entry.path).ok() ? 1 : 0;
    }

    std::vector<std::vector<size_t>> references(rows_.size());  // ranks
    for (const auto& [referrer, reference] : references_) {
      const auto from = index_.find(referrer);
      const auto to = index_.find(reference);
      if (from != index_.end() && to != index_.end()) {
        references[from->second].push_back(rank[to->second]);
        continue;
      }
      closure.Problem("Refs", absl::StrCat("row ", referrer, " -> ", reference,
                                           " names a path that is not in ValidPaths"));
      if (from != index_.end()) rows_[from->second].entry.has_references = false;
    }
    const auto fill = [&](size_t row) {
      std::vector<size_t>& ranks = references[row];
      std::sort(ranks.begin(), ranks.end());
      ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
      ClosureBuilder::Entry& entry = rows_[row].entry;
      entry.references.reserve(ranks.size());
      entry.references_checked = true;
      for (size_t to : ranks) {
        entry.references.push_back(rows_[order[to]].entry.path);
        if (is_path[order[to]] == 0) entry.references_checked = false;
      }
    };
    RunInPieces(rows_.size(), [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) fill(order[i]);
    });
    // References copied paths, so the rows may go only now.
    for (size_t row : order) {
      ClosureBuilder::Entry& entry = rows_[row].entry;
      if (!rows_[row].defect.empty()) closure.Problem(entry.where, rows_[row].defect);
      if (entry.hash.empty()) closure.Problem(entry.where, entry.path + " has no hash");
      closure.Add(std::move(entry));
    }
  }

  // Indexes of rows, by path.
  std::vector<size_t> InOrder() const {
    std::vector<size_t> order(rows_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return std::tie(rows_[a].entry.path, a) < std::tie(rows_[b].entry.path, b);
    });
    return order;
  }

  absl::Status error_;
  std::vector<Row> rows_;
  absl::flat_hash_map<int64_t, size_t> index_;
  std::vector<std::pair<int64_t, int64_t>> references_;
};

}  // namespace

struct StoreDatabase::State {
  std::string source;                      // "store:/chroot"
  std::string path;                        // of db.sqlite
  std::string schema;                      // as the file beside it says; "" without one
  std::unique_ptr<PrivateDirectory> copy;  // outlives the connection
  Connection connection;
  // Of a database that is read as if nobody could write it, in the beginning.
  std::optional<std::array<FileState, 3>> untouched;

  absl::Status Annotate(const absl::Status& status) const {
    if (status.ok()) return status;
    return absl::Status(status.code(),
                        absl::StrCat("store database ", Escaped(path), ": ", status.message()));
  }

  ClosureBuilder NewClosure() const {
    ClosureBuilder closure(source);
    closure.set_format("store database");
    closure.set_records_signatures();
    if (!schema.empty() && schema != kKnownSchema) {
      closure.Problem(path, absl::StrCat("schema ", Escaped(schema), " is not known, only ",
                                         ToAbsl(kKnownSchema), "; read as if it were"));
    }
    return closure;
  }

  absl::Status Connect();
  bool HasChanged() const { return untouched && StatesOf(path) != *untouched; }
  // Calls `read` on what is one state of the database: whoever begins to write in one that was
  // opened as untouched may do so between two pages.
  template <typename Read>
  absl::StatusOr<Closure> Reading(const Read& read) {
    for (int attempt = 0; attempt < kReadAttempts; ++attempt) {
      if (HasChanged()) LRE_RETURN_IF_ERROR(Annotate(Connect()));
      absl::StatusOr<Closure> closure = read();
      if (HasChanged()) continue;
      return closure.ok() ? std::move(closure) : Annotate(closure.status());
    }
    return Annotate(absl::UnavailableError("it changes faster than it can be read; try again"));
  }
  absl::StatusOr<Closure> All() const;
  absl::StatusOr<Closure> ClosureOf(const std::vector<std::string>& roots, bool must_know) const;
  // Add to `graph` until the end, or an error.
  absl::Status AddAll(Graph& graph) const;
};

// Read-only beside a daemon, and nothing is written beside the database, not even by root. SQLite
// cannot read a write-ahead log without its shared memory, which it would make where it is missing;
// and with immutable=1 it would pass over the log without a word.
absl::Status StoreDatabase::State::Connect() {
  untouched.reset();
  std::error_code error;
  if (!fs::is_regular_file(path, error) && fs::exists(path, error)) {
    return absl::InvalidArgumentError("not a regular file");
  }
  // Who writes in it has made the shared memory.
  if (fs::exists(absl::StrCat(path, "-shm"), error)) {
    auto opened = nix::Connect(path, "mode=ro", SQLITE_OPEN_READONLY);
    if (opened.ok()) {
      connection = *std::move(opened);
      return absl::OkStatus();
    }
    // Another way of opening helps only where opening failed.
    if (opened.status().code() != absl::StatusCode::kFailedPrecondition) return opened.status();
  }
  if (LogsAreEmpty(path)) {
    untouched = StatesOf(path);
    auto immutable = nix::Connect(path, "mode=ro&immutable=1", SQLITE_OPEN_READONLY);
    // A log that appeared since holds what this connection would not see.
    if (LogsAreEmpty(path)) {
      if (!immutable.ok()) return immutable.status();
      connection = *std::move(immutable);
      return absl::OkStatus();
    }
    untouched.reset();
  }
  LRE_ASSIGN_OR_RETURN(copy, CopyDatabase(path));
  LRE_ASSIGN_OR_RETURN(connection,
                       nix::Connect(copy->path() + "/db.sqlite", "mode=rw", SQLITE_OPEN_READWRITE));
  return absl::OkStatus();
}

absl::StatusOr<Closure> StoreDatabase::State::All() const {
  const ReadTransaction transaction(connection.get());
  Graph graph;
  graph.Break(AddAll(graph));
  return std::move(graph).Finish(NewClosure());
}

absl::Status StoreDatabase::State::AddAll(Graph& graph) const {
  LRE_ASSIGN_OR_RETURN(Statement paths, Statement::Prepare(connection.get(), kPathColumns));
  for (;;) {
    LRE_ASSIGN_OR_RETURN(const bool has_row, paths.Step());
    if (!has_row) break;
    graph.AddPath(ReadRow(paths));
  }
  LRE_ASSIGN_OR_RETURN(
      Statement references,
      Statement::Prepare(connection.get(), "SELECT referrer, reference FROM Refs NOT INDEXED"));
  for (;;) {
    LRE_ASSIGN_OR_RETURN(const bool has_row, references.Step());
    if (!has_row) break;
    graph.AddReference(references.Integer(0), references.Integer(1));
  }
  return absl::OkStatus();
}

// All rows are read here, too: an index that is damaged would leave some out without a word, as
// SQLite believes it.
absl::StatusOr<Closure> StoreDatabase::State::ClosureOf(const std::vector<std::string>& roots,
                                                        bool must_know) const {
  const ReadTransaction transaction(connection.get());
  Graph graph;
  const absl::Status read = AddAll(graph);
  graph.Break(read);
  const std::vector<std::string> unknown = graph.KeepReachable(roots);
  if (must_know && read.ok() && !unknown.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", Escaped(unknown.front()), "\" is not a valid path of this store"));
  }
  return std::move(graph).Finish(NewClosure());
}

// A database does not say it; its paths do.
const std::string& StoreDatabase::store_directory() const {
  static const std::string& unknown = *new std::string;
  return unknown;
}

StoreDatabase::StoreDatabase(std::unique_ptr<State> state) : state_(std::move(state)) {}
StoreDatabase::~StoreDatabase() = default;
StoreDatabase::StoreDatabase(StoreDatabase&&) noexcept = default;
StoreDatabase& StoreDatabase::operator=(StoreDatabase&&) noexcept = default;

absl::StatusOr<StoreDatabase> StoreDatabase::Open(const std::string& root) {
  const std::string base(absl::StripSuffix(root, "/"));
  auto state = std::make_unique<State>();
  state->source = absl::StrCat("store:", root.empty() ? "/" : root);
  int error = ENOENT;
  // A chroot store, or a store whose state directory is <root>/var/nix.
  for (const char* directory : {"/nix/var/nix/db", "/var/nix/db"}) {
    const std::string path = absl::StrCat(base, directory, "/db.sqlite");
    struct stat status;
    if (stat(path.c_str(), &status) == 0) {
      state->path = path;
      std::ifstream(absl::StrCat(base, directory, "/schema")) >> state->schema;
      break;
    }
    if (errno != ENOENT && errno != ENOTDIR) error = errno;
  }
  if (state->path.empty()) {
    return absl::ErrnoToStatus(error, absl::StrCat("store:", Escaped(root), ": no database at ",
                                                   Escaped(base), "/nix/var/nix/db/db.sqlite"));
  }
  if (absl::Status status = state->Connect(); !status.ok()) return state->Annotate(status);
  return StoreDatabase(std::move(state));
}

absl::StatusOr<Closure> StoreDatabase::All() const {
  return state_->Reading([&] { return state_->All(); });
}

absl::StatusOr<Closure> StoreDatabase::ClosureOf(const std::vector<std::string>& roots) const {
  return state_->Reading([&] { return state_->ClosureOf(roots, /*must_know=*/true); });
}

absl::StatusOr<Closure> StoreDatabase::ClosureOfKnown(const std::vector<std::string>& roots) const {
  return state_->Reading([&] { return state_->ClosureOf(roots, /*must_know=*/false); });
}

}  // namespace lre_audit::nix
