"""Uploads a file, is cut half-way, goes on from where the server is, and reads the file back with proof.

    pip install -r examples/python/requirements.txt
    python examples/python/upload_resume_read.py 127.0.0.1:50051
"""

import hashlib
import os
import pathlib
import sys
import tempfile

import grpc

# The contract is read as it is: grpcio-tools compiles it while it is imported. A service of your own would rather
# generate the code once, with `python -m grpc_tools.protoc`.
sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "proto"))
files, services = grpc.protos_and_services("longshore/v1/file_service.proto")
resources = grpc.protos("longshore/v1/resources.proto")
error_details = grpc.protos("google/rpc/error_details.proto")
status = grpc.protos("google/rpc/status.proto")

MIB = 2**20
TENANT = "tenants/default"


def digest_of(path):
    with open(path, "rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    return resources.Digest(sha256=sha256, size_bytes=os.path.getsize(path))


def requests(upload, path, begin, end):
    """The messages that send bytes `begin` to `end`: the first one names the upload, the last one finishes it."""
    size = os.path.getsize(path)
    with open(path, "rb") as content:
        content.seek(begin)
        offset = begin
        while offset < end:
            chunk = content.read(min(MIB, end - offset))
            yield files.WriteUploadRequest(
                upload=upload if offset == begin else "",
                offset=offset,
                chunk=resources.Chunk(content=chunk),
                # "On disk, please, and tell me": otherwise that is said every 8 MiB or every second.
                flush=offset + len(chunk) == end < size,
            )
            offset += len(chunk)
    if end == size:
        yield files.WriteUploadRequest(
            upload=upload if begin == end else "", offset=end, finish=True, final_digest=digest_of(path)
        )


def upload_file(stub, path):
    size = os.path.getsize(path)
    upload = stub.CreateUpload(
        files.CreateUploadRequest(
            parent=TENANT,
            file=resources.File(display_name=os.path.basename(path), labels={"example": "python"}),
            total_size=size,
        )
    )

    # The first stream is cut when half of the file is on the server's disk.
    call = stub.WriteUpload(requests(upload.name, path, 0, size // 2))
    for response in call:
        if response.progress.persisted_size >= size // 2:
            break
    call.cancel()

    # Whoever knows the upload's name can ask where it stands, and go on from there.
    persisted = stub.GetUpload(files.GetUploadRequest(name=upload.name)).persisted_size
    print(f"cut, resuming at {persisted} of {size} bytes")
    for response in stub.WriteUpload(requests(upload.name, path, persisted, size)):
        if response.WhichOneof("result") == "file":
            return response.file
    raise RuntimeError("the stream ended without a file")


def read_file(stub, name):
    """The content, in pieces; raises at the end when they do not have the digest that the server proved."""
    sha256 = hashlib.sha256()
    for response in stub.ReadFile(files.ReadFileRequest(file=name)):
        frame = response.WhichOneof("frame")
        if frame == "data":
            sha256.update(response.data.chunk.content)
            yield response.data.chunk.content
        elif frame == "trailer" and response.trailer.digest.sha256 != sha256.hexdigest():
            raise RuntimeError("what arrived is not what was stored")


def reason_of(error):
    """The server's own word for an error, from the details that every error carries."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in status.Status.FromString(value).details:
                info = error_details.ErrorInfo()
                if detail.Unpack(info):
                    return info.reason
    return error.code().name


def main(address):
    with grpc.insecure_channel(address) as channel, tempfile.TemporaryDirectory() as folder:
        stub = services.FileServiceStub(channel)
        path = os.path.join(folder, "model.bin")
        with open(path, "wb") as content:
            content.write(os.urandom(32 * MIB))

        file = upload_file(stub, path)
        assert file.digest == digest_of(path), "the server has something else"
        print(f"uploaded {file.name}: {file.digest.size_bytes} bytes")

        received = sum(len(chunk) for chunk in read_file(stub, file.name))
        assert received == file.digest.size_bytes
        print(f"read {received} bytes back: sha256:{file.digest.sha256}")

        stub.DeleteFile(files.DeleteFileRequest(name=file.name))
        try:
            next(read_file(stub, file.name))
            raise AssertionError("the deleted file was still read")
        except grpc.RpcError as error:
            print(f"deleted; reading it again is refused: {reason_of(error)}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:50051")
