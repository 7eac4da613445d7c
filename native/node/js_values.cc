#include "native/node/js_values.h"

namespace longshore {

namespace {

[[noreturn]] void WrongType(Napi::Env env, const char* wanted) {
  throw Napi::TypeError::New(env, std::string("the native core was not given ") + wanted);
}

uint64_t ToWhole(const Napi::Value& value, double max, const char* wanted) {
  if (!value.IsNumber()) WrongType(value.Env(), wanted);
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= 0 && number <= max)) WrongType(value.Env(), wanted);
  return static_cast<uint64_t>(number);
}

}  // namespace

uint64_t ToBytes(const Napi::Value& value) {
  return ToWhole(value, 9007199254740991.0, "a number of bytes");
}

uint32_t ToCrc(const Napi::Value& value) {
  return static_cast<uint32_t>(ToWhole(value, 4294967295.0, "a CRC"));
}

bool ToFlag(const Napi::Value& value) {
  if (!value.IsBoolean()) WrongType(value.Env(), "a boolean");
  return value.As<Napi::Boolean>().Value();
}

std::string ToText(const Napi::Value& value) {
  if (!value.IsString()) WrongType(value.Env(), "a string");
  return value.As<Napi::String>().Utf8Value();
}

std::optional<uint64_t> ToOptionalBytes(const Napi::Value& value) {
  if (value.IsNull()) return std::nullopt;
  return ToBytes(value);
}

std::optional<uint32_t> ToOptionalCrc(const Napi::Value& value) {
  if (value.IsNull()) return std::nullopt;
  return ToCrc(value);
}

Span ToSpan(const Napi::Value& value) {
  napi_typedarray_type type = napi_int8_array;
  size_t length = 0;
  void* data = nullptr;
  if (!value.IsTypedArray() ||
      napi_get_typedarray_info(value.Env(), value, &type, &length, &data, nullptr, nullptr) !=
          napi_ok ||
      type != napi_uint8_array) {
    WrongType(value.Env(), "a Uint8Array");
  }
  return {static_cast<const uint8_t*>(data), length};
}

std::vector<Span> ToSpans(const Napi::Value& value) {
  if (!value.IsArray()) WrongType(value.Env(), "an array");
  const auto array = value.As<Napi::Array>();
  const uint32_t length = array.Length();
  std::vector<Span> spans;
  spans.reserve(length);
  for (uint32_t i = 0; i < length; ++i) spans.push_back(ToSpan(array.Get(i)));
  return spans;
}

Napi::Value FromNothing(Napi::Env env, Nothing) { return env.Undefined(); }

Napi::Value FromBytes(Napi::Env env, uint64_t bytes) {
  return Napi::Number::New(env, static_cast<double>(bytes));
}

Napi::Value FromDigest(Napi::Env env, const Digest& digest) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * digest.size());
  for (const uint8_t byte : digest) {
    text.push_back(kHex[byte >> 4]);
    text.push_back(kHex[byte & 15]);
  }
  return Napi::String::New(env, text);
}

Napi::Value FromDigests(Napi::Env env, const std::vector<Digest>& digests) {
  static_assert(sizeof(Digest) == kSha256DigestBytes, "digests lie side by side");
  return Napi::Buffer<uint8_t>::Copy(env, reinterpret_cast<const uint8_t*>(digests.data()),
                                     digests.size() * kSha256DigestBytes);
}

Napi::Value FromPersisted(Napi::Env env, const Persisted& persisted) {
  Napi::Array ranges = Napi::Array::New(env, persisted.ranges.size());
  uint32_t next = 0;
  for (const Range& range : persisted.ranges) {
    Napi::Object js = Napi::Object::New(env);
    js["offset"] = FromBytes(env, range.offset);
    js["length"] = FromBytes(env, range.length);
    ranges[next++] = js;
  }
  Napi::Object js = Napi::Object::New(env);
  js["size"] = FromBytes(env, persisted.size);
  js["crc32c"] = Napi::Number::New(env, persisted.crc32c);
  js["ranges"] = ranges;
  return js;
}

Napi::Value FromContent(Napi::Env env, const Content& content) {
  Napi::Object js = Napi::Object::New(env);
  js["sha256"] = FromDigest(env, content.sha256);
  js["size"] = FromBytes(env, content.size);
  js["crc32c"] = Napi::Number::New(env, content.crc32c);
  js["chunkDigests"] = FromDigests(env, content.chunk_digests);
  return js;
}

}  // namespace longshore
