// `ping`: waits until a server answers. Tells when, so that a start can be measured.
#include <arpa/inet.h>
#include <grpcpp/client_context.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

#include "command_line.h"
#include "load.h"
#include "longshore/v1/file_service.grpc.pb.h"

namespace bench {
namespace {

// gRPC waits at least 100 ms between two attempts to connect, so the port is looked at by hand
// first.
bool PortAnswers(const std::string& target) {
  const size_t colon = target.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::atoi(target.c_str() + colon + 1)));
  if (colon == std::string::npos ||
      inet_pton(AF_INET, target.substr(0, colon).c_str(), &address.sin_addr) != 1) {
    FailUsage("ping takes --target with an IPv4 address and a port");
  }
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool connected = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return connected;
}

}  // namespace

int RunPing(int argc, char** argv, int first) {
  const CommandLine flags(argc, argv, first, {"target", "timeout-seconds"}, {});
  const std::string target = flags.Text("target");
  const double timeout_s = static_cast<double>(flags.NumberOr("timeout-seconds", 30));
  const auto start = Clock::now();
  while (!PortAnswers(target)) {
    if (SecondsSince(start) > timeout_s) FailUsage("no server at " + target);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  const auto channels = Connect(target, 1);
  const auto stub = longshore::v1::FileService::NewStub(channels[0]);
  grpc::Status status;
  longshore::v1::ServerInfo info;
  do {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    status = stub->GetServerInfo(&context, longshore::v1::GetServerInfoRequest(), &info);
    if (status.error_code() != grpc::StatusCode::UNAVAILABLE) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  } while (SecondsSince(start) < timeout_s);
  std::printf("{\"load\":\"ping\",\"seconds\":%.6f,\"version\":%s,\"error\":%s}\n",
              SecondsSince(start), JsonString(info.version()).c_str(),
              JsonString(StatusText(status)).c_str());
  return status.ok() ? 0 : 1;
}

}  // namespace bench
