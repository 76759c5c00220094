// The media types of images: of the OCI, and of Docker's schema 2.
// Sources: image-spec media-types.md; distribution manifest-v2-2.md.
#ifndef LRE_AUDIT_AUDIT_TREES_MEDIA_TYPE_H_
#define LRE_AUDIT_AUDIT_TREES_MEDIA_TYPE_H_

#include <string_view>

#include "audit/trees/problem_log.h"

namespace lre_audit {

// What a media type says a document is; neither for the types of other things.
bool IsIndexType(std::string_view media_type);
bool IsManifestType(std::string_view media_type);

// A type that is no layer's, or no configuration's, is a problem of the member `name` that has it:
// "layers[0].mediaType". None at all leaves it to the bytes.
void CheckLayerType(std::string_view media_type, std::string_view name, ProblemLog& log);
void CheckConfigType(std::string_view media_type, std::string_view name, ProblemLog& log);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_MEDIA_TYPE_H_
