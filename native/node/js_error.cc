#include "native/node/js_error.h"

#include <cerrno>
#include <string>
#include <system_error>

#include "native/core/storage_error.h"

namespace longshore {

namespace {

// What file calls may say (POSIX errno.h); the C library has no portable way to ask for a name.
constexpr struct {
  int error;
  const char* name;
} kErrnoNames[] = {
    {EACCES, "EACCES"},   {EAGAIN, "EAGAIN"},
    {EBADF, "EBADF"},     {EBUSY, "EBUSY"},
    {EDQUOT, "EDQUOT"},   {EEXIST, "EEXIST"},
    {EFBIG, "EFBIG"},     {EINVAL, "EINVAL"},
    {EIO, "EIO"},         {EISDIR, "EISDIR"},
    {ELOOP, "ELOOP"},     {EMFILE, "EMFILE"},
    {EMLINK, "EMLINK"},   {ENAMETOOLONG, "ENAMETOOLONG"},
    {ENFILE, "ENFILE"},   {ENODEV, "ENODEV"},
    {ENOENT, "ENOENT"},   {ENOLCK, "ENOLCK"},
    {ENOMEM, "ENOMEM"},   {ENOSPC, "ENOSPC"},
    {ENOTDIR, "ENOTDIR"}, {ENOTEMPTY, "ENOTEMPTY"},
    {ENXIO, "ENXIO"},     {EOPNOTSUPP, "EOPNOTSUPP"},
    {EPERM, "EPERM"},     {EROFS, "EROFS"},
    {ESTALE, "ESTALE"},   {ETXTBSY, "ETXTBSY"},
    {EXDEV, "EXDEV"},
};

std::string ErrnoName(int error) {
  for (const auto& known : kErrnoNames) {
    if (known.error == error) return known.name;
  }
  return "E" + std::to_string(error);
}

}  // namespace

Napi::Value ToJsError(Napi::Env env, const std::exception_ptr& failure) {
  const auto error_of = [env](const char* message) {
    return Napi::Error::New(env, message).Value();
  };
  try {
    std::rethrow_exception(failure);
  } catch (const StorageError& error) {
    Napi::Object js = error_of(error.what());
    js["code"] = Napi::String::New(env, error.code());
    for (const auto& [name, value] : error.facts()) {
      js[name] = Napi::Number::New(env, static_cast<double>(value));
    }
    return js;
  } catch (const std::system_error& error) {
    Napi::Object js = error_of(error.what());
    js["code"] = Napi::String::New(env, ErrnoName(error.code().value()));
    js["errno"] = Napi::Number::New(env, -error.code().value());
    return js;
  } catch (const std::bad_alloc&) {
    Napi::Object js = error_of("the native core ran out of memory");
    js["code"] = Napi::String::New(env, "ENOMEM");
    return js;
  } catch (const std::exception& error) {
    return error_of(error.what());
  } catch (...) {
    return error_of("the native core failed in a way that has no name");
  }
}

}  // namespace longshore
