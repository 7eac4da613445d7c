// What the subcommands have in common: connections, raw methods, clocks and the JSON line.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/impl/rpc_method.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace bench {

// The subcommands. Each parses its own flags from argv[first...], prints one JSON line on stdout
// and returns the exit status.
int RunWrite(int argc, char** argv, int first);
int RunRead(int argc, char** argv, int first);
int RunSmallReads(int argc, char** argv, int first);
int RunStall(int argc, char** argv, int first);
int RunPing(int argc, char** argv, int first);

using Clock = std::chrono::steady_clock;
double SecondsSince(Clock::time_point start);

// User and system time of this process so far.
double CpuSeconds();

// `count` channels that share no TCP connection, all connected. Exits with a sentence after 10 s
// without one.
std::vector<std::shared_ptr<grpc::Channel>> Connect(const std::string& target, int64_t count);

// The methods by name: the generated stubs would parse each message and so copy its content.
grpc::internal::RpcMethod ReadFileMethod();
grpc::internal::RpcMethod WriteUploadMethod();

// A serialized ReadFileRequest.
grpc::ByteBuffer ReadFileRequest(const std::string& file, int64_t chunk_bytes, int64_t limit);

std::string JsonString(const std::string& text);
std::string StatusText(const grpc::Status& status);
double MebibytesPerSecond(int64_t bytes, double seconds);

}  // namespace bench
