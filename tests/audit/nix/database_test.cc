// The store database in every state in which a user's may be. Nix makes it, SQLite writes to it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <random>

#include "absl/strings/str_cat.h"
#include "audit/nix/closure.h"
#include "audit/nix/path_store.h"
#include "tests/audit/nix/nix_fixture.h"

namespace lre_audit::nix {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAreArray;

constexpr char kNew[] = "/nix/store/8nri6bp3l4wf5fkrxwj4r1dxbh5ng1gn-new";

std::string InsertPath(const std::string& path) {
  return absl::StrCat(
      "INSERT INTO ValidPaths (path, hash, registrationTime, narSize) VALUES ('", path,
      "', 'sha256:9ed96a331c25df76744e1515a69c9abeab6f0a7bfe018793c618206a037d347d', 1, 120);");
}

// Someone who writes to the database: the daemon, as far as SQLite can tell.
class Writer {
 public:
  explicit Writer(const std::string& database) {
    EXPECT_EQ(sqlite3_open(database.c_str(), &connection_), SQLITE_OK);
  }
  ~Writer() { sqlite3_close(connection_); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  void Run(const std::string& sql) {
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, &error), SQLITE_OK)
        << sql << ": " << (error != nullptr ? error : "");
    sqlite3_free(error);
  }

 private:
  sqlite3* connection_ = nullptr;
};

// Permissions mean nothing to root: act as nobody.
class Unprivileged {
 public:
  Unprivileged() : was_root_(geteuid() == 0) { EXPECT_TRUE(!was_root_ || seteuid(65534) == 0); }
  ~Unprivileged() { EXPECT_TRUE(!was_root_ || seteuid(0) == 0); }

 private:
  const bool was_root_;
};

std::vector<std::string> PathsOf(const absl::StatusOr<Closure>& closure) {
  EXPECT_TRUE(closure.ok()) << closure.status();
  std::vector<std::string> paths;
  if (closure.ok()) {
    EXPECT_THAT(closure->problems, IsEmpty());
    for (const auto& [path, info] : closure->paths) paths.push_back(path);
  }
  return paths;
}

class StoreDatabaseTest : public ::testing::Test {
 protected:
  StoreDatabaseTest() : store_(NixStore::Layout::kChroot) {
    top_ = store_.Fill();
    paths_ = store_.ValidPaths();
    EXPECT_GE(paths_.size(), 4u);
    file_ = store_.database() + "/db.sqlite";
    // For Unprivileged.
    fs::permissions(store_.root(), fs::perms(0755));
  }

  std::vector<std::string> AllPaths() const {
    return PathsOf(ReadClosure("store:" + store_.root()));
  }
  std::vector<std::string> AndNew() const {
    std::vector<std::string> paths = paths_;
    paths.push_back(kNew);
    return paths;
  }
  void MakeDirectoryUnwritable() const {
    fs::permissions(store_.database(), fs::perms(0555));
    for (const auto& entry : fs::directory_iterator(store_.database())) {
      fs::permissions(entry.path(), fs::perms(0444));
    }
  }
  // Puts what `directory` holds of the database in the place of the store's.
  void Replace(const std::string& directory) const {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
      fs::remove(file_ + suffix);
      const std::string from = directory + "/db.sqlite" + suffix;
      if (fs::exists(from)) fs::copy_file(from, file_ + suffix);
    }
  }

  const NixStore store_;
  std::string top_, file_;
  std::vector<std::string> paths_;
};

TEST_F(StoreDatabaseTest, ClosureOfRoots) {
  const auto database = StoreDatabase::Open(store_.root() + "/");
  ASSERT_TRUE(database.ok()) << database.status();
  for (const std::string& root : paths_) {
    EXPECT_THAT(PathsOf(database->ClosureOf({root, root})),
                UnorderedElementsAreArray(Lines(store_.Run("nix-store -qR " + root))));
  }
  EXPECT_THAT(PathsOf(database->ClosureOf(paths_)), UnorderedElementsAreArray(paths_));
  EXPECT_THAT(PathsOf(database->ClosureOf({})), IsEmpty());
  const auto unknown = database->ClosureOf({top_, kNew});
  EXPECT_EQ(unknown.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(unknown.status().message()), HasSubstr(kNew));
  EXPECT_EQ(PathsOf(database->ClosureOfKnown({kNew, top_})), PathsOf(database->ClosureOf({top_})));
}

TEST_F(StoreDatabaseTest, StaysOpenWhileNixWrites) {
  const auto database = StoreDatabase::Open(store_.root());
  ASSERT_TRUE(database.ok()) << database.status();
  EXPECT_THAT(PathsOf(database->All()), UnorderedElementsAreArray(paths_));
  const std::string added = Lines(store_.Run("nix-store --add " + store_.root() + "/world.nix"))[0];
  EXPECT_THAT(PathsOf(database->All()), SizeIs(paths_.size() + 1));
  EXPECT_THAT(PathsOf(database->ClosureOf({added})), ElementsAre(added));
}

TEST_F(StoreDatabaseTest, LogOfALiveWriter) {
  Writer writer(file_);
  writer.Run("PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 0;" + InsertPath(kNew));
  ASSERT_GT(fs::file_size(file_ + "-wal"), 0u);
  EXPECT_THAT(AllPaths(), UnorderedElementsAreArray(AndNew()));
  // Not committed, not there.
  writer.Run("BEGIN;" + InsertPath(absl::StrCat(kNew, "2")) +
             "DELETE FROM ValidPaths WHERE path = '" + kNew + "'");
  EXPECT_THAT(AllPaths(), UnorderedElementsAreArray(AndNew()));
  MakeDirectoryUnwritable();
  const Unprivileged unprivileged;
  EXPECT_THAT(AllPaths(), UnorderedElementsAreArray(AndNew()));
}

TEST_F(StoreDatabaseTest, CleanlyClosedInADirectoryThatIsNotOurs) {
  ASSERT_FALSE(fs::exists(file_ + "-wal"));
  MakeDirectoryUnwritable();
  const Unprivileged unprivileged;
  EXPECT_THAT(AllPaths(), UnorderedElementsAreArray(paths_));
  EXPECT_FALSE(fs::exists(file_ + "-wal") || fs::exists(file_ + "-shm"));
}

// After a crash, or in a copy: a log without its shared memory, and no right to make one.
TEST_F(StoreDatabaseTest, LogWithoutSharedMemoryInADirectoryThatIsNotOurs) {
  const TemporaryDirectory snapshot, temporary;
  {
    Writer writer(file_);
    writer.Run("PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 0;" + InsertPath(kNew));
    fs::copy_file(file_, snapshot / "db.sqlite");
    fs::copy_file(file_ + "-wal", snapshot / "db.sqlite-wal");
  }
  Replace(snapshot.path());
  MakeDirectoryUnwritable();
  fs::permissions(temporary.path(), fs::perms(0777));
  const char* const before = getenv("TMPDIR");
  const std::string restored = before != nullptr ? before : "";
  setenv("TMPDIR", temporary.path().c_str(), 1);
  {
    const Unprivileged unprivileged;
    const auto database = StoreDatabase::Open(store_.root());
    ASSERT_TRUE(database.ok()) << database.status();
    EXPECT_FALSE(fs::is_empty(temporary.path()));  // the private copy
    EXPECT_THAT(PathsOf(database->All()), UnorderedElementsAreArray(AndNew()));
  }
  before != nullptr ? setenv("TMPDIR", restored.c_str(), 1) : unsetenv("TMPDIR");
  EXPECT_TRUE(fs::is_empty(temporary.path()));
}

// Without a write-ahead log (use-sqlite-wal = false): half a transaction is in the database file,
// and the journal says how to take it back.
TEST_F(StoreDatabaseTest, HotJournalInADirectoryThatIsNotOurs) {
  const TemporaryDirectory snapshot;
  {
    Writer writer(file_);
    writer.Run("PRAGMA journal_mode = delete; PRAGMA cache_size = 1; BEGIN;");
    for (int i = 0; i < 2000; ++i) writer.Run(InsertPath(absl::StrCat(kNew, i)));
    fs::copy_file(file_, snapshot / "db.sqlite");
    fs::copy_file(file_ + "-journal", snapshot / "db.sqlite-journal");
    writer.Run("ROLLBACK");
  }
  Replace(snapshot.path());
  MakeDirectoryUnwritable();
  const Unprivileged unprivileged;
  EXPECT_THAT(AllPaths(), UnorderedElementsAreArray(paths_));
}

TEST_F(StoreDatabaseTest, UnreadableOrMissing) {
  EXPECT_EQ(StoreDatabase::Open(store_.root() + "/nowhere").status().code(),
            absl::StatusCode::kNotFound);
  fs::permissions(file_, fs::perms::none);
  const Unprivileged unprivileged;
  const absl::Status unreadable = StoreDatabase::Open(store_.root()).status();
  EXPECT_FALSE(unreadable.ok());
  EXPECT_THAT(std::string(unreadable.message()), HasSubstr(file_));
}

TEST_F(StoreDatabaseTest, NoDatabaseAtAll) {
  WriteFileOrFail(file_, std::string(5000, 'x'));
  const absl::Status status = StoreDatabase::Open(store_.root()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("file is not a database"));
}

TEST_F(StoreDatabaseTest, OtherTables) {
  fs::remove(file_);
  Writer(file_).Run(
      "CREATE TABLE Refs (referrer, reference); CREATE VIEW ValidPaths AS "
      "SELECT 1 AS id, 'x' AS path");
  const absl::Status status = StoreDatabase::Open(store_.root()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no tables ValidPaths and Refs"));

  fs::remove(file_);
  Writer(file_).Run("CREATE TABLE Refs (referrer, reference); CREATE TABLE ValidPaths (path)");
  const auto database = StoreDatabase::Open(store_.root());
  ASSERT_TRUE(database.ok()) << database.status();
  EXPECT_THAT(std::string(database->All().status().message()), HasSubstr("no such column: id"));
}

TEST_F(StoreDatabaseTest, UnknownSchemaIsNamed) {
  WriteFileOrFail(store_.database() + "/schema", "11");
  const auto closure = ReadClosure("store:" + store_.root());
  ASSERT_TRUE(closure.ok()) << closure.status();
  ASSERT_THAT(closure->problems, SizeIs(1));
  EXPECT_THAT(closure->problems[0], HasSubstr("schema 11 is not known, only 10"));
  EXPECT_THAT(closure->paths, SizeIs(paths_.size()));
}

TEST_F(StoreDatabaseTest, BadRowsLeaveTheRest) {
  Writer(file_).Run(InsertPath("/nix/store/short") + InsertPath(kNew) +
                    InsertPath("/gnu/store/" + std::string(kNew + 11)) +
                    "UPDATE ValidPaths SET hash = 'sha256:xyz' WHERE path = '" + kNew + "';" +
                    "PRAGMA foreign_keys = off; INSERT INTO Refs SELECT id, 99999 FROM ValidPaths "
                    "WHERE path = '" +
                    top_ + "'");
  const auto closure = ReadClosure("store:" + store_.root());
  ASSERT_TRUE(closure.ok()) << closure.status();
  EXPECT_THAT(closure->paths, SizeIs(paths_.size() + 1));
  // Edges first, then paths in their order.
  EXPECT_THAT(closure->problems,
              ElementsAre(HasSubstr("names a path that is not in ValidPaths"),
                          HasSubstr("is not in the store directory"), HasSubstr("has 3 digits"),
                          HasSubstr("\"/nix/store/short\" is no store path")));
  EXPECT_FALSE(closure->paths.at(top_).has_references);
  EXPECT_EQ(closure->paths.at(kNew).nar_hash, "");
}

TEST_F(StoreDatabaseTest, NegativeSizes) {
  Writer(file_).Run(InsertPath(kNew) + "UPDATE ValidPaths SET narSize = -1 WHERE path = '" + kNew +
                    "'; UPDATE ValidPaths SET narSize = 0 WHERE path = '" + top_ + "'");
  const auto closure = ReadClosure("store:" + store_.root());
  ASSERT_TRUE(closure.ok()) << closure.status();
  EXPECT_THAT(closure->problems,
              ElementsAre(HasSubstr(absl::StrCat(kNew, ": narSize \"-1\" is no size"))));
  EXPECT_EQ(closure->paths.at(kNew).nar_size, std::nullopt);
  EXPECT_EQ(closure->paths.at(top_).nar_size, std::nullopt);  // not known to Nix
}

// What could be read before the damage stands, and nothing is made up about the rest.
TEST_F(StoreDatabaseTest, DamagedReferencesLeaveThePaths) {
  RunShell(
      "python3 -c 'import sqlite3, sys\n"
      "d = sqlite3.connect(sys.argv[1])\n"
      "d.execute(\"pragma wal_checkpoint(truncate)\")\n"
      "size = d.execute(\"pragma page_size\").fetchone()[0]\n"
      "pages = [p for p, in d.execute(\"select rootpage from sqlite_master where tbl_name = "
      "\\\"Refs\\\"\")]\n"
      "d.close()\n"
      "f = open(sys.argv[1], \"r+b\")\n"
      "for p in pages: f.seek((p - 1) * size); f.write(b\"\\xff\" * size)' " +
      file_);
  const auto database = StoreDatabase::Open(store_.root());
  ASSERT_TRUE(database.ok()) << database.status();
  const auto all = database->All();
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_THAT(all->paths, SizeIs(paths_.size()));
  EXPECT_THAT(all->problems, ElementsAre(HasSubstr("without references")));
  EXPECT_FALSE(all->paths.at(top_).has_references);
  const auto known = database->ClosureOfKnown({top_});
  ASSERT_TRUE(known.ok()) << known.status();
  EXPECT_THAT(known->paths, SizeIs(1));
  EXPECT_THAT(known->problems, ElementsAre(HasSubstr("only the 1 paths before it")));
}

// SQLite believes an index: one that has lost its entries hides rows that the table has.
TEST_F(StoreDatabaseTest, EmptiedIndexesHideNothing) {
  RunShell(
      "python3 -c 'import sqlite3, sys\n"
      "d = sqlite3.connect(sys.argv[1])\n"
      "d.execute(\"pragma wal_checkpoint(truncate)\")\n"
      "size = d.execute(\"pragma page_size\").fetchone()[0]\n"
      "pages = [p for p, in d.execute(\"select rootpage from sqlite_master where type = "
      "\\\"index\\\"\")]\n"
      "assert pages\n"
      "d.close()\n"
      "f = open(sys.argv[1], \"r+b\")\n"
      "for p in pages: f.seek((p - 1) * size + 3); f.write(b\"\\0\\0\")' " +
      file_);
  const auto database = StoreDatabase::Open(store_.root());
  ASSERT_TRUE(database.ok()) << database.status();
  const auto all = database->All();
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_THAT(PathsOf(all), UnorderedElementsAreArray(paths_));
  const auto known = database->ClosureOf({top_});
  ASSERT_TRUE(known.ok()) << known.status();
  EXPECT_EQ(known->paths.at(top_).references, all->paths.at(top_).references);
  EXPECT_THAT(known->paths.at(top_).references, Not(IsEmpty()));
}

// Two rows of one path, as a table without its constraints can have.
TEST_F(StoreDatabaseTest, APathThatIsThereTwice) {
  Writer(file_).Run(
      "CREATE TABLE Copy AS SELECT * FROM ValidPaths; PRAGMA foreign_keys = off;"
      "DROP TABLE ValidPaths; ALTER TABLE Copy RENAME TO ValidPaths;"
      "INSERT INTO ValidPaths (id, path, hash) SELECT 9999, path, 'sha256:' || "
      "lower(hex(zeroblob(32))) FROM ValidPaths WHERE path = '" +
      top_ + "'");
  const auto closure = StoreDatabase::Open(store_.root())->ClosureOf({top_});
  ASSERT_TRUE(closure.ok()) << closure.status();
  EXPECT_THAT(closure->problems, ElementsAre(HasSubstr("is there twice")));
}

// An error or a problem, or what was damaged is not what is read; never a crash.
TEST_F(StoreDatabaseTest, DamagedAnywhere) {
  const std::string whole = ReadFileOrFail(file_);
  std::mt19937 random(11);
  size_t refused = 0;
  for (int round = 0; round < 300; ++round) {
    std::string damaged = whole;
    if (round % 3 == 0) {
      damaged.resize(random() % whole.size());
    } else {
      for (int i = 0; i < 40; ++i) damaged[random() % damaged.size()] = static_cast<char>(random());
    }
    WriteFileOrFail(file_, damaged);
    const auto database = StoreDatabase::Open(store_.root());
    if (!database.ok() || !database->All().ok() || !database->ClosureOfKnown({top_}).ok()) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 100u);
}

}  // namespace
}  // namespace lre_audit::nix
