// What a compiler says that it has read: the rules of a Makefile in a .d file (-MD, -MF).
// Sources: GCC's libcpp/mkdeps.cc (munge), Clang's DependencyFile.cpp, GNU make's manual "Rules".
#ifndef LRE_AUDIT_AUDIT_EXPLAIN_DEP_FILE_H_
#define LRE_AUDIT_AUDIT_EXPLAIN_DEP_FILE_H_

#include <string>
#include <string_view>
#include <vector>

namespace lre_audit::explain {

// The prerequisites of all its rules, unescaped, in its order. Whatever stands before a rule's
// colon is a target; what has no colon is none.
std::vector<std::string> ReadDepFile(std::string_view text);

}  // namespace lre_audit::explain

#endif  // LRE_AUDIT_AUDIT_EXPLAIN_DEP_FILE_H_
