#include "native/node/blob_reader_object.h"

#include <utility>

#include "native/core/storage_error.h"
#include "native/node/js_values.h"
#include "native/node/promise_job.h"

namespace longshore {

namespace {

Napi::Value FromFrame(Napi::Env env, const ReadFrame& frame) {
  Napi::Object js = Napi::Object::New(env);
  js["start"] = FromBytes(env, frame.bounds.start);
  js["end"] = FromBytes(env, frame.bounds.end);
  js["crc32c"] = Napi::Number::New(env, frame.crc);
  return js;
}

Napi::Value FromRead(Napi::Env env, const CheckedBytes& read) {
  Napi::Object js = Napi::Object::New(env);
  js["content"] = Napi::Buffer<uint8_t>::Copy(env, read.bytes.data(), read.bytes.size());
  js["crc32c"] = Napi::Number::New(env, read.crc);
  return js;
}

}  // namespace

Napi::Function BlobReaderObject::Define(Napi::Env env) {
  return DefineClass(env, "NativeBlobReader",
                     {
                         InstanceAccessor<&BlobReaderObject::GetSize>("size"),
                         InstanceAccessor<&BlobReaderObject::GetSha256>("sha256"),
                         InstanceAccessor<&BlobReaderObject::GetChunkDigests>("chunkDigests"),
                         InstanceMethod<&BlobReaderObject::ReadIntoFrame>("readFrame"),
                         InstanceMethod<&BlobReaderObject::Read>("read"),
                         InstanceMethod<&BlobReaderObject::Close>("close"),
                     });
}

BlobReaderObject::BlobReaderObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<BlobReaderObject>(info) {
  if (!info[0].IsExternal()) throw Napi::TypeError::New(info.Env(), "use openBlobReader");
  reader_ = std::move(*info[0].As<Napi::External<Reader>>().Data());
}

Napi::Value BlobReaderObject::Open(const Napi::CallbackInfo& info) {
  const auto wrap = [](Napi::Env env, Reader reader) -> Napi::Value {
    return Environment::Of(env).blob_reader.New({Napi::External<Reader>::New(env, &reader)});
  };
  return PromisedOn(IoPool(), info.Env(), info.Env().Undefined(), wrap,
                    [content = ToText(info[0]), manifest = ToText(info[1])]() -> Reader {
                      return std::make_shared<const BlobReader>(content, manifest);
                    });
}

Napi::Value BlobReaderObject::GetFrameBytes(const Napi::CallbackInfo& info) {
  return FromBytes(info.Env(), FrameBytes(ToBytes(info[0])));
}

const BlobReaderObject::Reader& BlobReaderObject::Opened() const {
  if (!reader_) throw StorageError("CLOSED", "read a blob: its reader is closed");
  return reader_;
}

void BlobReaderObject::CheckRange(uint64_t offset, uint64_t length) const {
  const uint64_t size = Opened()->content().size;
  if (offset > size || length > size - offset) {
    throw std::out_of_range("read a blob: the range is beyond its end");
  }
}

Napi::Value BlobReaderObject::GetSize(const Napi::CallbackInfo& info) {
  return FromBytes(info.Env(), Opened()->content().size);
}

Napi::Value BlobReaderObject::GetSha256(const Napi::CallbackInfo& info) {
  return FromDigest(info.Env(), Opened()->content().sha256);
}

Napi::Value BlobReaderObject::GetChunkDigests(const Napi::CallbackInfo& info) {
  return FromDigests(info.Env(), Opened()->content().chunk_digests);
}

Napi::Value BlobReaderObject::ReadIntoFrame(const Napi::CallbackInfo& info) {
  const uint64_t offset = ToBytes(info[0]);
  const uint64_t length = ToBytes(info[1]);
  const Span frame = ToSpan(info[2]);
  return Promised<ReadFrame>(info.Env(), info[2], FromFrame, [&](const Done<ReadFrame>& done) {
    CheckRange(offset, length);
    if (frame.bytes < FrameBytes(length))
      throw std::out_of_range("read a blob: the frame is too small");
    auto* const to = const_cast<uint8_t*>(frame.data);  // ours until the promise settles
    IoPool().Post([reader = Opened(), offset, length, to, done] {
      done(Attempt([&] { return reader->ReadIntoFrame(offset, length, to); }));
    });
  });
}

Napi::Value BlobReaderObject::Read(const Napi::CallbackInfo& info) {
  const uint64_t offset = ToBytes(info[0]);
  const uint64_t length = ToBytes(info[1]);
  return Promised<CheckedBytes>(info.Env(), info.Env().Undefined(), FromRead,
                                [&](const Done<CheckedBytes>& done) {
                                  CheckRange(offset, length);
                                  IoPool().Post([reader = Opened(), offset, length, done] {
                                    done(Attempt([&] { return reader->Read(offset, length); }));
                                  });
                                });
}

Napi::Value BlobReaderObject::Close(const Napi::CallbackInfo& info) {
  reader_.reset();
  const Napi::Promise::Deferred deferred = Napi::Promise::Deferred::New(info.Env());
  deferred.Resolve(info.Env().Undefined());
  return deferred.Promise();
}

}  // namespace longshore
