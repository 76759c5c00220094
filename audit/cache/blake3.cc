#include "audit/cache/blake3.h"

#include <algorithm>
#include <bit>
#include <cstddef>

namespace lre_audit::cache {
namespace {

constexpr size_t kBlock = 64, kChunk = 1024;
enum Flags : uint32_t { kChunkStart = 1, kChunkEnd = 2, kParent = 4, kRoot = 8 };

using Words = std::array<uint32_t, 16>;
using Chaining = std::array<uint32_t, 8>;

constexpr Chaining kInitial = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                               0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
constexpr std::array<uint8_t, 16> kPermutation = {2, 6,  3,  10, 7, 0,  4,  13,
                                                  1, 11, 12, 5,  9, 14, 15, 8};

void Mix(Words& v, int a, int b, int c, int d, uint32_t x, uint32_t y) {
  v[a] += v[b] + x;
  v[d] = std::rotr(v[d] ^ v[a], 16);
  v[c] += v[d];
  v[b] = std::rotr(v[b] ^ v[c], 12);
  v[a] += v[b] + y;
  v[d] = std::rotr(v[d] ^ v[a], 8);
  v[c] += v[d];
  v[b] = std::rotr(v[b] ^ v[c], 7);
}

Chaining Compress(const Chaining& chaining, Words block, uint64_t counter, uint32_t length,
                  uint32_t flags) {
  Words v = {chaining[0],
             chaining[1],
             chaining[2],
             chaining[3],
             chaining[4],
             chaining[5],
             chaining[6],
             chaining[7],
             kInitial[0],
             kInitial[1],
             kInitial[2],
             kInitial[3],
             static_cast<uint32_t>(counter),
             static_cast<uint32_t>(counter >> 32),
             length,
             flags};
  for (int round = 0; round < 7; ++round) {
    Mix(v, 0, 4, 8, 12, block[0], block[1]);
    Mix(v, 1, 5, 9, 13, block[2], block[3]);
    Mix(v, 2, 6, 10, 14, block[4], block[5]);
    Mix(v, 3, 7, 11, 15, block[6], block[7]);
    Mix(v, 0, 5, 10, 15, block[8], block[9]);
    Mix(v, 1, 6, 11, 12, block[10], block[11]);
    Mix(v, 2, 7, 8, 13, block[12], block[13]);
    Mix(v, 3, 4, 9, 14, block[14], block[15]);
    Words permuted;
    for (size_t i = 0; i < 16; ++i) permuted[i] = block[kPermutation[i]];
    block = permuted;
  }
  Chaining out;
  for (size_t i = 0; i < 8; ++i) out[i] = v[i] ^ v[i + 8];
  return out;
}

Words LoadBlock(std::string_view bytes) {
  Words words = {};
  for (size_t i = 0; i < bytes.size(); ++i) {
    words[i / 4] |= uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * (i % 4));
  }
  return words;
}

// `root` is kRoot where the chunk is the whole input.
Chaining HashChunk(std::string_view chunk, uint64_t counter, uint32_t root) {
  Chaining chaining = kInitial;
  uint32_t flags = kChunkStart;
  while (chunk.size() > kBlock) {
    chaining = Compress(chaining, LoadBlock(chunk.substr(0, kBlock)), counter, kBlock, flags);
    chunk.remove_prefix(kBlock);
    flags = 0;
  }
  return Compress(chaining, LoadBlock(chunk), counter, static_cast<uint32_t>(chunk.size()),
                  flags | kChunkEnd | root);
}

// The left subtree holds the largest power of two of chunks that leaves something for the right, so
// the recursion is as deep as the size has bits.
Chaining HashTree(std::string_view data, uint64_t counter, uint32_t root) {
  if (data.size() <= kChunk) return HashChunk(data, counter, root);
  const size_t left_chunks = std::bit_floor((data.size() - 1) / kChunk);
  const Chaining left = HashTree(data.substr(0, left_chunks * kChunk), counter, 0);
  const Chaining right = HashTree(data.substr(left_chunks * kChunk), counter + left_chunks, 0);
  Words block;
  std::copy(left.begin(), left.end(), block.begin());
  std::copy(right.begin(), right.end(), block.begin() + 8);
  return Compress(kInitial, block, 0, kBlock, kParent | root);
}

}  // namespace

std::array<uint8_t, 32> Blake3(std::string_view data) {
  const Chaining words = HashTree(data, 0, kRoot);
  std::array<uint8_t, 32> hash;
  for (size_t i = 0; i < hash.size(); ++i) {
    hash[i] = static_cast<uint8_t>(words[i / 4] >> (8 * (i % 4)));
  }
  return hash;
}

}  // namespace lre_audit::cache
