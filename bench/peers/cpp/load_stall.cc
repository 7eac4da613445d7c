// `stall`: readers that take a little and then nothing, for as long as they are told to. Prints one
// JSON line when all of them stand still and one when it lets go.
#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <algorithm>
#include <cstdio>
#include <thread>

#include "command_line.h"
#include "load.h"
#include "wire.h"

namespace bench {
namespace {

using Stream = grpc::ClientReader<grpc::ByteBuffer>;

struct StalledReader {
  grpc::ClientContext context;
  std::unique_ptr<Stream> stream;
  int64_t bytes = 0;
  std::string error;
};

void ReadUntil(StalledReader* reader, int64_t read_first_bytes) {
  grpc::ByteBuffer message;
  ReadFrame frame;
  do {
    if (!reader->stream->Read(&message)) {
      reader->error = StatusText(reader->stream->Finish());
      if (reader->error.empty()) reader->error = "the file ended before --read-first bytes";
      reader->stream.reset();
      return;
    }
    if (ParseReadFrame(message, false, &frame))
      reader->bytes += static_cast<int64_t>(frame.content_bytes);
  } while (reader->bytes < read_first_bytes);
}

}  // namespace

int RunStall(int argc, char** argv, int first) {
  const CommandLine flags(
      argc, argv, first,
      {"target", "file", "chunk", "streams", "connections", "hold-seconds", "read-first"}, {});
  const int64_t streams = flags.NumberOr("streams", 1);
  const int64_t connections = flags.NumberOr("connections", 1);
  if (streams == 0 || connections == 0) FailUsage("--streams and --connections are at least 1");
  const int64_t read_first_bytes = flags.NumberOr("read-first", 0);
  const auto request = ReadFileRequest(flags.Text("file"), flags.NumberOr("chunk", 1 << 20), 0);
  const auto channels = Connect(flags.Text("target"), connections);
  const auto method = ReadFileMethod();

  std::vector<StalledReader> readers(static_cast<size_t>(streams));
  std::vector<std::thread> threads;
  const size_t openers = std::min<size_t>(readers.size(), 32);
  const auto start = Clock::now();
  for (size_t opener = 0; opener < openers; ++opener) {
    threads.emplace_back([&, opener] {
      for (size_t i = opener; i < readers.size(); i += openers) {
        readers[i].stream.reset(grpc::internal::ClientReaderFactory<grpc::ByteBuffer>::Create(
            channels[i % channels.size()].get(), method, &readers[i].context, request));
        ReadUntil(&readers[i], read_first_bytes);
      }
    });
  }
  for (auto& thread : threads) thread.join();

  const auto print = [&](const char* event) {
    int64_t stalled = 0, bytes = 0;
    std::string error;
    for (const auto& reader : readers) {
      stalled += reader.stream ? 1 : 0;
      bytes += reader.bytes;
      if (!reader.error.empty()) error = reader.error;
    }
    std::printf(
        "{\"load\":\"stall\",\"event\":\"%s\",\"stalled\":%lld,\"failed\":%lld,\"bytes\":%lld,"
        "\"seconds\":%.3f,\"error\":%s}\n",
        event, static_cast<long long>(stalled), static_cast<long long>(streams - stalled),
        static_cast<long long>(bytes), SecondsSince(start), JsonString(error).c_str());
    std::fflush(stdout);
    return stalled == streams ? 0 : 1;
  };
  print("stalled");
  std::this_thread::sleep_for(std::chrono::seconds(flags.NumberOr("hold-seconds", 10)));
  const int status = print("released");
  for (auto& reader : readers) {
    if (!reader.stream) continue;
    reader.context.TryCancel();
    grpc::ByteBuffer message;
    while (reader.stream->Read(&message)) {
    }
    reader.stream->Finish();
  }
  return status;
}

}  // namespace bench
