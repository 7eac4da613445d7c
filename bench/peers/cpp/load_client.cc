// A lean client of longshore.v1.FileService, so that the server is what is measured.
#include <cstring>
#include <string>

#include "command_line.h"
#include "load.h"

namespace {

constexpr char kUsage[] =
    "load_client write       --target HOST:PORT --bytes N [--chunk BYTES] [--streams S] "
    "[--connections C]\n"
    "                        [--no-crc] [--raw]   (--raw: no CreateUpload; for servers that keep "
    "nothing)\n"
    "load_client read        --target HOST:PORT --file NAME [--chunk BYTES] [--streams S] "
    "[--connections C]\n"
    "                        [--limit BYTES] [--check]\n"
    "load_client small-reads --target HOST:PORT --file NAME --count N [--concurrency C] "
    "[--connections C]\n"
    "load_client stall       --target HOST:PORT --file NAME --streams S [--connections C] "
    "[--hold-seconds T]\n"
    "                        [--read-first BYTES] [--chunk BYTES]\n"
    "load_client ping        --target ADDRESS:PORT [--timeout-seconds T]";

}  // namespace

int main(int argc, char** argv) {
  const std::string load = argc > 1 ? argv[1] : "";
  if (load == "write") return bench::RunWrite(argc, argv, 2);
  if (load == "read") return bench::RunRead(argc, argv, 2);
  if (load == "small-reads") return bench::RunSmallReads(argc, argv, 2);
  if (load == "stall") return bench::RunStall(argc, argv, 2);
  if (load == "ping") return bench::RunPing(argc, argv, 2);
  bench::FailUsage(kUsage);
}
