#include "audit/cache/string_table.h"

#include <cstring>

#include "absl/hash/hash.h"
#include "base/text.h"

namespace lre_audit::cache {
namespace {

constexpr size_t kBlockBytes = 256 << 10;
constexpr size_t kFirstSlots = 1024;

uint32_t TagOf(std::string_view text) {
  return static_cast<uint32_t>(absl::HashOf(ToAbsl(text)) >> 16);
}

}  // namespace

StringTable::StringTable() {
  for (Table* table : {&tails_, &directories_}) {
    table->texts.Add({});  // the empty string; no directory
    table->slots.resize(kFirstSlots);
    table->tags.resize(kFirstSlots);
  }
}

void StringTable::Table::Insert(uint32_t tag, uint32_t index) {
  if (texts.size() * 4 > slots.size() * 3) {
    const std::vector<uint32_t> old_slots = std::move(slots), old_tags = std::move(tags);
    slots.assign(old_slots.size() * 2, 0);
    tags.assign(slots.size(), 0);
    for (size_t i = 0; i < old_slots.size(); ++i) {
      if (old_slots[i] == 0) continue;
      size_t slot = old_tags[i] & (slots.size() - 1);
      while (slots[slot] != 0) slot = (slot + 1) & (slots.size() - 1);
      slots[slot] = old_slots[i];
      tags[slot] = old_tags[i];
    }
  }
  size_t slot = tag & (slots.size() - 1);
  while (slots[slot] != 0) slot = (slot + 1) & (slots.size() - 1);
  slots[slot] = index;
  tags[slot] = tag;
}

uint32_t StringTable::FindDirectory(std::string_view text, uint32_t tag) const {
  const size_t mask = directories_.slots.size() - 1;
  for (size_t slot = tag & mask;; slot = (slot + 1) & mask) {
    const uint32_t index = directories_.slots[slot];
    if (index == 0) return 0;
    if (directories_.tags[slot] == tag && View(directories_.texts[index]) == text) return index;
  }
}

StringId StringTable::FindWhole(std::string_view text, size_t slash, uint32_t tag) const {
  const bool has_slash = slash != std::string_view::npos;
  const std::string_view tail = has_slash ? text.substr(slash + 1) : text;
  const std::string_view directory = has_slash ? text.substr(0, slash) : std::string_view();
  const size_t mask = tails_.slots.size() - 1;
  for (size_t slot = tag & mask;; slot = (slot + 1) & mask) {
    const uint32_t index = tails_.slots[slot];
    if (index == 0) return 0;
    if (tails_.tags[slot] != tag) continue;
    const Text& found = tails_.texts[index];
    if (View(found) == tail && (found.directory != 0) == has_slash &&
        View(directories_.texts[found.directory]) == directory) {
      return index;
    }
  }
}

StringId StringTable::Find(std::string_view text) const {
  if (text.empty()) return 0;
  return FindWhole(text, text.rfind('/'), TagOf(text));
}

StringId StringTable::Intern(std::string_view text) {
  if (text.empty()) return 0;
  const uint32_t tag = TagOf(text);
  const size_t slash = text.rfind('/');
  if (const StringId found = FindWhole(text, slash, tag); found != 0) return found;
  Text whole;
  std::string_view tail = text;
  if (slash != std::string_view::npos) {
    const std::string_view directory = text.substr(0, slash);
    tail.remove_prefix(slash + 1);
    const uint32_t directory_tag = TagOf(directory);
    whole.directory = FindDirectory(directory, directory_tag);
    if (whole.directory == 0) {
      whole.directory =
          directories_.texts.Add({Store(directory), static_cast<uint32_t>(directory.size()), 0});
      directories_.Insert(directory_tag, whole.directory);
    }
  }
  whole.bytes = Store(tail);
  whole.length = static_cast<uint32_t>(tail.size());
  const StringId id = tails_.texts.Add(whole);
  tails_.Insert(tag, id);
  return id;
}

StringTable::Parts StringTable::Split(StringId id) const {
  const Text& text = tails_.texts[id];
  return {text.directory, View(directories_.texts[text.directory]), View(text)};
}

void StringTable::Append(StringId id, std::string* text) const {
  const Parts parts = Split(id);
  if (parts.directory != 0) {
    text->append(parts.directory_text);
    text->push_back('/');
  }
  text->append(parts.tail);
}

std::string StringTable::Get(StringId id) const {
  std::string text;
  Append(id, &text);
  return text;
}

const char* StringTable::Store(std::string_view text) {
  if (text.size() > left_) {
    // What is large has a block of its own, and the current one goes on being filled.
    const bool large = text.size() > kBlockBytes / 8;
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(large ? text.size() : kBlockBytes));
    if (large) {
      memcpy(blocks_.back().get(), text.data(), text.size());
      return blocks_.back().get();
    }
    next_ = blocks_.back().get();
    left_ = kBlockBytes;
  }
  char* const stored = next_;
  if (!text.empty()) memcpy(stored, text.data(), text.size());
  next_ += text.size();
  left_ -= text.size();
  return stored;
}

}  // namespace lre_audit::cache
