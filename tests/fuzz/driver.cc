// Runs a fuzz target without libFuzzer, so that continuous integration does not compile everything
// once more:
//
//   TARGET RUNS FILE|DIRECTORY...
//
// gives it every input of the corpus, then RUNS mutations of them, the same in every run. The input
// that a target dies of is left in the working directory as crash-TARGET.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
// Of the sanitizers' runtime; null in a build without one.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() {
  return "handle_abort=1:max_allocation_size_mb=1024";
}

namespace {

constexpr size_t kMostBytes = 256 << 10;
constexpr unsigned kMostSeconds = 60;  // of one input; a sanitizer and a busy machine included

std::string_view current;
std::string crash_file;

void KeepInput() {
  FILE* file = fopen(crash_file.c_str(), "wb");
  if (file == nullptr) return;
  fwrite(current.data(), 1, current.size(), file);
  fclose(file);
  fprintf(stderr, "the input is kept in %s\n", crash_file.c_str());
}

void OnAlarm(int) {
  fprintf(stderr, "no end after %u seconds\n", kMostSeconds);
  KeepInput();
  _exit(2);
}

void Run(const std::string& input) {
  // Of exactly this size, so that a sanitizer sees a read behind its end.
  std::vector<uint8_t> bytes(input.begin(), input.end());
  current = input;
  alarm(kMostSeconds);
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  alarm(0);
}

class Mutator {
 public:
  explicit Mutator(const std::vector<std::string>& corpus) : corpus_(corpus) {}

  std::string Next() {
    std::string input = corpus_[Below(corpus_.size())];
    for (size_t left = 1 + Below(6); left > 0; --left) Mutate(input);
    if (input.size() > kMostBytes) input.resize(kMostBytes);
    return input;
  }

 private:
  size_t Below(size_t bound) { return bound == 0 ? 0 : random_() % bound; }

  void Mutate(std::string& input) {
    static constexpr uint64_t kNumbers[] = {0,          1,          0x7f,       0x80,
                                            0xff,       0x7fff,     0xffff,     0x7fffffff,
                                            0x80000000, 0xffffffff, ~0ULL >> 1, ~0ULL};
    size_t at = Below(input.size() + 1),
           length = Below(std::min<size_t>(input.size() - at, 64) + 1);
    switch (Below(9)) {
      case 0:  // a bit
        if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << Below(8)));
        break;
      case 1:  // a byte
        if (at < input.size()) input[at] = static_cast<char>(random_());
        break;
      case 2:  // a number of a size that is rarely thought of
        length = size_t{1} << Below(4);
        if (at + length <= input.size()) {
          memcpy(&input[at], &kNumbers[Below(std::size(kNumbers))], length);
        }
        break;
      case 3:
        input.erase(at, length);
        break;
      case 4:  // the same again
        input.insert(Below(input.size() + 1), input.substr(at, length));
        break;
      case 5:
        input.resize(at);
        break;
      case 6: {  // from another input
        const std::string& other = corpus_[Below(corpus_.size())];
        size_t from = Below(other.size() + 1);
        input.insert(at, other.substr(from, Below(512)));
        break;
      }
      case 7: {  // a digit of a number written out
        at = input.find_first_of("0123456789", at);
        if (at != std::string::npos) input[at] = static_cast<char>('0' + Below(10));
        break;
      }
      default: {  // what formats of text are made of
        static constexpr std::string_view kMarks = "{}[]()<>\"'\\/:;,.=#%$*@!-+\n\t \0";
        input.insert(at, 1 + Below(3), kMarks[Below(kMarks.size())]);
        break;
      }
    }
  }

  const std::vector<std::string>& corpus_;
  std::mt19937_64 random_{1};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: " << argv[0] << " RUNS FILE|DIRECTORY...\n";
    return 2;
  }
  crash_file = "crash-" + std::filesystem::path(argv[0]).filename().string();
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(KeepInput);
  signal(SIGALRM, OnAlarm);

  std::vector<std::string> files;
  for (int i = 2; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) {
      files.emplace_back(argv[i]);
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      files.push_back(entry.path().string());
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> corpus;
  for (const std::string& file : files) {
    std::ifstream stream(file, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
    if (!stream) {
      std::cerr << "cannot read " << file << "\n";
      return 2;
    }
  }
  if (corpus.empty()) {
    std::cerr << "no corpus\n";
    return 2;
  }
  for (const std::string& input : corpus) Run(input);
  Mutator mutator(corpus);
  const long runs = std::atol(argv[1]);
  for (long run = 0; run < runs; ++run) Run(mutator.Next());
  std::cout << corpus.size() << " inputs and " << runs << " mutations of them\n";
}
