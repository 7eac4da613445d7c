#ifndef LONGSHORE_NATIVE_NODE_JS_VALUES_H_
#define LONGSHORE_NATIVE_NODE_JS_VALUES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "native/core/content.h"
#include "native/core/durability.h"
#include "native/core/outcome.h"
#include "native/core/posix_file.h"
#include "native/node/napi_setup.h"

// Values that cross the border. Arguments were checked in TypeScript; a wrong type throws TypeError
// here all the same, it must never reach memory.

namespace longshore {

uint64_t ToBytes(const Napi::Value& value);
uint32_t ToCrc(const Napi::Value& value);
bool ToFlag(const Napi::Value& value);
std::string ToText(const Napi::Value& value);
// null is nothing.
std::optional<uint64_t> ToOptionalBytes(const Napi::Value& value);
std::optional<uint32_t> ToOptionalCrc(const Napi::Value& value);
// The memory of a Uint8Array, which must be kept alive while it is used.
Span ToSpan(const Napi::Value& value);
std::vector<Span> ToSpans(const Napi::Value& value);

Napi::Value FromNothing(Napi::Env env, Nothing nothing);
Napi::Value FromBytes(Napi::Env env, uint64_t bytes);
Napi::Value FromDigest(Napi::Env env, const Digest& digest);
Napi::Value FromDigests(Napi::Env env, const std::vector<Digest>& digests);
Napi::Value FromPersisted(Napi::Env env, const Persisted& persisted);
Napi::Value FromContent(Napi::Env env, const Content& content);

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_NODE_JS_VALUES_H_
