#include "native/node/checksums.h"

#include "native/core/crc32c.h"
#include "native/core/sha256.h"
#include "native/node/js_values.h"

namespace longshore {

Napi::Value Crc32cNow(const Napi::CallbackInfo& info) {
  const Span content = ToSpan(info[0]);
  return Napi::Number::New(info.Env(), Crc32c(ToCrc(info[1]), content.data, content.bytes));
}

Napi::Value Crc32cCombineNow(const Napi::CallbackInfo& info) {
  const uint32_t combined = Crc32cCombine(ToCrc(info[0]), ToCrc(info[1]), ToBytes(info[2]));
  return Napi::Number::New(info.Env(), combined);
}

Napi::Value Sha256ImplementationNow(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), Sha256Implementation());
}

Napi::Value ForceSha256Now(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), Sha256Force(ToText(info[0]).c_str()));
}

}  // namespace longshore
