#include "native/node/part_file_object.h"

#include <utility>

#include "native/node/js_values.h"
#include "native/node/promise_job.h"

namespace longshore {

using File = std::shared_ptr<PartFile>;

Napi::Function PartFileObject::Define(Napi::Env env) {
  return DefineClass(env, "NativePartFile",
                     {
                         InstanceAccessor<&PartFileObject::GetPersisted>("persisted"),
                         InstanceAccessor<&PartFileObject::GetNextOffset>("nextOffset"),
                         InstanceMethod<&PartFileObject::Write>("write"),
                         InstanceMethod<&PartFileObject::Matches>("matches"),
                         InstanceMethod<&PartFileObject::Sync>("sync"),
                         InstanceMethod<&PartFileObject::Finish>("finish"),
                         InstanceMethod<&PartFileObject::Publish>("publish"),
                         InstanceMethod<&PartFileObject::Close>("close"),
                     });
}

PartFileObject::PartFileObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<PartFileObject>(info) {
  if (!info[0].IsExternal()) throw Napi::TypeError::New(info.Env(), "use openPartFile");
  file_ = std::move(*info[0].As<Napi::External<File>>().Data());
}

Napi::Value PartFileObject::Open(const Napi::CallbackInfo& info) {
  PartFileOptions options;
  options.folder = ToText(info[0]);
  options.session = ToText(info[1]);
  options.exclusive = ToFlag(info[2]);
  options.total_bytes = ToOptionalBytes(info[3]);
  options.aborted = Environment::Of(info.Env()).leaving();
  const auto wrap = [](Napi::Env env, File file) -> Napi::Value {
    return Environment::Of(env).part_file.New({Napi::External<File>::New(env, &file)});
  };
  return PromisedOn(SlowPool(), info.Env(), info.Env().Undefined(), wrap,
                    [options] { return PartFile::Open(options); });
}

Napi::Value PartFileObject::Inspect(const Napi::CallbackInfo& info) {
  return PromisedOn(SlowPool(), info.Env(), info.Env().Undefined(), FromPersisted,
                    [folder = ToText(info[0])] { return PartFile::Inspect(folder); });
}

Napi::Value PartFileObject::GetPersisted(const Napi::CallbackInfo& info) {
  return FromPersisted(info.Env(), file_->persisted());
}

Napi::Value PartFileObject::GetNextOffset(const Napi::CallbackInfo& info) {
  return FromBytes(info.Env(), file_->next_offset());
}

Napi::Value PartFileObject::Write(const Napi::CallbackInfo& info) {
  const uint64_t offset = ToBytes(info[0]);
  std::vector<Span> segments = ToSpans(info[1]);
  const std::optional<uint32_t> crc = ToOptionalCrc(info[2]);
  return Promised<Nothing>(info.Env(), info[1], FromNothing, [&](Done<Nothing> done) {
    file_->Write(offset, std::move(segments), crc, std::move(done));
  });
}

Napi::Value PartFileObject::Matches(const Napi::CallbackInfo& info) {
  const uint64_t offset = ToBytes(info[0]);
  std::vector<Span> segments = ToSpans(info[1]);
  const auto from_flag = [](Napi::Env env, bool flag) { return Napi::Boolean::New(env, flag); };
  return Promised<bool>(info.Env(), info[1], from_flag, [&](Done<bool> done) {
    file_->Matches(offset, std::move(segments), std::move(done));
  });
}

Napi::Value PartFileObject::Sync(const Napi::CallbackInfo& info) {
  return Promised<Persisted>(info.Env(), info.Env().Undefined(), FromPersisted,
                             [&](Done<Persisted> done) { file_->Sync(std::move(done)); });
}

Napi::Value PartFileObject::Finish(const Napi::CallbackInfo& info) {
  using Finished = std::shared_ptr<const Content>;
  const uint64_t size = ToBytes(info[0]);
  const auto from_finished = [](Napi::Env env, const Finished& content) {
    return FromContent(env, *content);
  };
  return Promised<Finished>(info.Env(), info.Env().Undefined(), from_finished,
                            [&](Done<Finished> done) { file_->Finish(size, std::move(done)); });
}

Napi::Value PartFileObject::Publish(const Napi::CallbackInfo& info) {
  BlobPaths to{ToText(info[0]), ToText(info[1])};
  return Promised<Nothing>(
      info.Env(), info.Env().Undefined(), FromNothing,
      [&](Done<Nothing> done) { file_->Publish(std::move(to), std::move(done)); });
}

Napi::Value PartFileObject::Close(const Napi::CallbackInfo& info) {
  return Promised<Nothing>(info.Env(), info.Env().Undefined(), FromNothing,
                           [&](Done<Nothing> done) { file_->Close(std::move(done)); });
}

}  // namespace longshore
