#include "audit/scan/scanner_version.h"

namespace lre_audit {
namespace {

#include "audit/scan/scanner_sources.h"

}  // namespace

std::string ScannerVersion() { return kScannerSources; }

}  // namespace lre_audit
