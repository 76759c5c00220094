// What tells facts of this scanner from those of any other.
#ifndef LRE_AUDIT_AUDIT_SCAN_SCANNER_VERSION_H_
#define LRE_AUDIT_AUDIT_SCAN_SCANNER_VERSION_H_

#include <string>

namespace lre_audit {

// 64 hex digits that change with every change of the sources that facts come from
// (cmake/scanner_version.cmake).
std::string ScannerVersion();

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_SCAN_SCANNER_VERSION_H_
