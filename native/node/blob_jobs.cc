#include "native/node/blob_jobs.h"

#include <utility>

#include "native/core/crc32c.h"
#include "native/core/manifest.h"
#include "native/core/publish.h"
#include "native/core/sha256.h"
#include "native/core/verifier.h"
#include "native/node/js_values.h"
#include "native/node/promise_job.h"

namespace longshore {

namespace {

Napi::Value FromVerification(Napi::Env env, const Verification& verification) {
  Napi::Array bad = Napi::Array::New(env, verification.bad_chunks.size());
  uint32_t next = 0;
  for (const uint64_t chunk : verification.bad_chunks) bad[next++] = FromBytes(env, chunk);
  Napi::Object js = Napi::Object::New(env);
  js["badChunks"] = bad;
  js["sha256"] = verification.sha256 ? FromDigest(env, *verification.sha256) : env.Null();
  return js;
}

Napi::Value FromManifest(Napi::Env env, const Content& content) {
  Napi::Object js = FromContent(env, content).As<Napi::Object>();
  auto crcs = Napi::Buffer<uint8_t>::New(env, content.block_crcs.size() * 4);
  size_t at = 0;
  for (const uint32_t crc : content.block_crcs) {
    for (int shift = 0; shift < 32; shift += 8) crcs[at++] = static_cast<uint8_t>(crc >> shift);
  }
  js["chunkBytes"] = FromBytes(env, kChunkBytes);
  js["blockBytes"] = FromBytes(env, kBlockBytes);
  js["blockCrcs"] = crcs;
  return js;
}

struct Hashed {
  Digest sha256;
  uint32_t crc;
};

Napi::Value FromHashed(Napi::Env env, const Hashed& hashed) {
  Napi::Object js = Napi::Object::New(env);
  js["sha256"] = FromDigest(env, hashed.sha256);
  js["crc32c"] = Napi::Number::New(env, hashed.crc);
  return js;
}

}  // namespace

Napi::Value VerifyBlobJob(const Napi::CallbackInfo& info) {
  const std::string content = ToText(info[0]);
  const std::string manifest = ToText(info[1]);
  VerifyOptions options;
  options.whole = ToFlag(info[2]);
  options.bytes_per_second_max = ToOptionalBytes(info[3]);
  const auto aborted = Environment::Of(info.Env()).MakeAbortFlag();
  options.aborted = aborted;
  Napi::Object job = Napi::Object::New(info.Env());
  job["promise"] = Promised<Verification>(
      info.Env(), info.Env().Undefined(), FromVerification,
      [&](Done<Verification> done) { VerifyBlob(content, manifest, options, std::move(done)); });
  job["abort"] = Napi::Function::New(
      info.Env(), [aborted](const Napi::CallbackInfo&) { *aborted = true; }, "abort");
  return job;
}

Napi::Value ReadManifestJob(const Napi::CallbackInfo& info) {
  return PromisedOn(IoPool(), info.Env(), info.Env().Undefined(), FromManifest,
                    [path = ToText(info[0])] { return ReadManifest(path); });
}

Napi::Value WriteBlobJob(const Napi::CallbackInfo& info) {
  const BlobPaths to{ToText(info[0]), ToText(info[1])};
  const Span content = ToSpan(info[2]);
  return PromisedOn(SlowPool(), info.Env(), info[2], FromContent,
                    [to, content] { return WriteBlob(content.data, content.bytes, to); });
}

Napi::Value HashContentJob(const Napi::CallbackInfo& info) {
  const Span content = ToSpan(info[0]);
  return PromisedOn(ComputePool(), info.Env(), info[0], FromHashed, [content] {
    Hashed hashed{};
    Sha256Digest(content.data, content.bytes, hashed.sha256.data());
    hashed.crc = Crc32c(0, content.data, content.bytes);
    return hashed;
  });
}

}  // namespace longshore
