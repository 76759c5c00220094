// Facts of configuration files as lines that a test can state and a person can read.
#ifndef LRE_AUDIT_TESTS_AUDIT_TOOLCHAIN_CONFIG_TEXT_H_
#define LRE_AUDIT_TESTS_AUDIT_TOOLCHAIN_CONFIG_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

#include "rules/facts.pb.h"

namespace lre_audit {

// "12:9 PIN github.com/a/b=0123..." for each setting, then "3:1 TOOL CC=/usr/bin/cc" for each claim
// and "4:2 defect: message" for each defect; line:column first.
std::vector<std::string> Lines(const ConfigFacts& facts);

// The same of one kind of setting alone: "PIN".
std::vector<std::string> Lines(const ConfigFacts& facts, std::string_view kind);

// Fails unless every line and column lies in `text`, and every value that stands in its line as it
// is stands at its column.
void ExpectPlacesIn(std::string_view text, const ConfigFacts& facts);

// `text` cut off after each byte, and with each byte replaced by two of those that mean something:
// what a reader must survive.
std::vector<std::string> Mutations(std::string_view text);

}  // namespace lre_audit

#endif  // LRE_AUDIT_TESTS_AUDIT_TOOLCHAIN_CONFIG_TEXT_H_
