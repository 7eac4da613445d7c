#include "load.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <sys/resource.h>

#include <cstdio>

#include "command_line.h"
#include "longshore/v1/file_service.pb.h"

namespace bench {

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + time.tv_usec / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::vector<std::shared_ptr<grpc::Channel>> Connect(const std::string& target, int64_t count) {
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int64_t i = 0; i < count; ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    arguments.SetMaxSendMessageSize(-1);
    // Without this, channels to one address share one connection.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    channels.push_back(
        grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments));
  }
  for (const auto& channel : channels) {
    if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10))) {
      FailUsage("no connection to " + target + " within 10 s");
    }
  }
  return channels;
}

grpc::internal::RpcMethod ReadFileMethod() {
  return {"/longshore.v1.FileService/ReadFile", grpc::internal::RpcMethod::SERVER_STREAMING};
}

grpc::internal::RpcMethod WriteUploadMethod() {
  return {"/longshore.v1.FileService/WriteUpload", grpc::internal::RpcMethod::BIDI_STREAMING};
}

grpc::ByteBuffer ReadFileRequest(const std::string& file, int64_t chunk_bytes, int64_t limit) {
  longshore::v1::ReadFileRequest request;
  request.set_file(file);
  request.set_limit(limit);
  request.set_preferred_chunk_bytes(static_cast<int32_t>(chunk_bytes));
  const grpc::Slice slice(request.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

std::string JsonString(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", c);
      quoted += escape;
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string StatusText(const grpc::Status& status) {
  return status.ok() ? "" : std::to_string(status.error_code()) + " " + status.error_message();
}

double MebibytesPerSecond(int64_t bytes, double seconds) {
  return seconds > 0 ? static_cast<double>(bytes) / (1 << 20) / seconds : 0;
}

}  // namespace bench
