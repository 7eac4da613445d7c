#include "native/node/allocator.h"
#include "native/node/blob_jobs.h"
#include "native/node/blob_reader_object.h"
#include "native/node/checksums.h"
#include "native/node/environment.h"
#include "native/node/napi_setup.h"
#include "native/node/part_file_object.h"
#include "native/node/stay_loaded.h"

namespace longshore {

// The table: names and order as in src/native/binding.ts.
static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  StayLoaded();
  Environment::Attach(env);
  Environment::Of(env).part_file = Napi::Persistent(PartFileObject::Define(env));
  Environment::Of(env).blob_reader = Napi::Persistent(BlobReaderObject::Define(env));
  exports["openPartFile"] = Napi::Function::New<&PartFileObject::Open>(env);
  exports["inspectPartFile"] = Napi::Function::New<&PartFileObject::Inspect>(env);
  exports["openBlobReader"] = Napi::Function::New<&BlobReaderObject::Open>(env);
  exports["frameBytes"] = Napi::Function::New<&BlobReaderObject::GetFrameBytes>(env);
  exports["verifyBlob"] = Napi::Function::New<&VerifyBlobJob>(env);
  exports["readManifest"] = Napi::Function::New<&ReadManifestJob>(env);
  exports["writeBlob"] = Napi::Function::New<&WriteBlobJob>(env);
  exports["hashContent"] = Napi::Function::New<&HashContentJob>(env);
  exports["crc32c"] = Napi::Function::New<&Crc32cNow>(env);
  exports["crc32cCombine"] = Napi::Function::New<&Crc32cCombineNow>(env);
  exports["sha256Implementation"] = Napi::Function::New<&Sha256ImplementationNow>(env);
  exports["forceSha256"] = Napi::Function::New<&ForceSha256Now>(env);
  exports["keepFreedMemory"] = Napi::Function::New<&KeepFreedMemory>(env);
  return exports;
}

NODE_API_MODULE(longshore, Init)

}  // namespace longshore
