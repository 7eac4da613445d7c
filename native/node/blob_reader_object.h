#ifndef LONGSHORE_NATIVE_NODE_BLOB_READER_OBJECT_H_
#define LONGSHORE_NATIVE_NODE_BLOB_READER_OBJECT_H_

#include <memory>

#include "native/core/blob_reader.h"
#include "native/node/napi_setup.h"

namespace longshore {

// A BlobReader in JavaScript's hands (NativeBlobReader in src/native/binding.ts). Each read holds
// the reader, so closing only lets go of it: the file is closed when the last read has ended.
class BlobReaderObject final : public Napi::ObjectWrap<BlobReaderObject> {
 public:
  static Napi::Function Define(Napi::Env env);
  // openBlobReader(contentPath, manifestPath)
  static Napi::Value Open(const Napi::CallbackInfo& info);
  // frameBytes(contentBytes)
  static Napi::Value GetFrameBytes(const Napi::CallbackInfo& info);

  explicit BlobReaderObject(const Napi::CallbackInfo& info);

 private:
  using Reader = std::shared_ptr<const BlobReader>;

  Napi::Value GetSize(const Napi::CallbackInfo& info);
  Napi::Value GetSha256(const Napi::CallbackInfo& info);
  Napi::Value GetChunkDigests(const Napi::CallbackInfo& info);
  Napi::Value ReadIntoFrame(const Napi::CallbackInfo& info);
  Napi::Value Read(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  // StorageError CLOSED after Close.
  const Reader& Opened() const;
  void CheckRange(uint64_t offset, uint64_t length) const;

  Reader reader_;
};

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_NODE_BLOB_READER_OBJECT_H_
