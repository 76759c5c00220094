// Where input bytes become safe to show, once for all formats.
#ifndef LRE_AUDIT_REPORTS_PRINTABLE_H_
#define LRE_AUDIT_REPORTS_PRINTABLE_H_

#include <google/protobuf/message.h>

namespace lre_audit {

// Rules put raw bytes of file names and contents into a Report, comparisons into a Comparison. This
// escapes every string of the message with Escaped() of base/text.h, so that a control character
// neither reaches a terminal nor breaks a line of a log, and every string is the valid UTF-8 that
// protobuf and JSON demand. A finding's message has the names in it escaped: its backslashes stay.
//
// Call it exactly once, after the last finding was added and before the first renderer: renderers
// print strings as they are, and a second call would double the backslashes of the first.
void MakePrintable(google::protobuf::Message& message);

}  // namespace lre_audit

#endif  // LRE_AUDIT_REPORTS_PRINTABLE_H_
