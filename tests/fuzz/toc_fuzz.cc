// Layers with a table of contents, eStargz's and zstd:chunked's. The input is a blob as it is, or
// what one is made of here, since nothing that changes bytes at random keeps a footer's position
// right: the annotations, one a line, the table, and the layer's archive.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "audit/trees/layer_toc.h"
#include "audit/trees/tar_reader.h"
#include "audit/trees/toc.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/no_sink.h"

namespace lre_audit::fuzz {

namespace {
using namespace std::string_literals;

class OneBlob : public BlobSource {
 public:
  explicit OneBlob(std::string bytes) : bytes_(std::move(bytes)) {}
  absl::StatusOr<std::unique_ptr<ByteSource>> Open(const std::string& /*name*/,
                                                   uint64_t* size) const override {
    *size = bytes_.size();
    return std::make_unique<StringSource>(bytes_);
  }

 private:
  const std::string bytes_;
};

std::string LittleEndian(uint64_t number) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(number >> (8 * i));
  return bytes;
}

// The table as the first member of an archive, not packed, which readers of gzip let pass here.
std::string StargzBlob(std::string_view table) {
  std::string header = "stargz.index.json";
  header.resize(512);
  const auto put = [&](size_t at, const std::string& text) {
    header.replace(at, text.size(), text);
  };
  put(100, "0000644");
  put(124, absl::StrFormat("%011o", table.size()));
  put(148, "        ");
  put(156, "0");
  put(257,
      "ustar\0"
      "00"s);
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put(148, absl::StrFormat("%06o", sum));
  header += table;
  header.resize((header.size() + 511) / 512 * 512);
  return absl::StrCat(header, "\x1f\x8b\x08\x04\0\0\0\0\0\xff\x1a\0SG\x16\0"s, std::string(16, '0'),
                      "STARGZ\1\0\0\xff\xff"s, std::string(8, '\0'));
}

std::string ChunkedBlob(std::string_view table) {
  return absl::StrCat(std::string(table), "\x50\x2a\x4d\x18\x28\0\0\0"s, LittleEndian(0),
                      LittleEndian(table.size()), std::string(16, '\0'), "GnUlInUx");
}
}  // namespace

void One(std::string_view input) {
  const uint8_t choice = TakeByte(input);
  const auto documents = SplitDocuments(input, 3);
  TocAnnotations annotations;
  const std::vector<std::string> lines = absl::StrSplit(std::string(documents[0]), '\n');
  if (choice & 4 && lines.size() >= 3) {
    annotations = {lines[0], lines[1], lines[2]};
  }
  const std::string_view table = documents[documents.size() > 1 ? 1 : 0];
  (void)ParseToc(table);
  (void)ParseTocFooter(input.substr(input.size() - std::min<size_t>(input.size(), 72)));
  const OneBlob blobs(choice & 2   ? std::string(input)
                      : choice & 1 ? StargzBlob(table)
                                   : ChunkedBlob(table));
  NoSink nobody;
  std::vector<Problem> problems;
  const std::unique_ptr<TocSink> sink =
      TocSink::Open(blobs, "blob", std::nullopt, annotations, "layer 1", nobody, problems);
  if (sink == nullptr || documents.size() < 3) return;
  TreeLimits limits;
  limits.decode.bytes = 16 << 20;
  TarReader reader("layer 1", TarReader::Flavour::kLayer, limits, *sink, problems);
  const size_t piece = choice & 8 ? 1 + choice : 64 << 10;
  for (std::string_view left = documents[2]; !left.empty() && !reader.done();) {
    reader.Push(left.substr(0, piece));
    left.remove_prefix(std::min(piece, left.size()));
  }
  reader.Finish();
  sink->Finish(choice & 16);
  // However long the table is, what is told of it is not.
  if (problems.size() > 1000) Wrong("no end of problems");
}

}  // namespace lre_audit::fuzz
