#ifndef LONGSHORE_NATIVE_NODE_PART_FILE_OBJECT_H_
#define LONGSHORE_NATIVE_NODE_PART_FILE_OBJECT_H_

#include <memory>

#include "native/core/part_file.h"
#include "native/node/napi_setup.h"

namespace longshore {

// A PartFile in JavaScript's hands (NativePartFile in src/native/binding.ts).
class PartFileObject final : public Napi::ObjectWrap<PartFileObject> {
 public:
  static Napi::Function Define(Napi::Env env);
  // openPartFile(folder, session, exclusive, totalBytes)
  static Napi::Value Open(const Napi::CallbackInfo& info);
  // inspectPartFile(folder)
  static Napi::Value Inspect(const Napi::CallbackInfo& info);

  explicit PartFileObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value GetPersisted(const Napi::CallbackInfo& info);
  Napi::Value GetNextOffset(const Napi::CallbackInfo& info);
  Napi::Value Write(const Napi::CallbackInfo& info);
  Napi::Value Matches(const Napi::CallbackInfo& info);
  Napi::Value Sync(const Napi::CallbackInfo& info);
  Napi::Value Finish(const Napi::CallbackInfo& info);
  Napi::Value Publish(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  std::shared_ptr<PartFile> file_;
};

}  // namespace longshore

#endif  // LONGSHORE_NATIVE_NODE_PART_FILE_OBJECT_H_
