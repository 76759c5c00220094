// Archives that a tar-split puts together again. Of files there are three: bin/hello with 6 bytes,
// data with 700 and large with 2000.
#include <fcntl.h>

#include <filesystem>
#include <string>

#include "audit/trees/tar_reader.h"
#include "audit/trees/tar_split.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/no_sink.h"

namespace lre_audit::fuzz {

void One(std::string_view input) {
  static const std::shared_ptr<FileHandle>* const files = [] {
    const std::string directory = OwnDirectory() + "/files";
    std::filesystem::create_directories(directory + "/bin");
    WriteFile(directory + "/bin/hello", "hello\n");
    WriteFile(directory + "/data", std::string(700, 'x'));
    WriteFile(directory + "/large", std::string(2000, '\0'));
    absl::StatusOr<std::shared_ptr<FileHandle>> opened = OpenDirectory(directory);
    if (!opened.ok()) Wrong("the files cannot be opened");
    return new std::shared_ptr<FileHandle>(*std::move(opened));
  }();
  StringSource description{std::string(input)};
  TarSplitSource source(description, *files);
  NoSink sink;
  TreeLimits limits;
  limits.decode.bytes = 16 << 20;
  std::vector<Problem> problems;
  TarReader reader("layer 1", TarReader::Flavour::kLayer, limits, sink, problems);
  while (true) {
    const absl::StatusOr<std::string_view> piece = source.Next();
    if (!piece.ok() || piece->empty()) break;
    reader.Push(*piece);
  }
  reader.Finish();
}

}  // namespace lre_audit::fuzz
