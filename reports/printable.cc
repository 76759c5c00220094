#include "reports/printable.h"

#include <google/protobuf/descriptor.h>

#include <vector>

#include "base/text.h"

namespace lre_audit {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

void EscapeString(const Reflection& reflection, const FieldDescriptor* field, Message& message) {
  // Messages come with their names escaped by whoever made them.
  const auto escape = field->name() == "message" ? EscapedSentence : Escaped;
  std::string scratch;
  if (!field->is_repeated()) {
    reflection.SetString(&message, field,
                         escape(reflection.GetStringReference(message, field, &scratch)));
    return;
  }
  for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
    reflection.SetRepeatedString(
        &message, field, i,
        escape(reflection.GetRepeatedStringReference(message, field, i, &scratch)));
  }
}

// By reflection, so that a string added to a .proto later cannot be forgotten here. Depth is that
// of the message's types.
void EscapeStrings(Message& message) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      EscapeString(reflection, field, message);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      if (!field->is_repeated()) {
        EscapeStrings(*reflection.MutableMessage(&message, field));
        continue;
      }
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        EscapeStrings(*reflection.MutableRepeatedMessage(&message, field, i));
      }
    }
  }
}

}  // namespace

void MakePrintable(google::protobuf::Message& message) { EscapeStrings(message); }

}  // namespace lre_audit
