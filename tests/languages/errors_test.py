"""Every row of the error table of the API, as a client in another language sees it: the code, ErrorInfo, the details.

Started by errors.test.ts, which starts the servers and says on standard input (JSON) where they are. Prints one line of JSON
for each case: its name and, when it failed, why.
"""

import contextlib
import json
import os
import pathlib
import queue
import signal
import sys
import tempfile
import time
import traceback
import uuid

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode
from grpc_tools import protoc

PROTO = pathlib.Path(__file__).parents[2] / "proto"
MIB = 2**20
DETAILS = {
    name: getattr(error_details_pb2, name) for name in ("ErrorInfo", "BadRequest", "QuotaFailure", "RetryInfo")
}

CASES = []


def case(name):
    def add(function):
        CASES.append((name, function))
        return function

    return add


def generate(folder):
    """Python code of the contract, made anew at each run; google's own messages come from googleapis-common-protos."""
    well_known = pathlib.Path(protoc.__file__).parent / "_proto"
    arguments = ["", f"-I{PROTO}", f"-I{well_known}", f"--python_out={folder}", f"--grpc_python_out={folder}"]
    for name in ("resources", "file_service"):
        if protoc.main([*arguments, f"longshore/v1/{name}.proto"]) != 0:
            raise RuntimeError(f"{name}.proto could not be compiled")
    sys.path.insert(0, folder)


class Server:
    """One server as one tenant sees it."""

    def __init__(self, facts, tenant=None, key=None):
        self.facts = facts
        self.tenant = tenant or f"t{uuid.uuid4().hex[:20]}"
        self.parent = f"tenants/{self.tenant}"
        self.key = key
        self.channel = grpc.insecure_channel(facts["address"])
        self.files = services.FileServiceStub(self.channel)
        self.operations = operations_pb2_grpc.OperationsStub(self.channel)

    @property
    def metadata(self):
        return [("authorization", f"Bearer {self.key}")] if self.key else []

    def call(self, method, request, stub=None):
        return getattr(stub or self.files, method)(request, metadata=self.metadata, timeout=20)

    def create(self, **fields):
        return self.call("CreateUpload", m.CreateUploadRequest(parent=self.parent, **fields))

    def put(self, content=b"content", **file):
        item = m.BatchUploadFilesRequest.Item(file=r.File(display_name="a", **file), chunk=r.Chunk(content=content))
        answer = self.call("BatchUploadFiles", m.BatchUploadFilesRequest(parent=self.parent, items=[item]))
        assert answer.items[0].HasField("file"), answer
        return answer.items[0].file

    def write(self, upload, *messages, finish=False):
        """A WriteUpload stream in one go: each message is (offset, content) or a whole WriteUploadRequest."""
        requests = [
            one if isinstance(one, m.WriteUploadRequest) else m.WriteUploadRequest(offset=one[0], chunk=r.Chunk(content=one[1]))
            for one in messages
        ]
        if finish:
            requests.append(m.WriteUploadRequest(finish=True))
        requests[0].upload = upload
        return list(self.files.WriteUpload(iter(requests), metadata=self.metadata, timeout=20))

    def read(self, **fields):
        return list(self.files.ReadFile(m.ReadFileRequest(**fields), metadata=self.metadata, timeout=20))

    def blob(self, file):
        sha256 = file.digest.sha256
        return os.path.join(self.facts["dataFolder"], "blobs", sha256[:2], sha256)


class Stream:
    """A WriteUpload stream, step by step."""

    def __init__(self, server, upload):
        self._requests = queue.SimpleQueue()
        self._named = upload
        self.call = server.files.WriteUpload(iter(self._requests.get, None), metadata=server.metadata, timeout=20)

    def send(self, **fields):
        self._requests.put(m.WriteUploadRequest(upload=self._named, **fields))
        self._named = ""

    def acknowledged(self, size):
        for response in self.call:
            if response.progress.persisted_size >= size:
                return

    def rest(self):
        return list(self.call)

    def close(self):
        self._requests.put(None)
        self.call.cancel()


class Anything:
    def __eq__(self, other):
        return isinstance(other, str) and other != ""

    def __repr__(self):
        return "<any text>"


ANY = Anything()


def status_of(error):
    """The google.rpc.Status of an error, which agrees with the plain one."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value)
            assert status.code == error.code().value[0], f"code {status.code} beside {error.code()}"
            assert status.message == error.details(), f"{status.message!r} beside {error.details()!r}"
            return status
    raise AssertionError(f"no details: {error.code()} {error.details()}")


def details_of(status):
    found = {}
    for packed in status.details:
        name = packed.type_url.rsplit(".", 1)[-1]
        message = DETAILS[name]()
        assert packed.Unpack(message), packed.type_url
        assert name not in found, f"{name} twice"
        found[name] = message
    return found


def check(status, code, reason, metadata=None, retry=False, fields=None, quota=None):
    details = details_of(status)
    info = details.pop("ErrorInfo")
    assert status.code == code.value[0], f"code {status.code} is not {code}: {status.message}"
    assert info.domain == "longshore", info
    assert info.reason == reason, f"{info.reason} is not {reason}: {status.message}"
    assert dict(info.metadata) == (metadata or {}), f"{dict(info.metadata)} is not {metadata or {}}"
    assert status.message.endswith((".", "?")) and len(status.message) > 10, status.message
    if retry:
        delay = details.pop("RetryInfo").retry_delay
        assert 0 < delay.ToMilliseconds() <= 120_000, delay
    if fields is not None:
        violations = details.pop("BadRequest").field_violations
        assert [one.field for one in violations] == fields, violations
        assert all(one.description for one in violations), violations
    if quota is not None:
        violations = details.pop("QuotaFailure").violations
        assert [one.subject for one in violations] == [quota], violations
        assert all(one.description for one in violations), violations
    assert details == {}, f"more details than there should be: {details}"


@contextlib.contextmanager
def fails(code, reason, metadata=None, **details):
    try:
        yield
    except grpc.RpcError as error:
        check(status_of(error), code, reason, metadata, **details)
    else:
        raise AssertionError(f"no {reason}")


INVALID, ABORTED, PRECONDITION = StatusCode.INVALID_ARGUMENT, StatusCode.ABORTED, StatusCode.FAILED_PRECONDITION
NOT_FOUND, EXHAUSTED = StatusCode.NOT_FOUND, StatusCode.RESOURCE_EXHAUSTED


@case("CHUNK_CORRUPT: a chunk whose CRC32C is wrong")
def chunk_corrupt(servers):
    server = servers.plain()
    upload = server.create()
    bad = r.Chunk(content=b"x" * 1000, crc32c=1)
    with fails(INVALID, "CHUNK_CORRUPT", {"offset": "500"}):
        server.write(upload.name, (0, b"y" * 500), m.WriteUploadRequest(offset=500, chunk=bad))
    with fails(INVALID, "CHUNK_CORRUPT", {"offset": "0"}):
        server.call("WriteUploadPart", m.WriteUploadPartRequest(upload=server.create().name, chunk=bad))
    item = m.BatchUploadFilesRequest.Item(file=r.File(display_name="a"), chunk=bad)
    answer = server.call("BatchUploadFiles", m.BatchUploadFilesRequest(parent=server.parent, items=[item]))
    check(answer.items[0].status, INVALID, "CHUNK_CORRUPT", {"offset": "0"})


@case("DIGEST_MISMATCH: content that is not what was announced")
def digest_mismatch(servers):
    server = servers.plain()
    expected = "0" * 64
    actual = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    metadata = {"expected": expected, "actual": actual}
    announced = server.create(expected_digest=r.Digest(sha256=expected))
    with fails(INVALID, "DIGEST_MISMATCH", metadata):
        server.write(announced.name, (0, b"x"), finish=True)
    upload = server.create()
    final = m.WriteUploadRequest(finish=True, final_digest=r.Digest(sha256=expected))
    with fails(INVALID, "DIGEST_MISMATCH", metadata):
        server.write(upload.name, (0, b"x"), final)
    failed = server.call("GetUpload", m.GetUploadRequest(name=upload.name))
    assert failed.state == r.Upload.FAILED
    assert details_of(failed.error)["ErrorInfo"].reason == "DIGEST_MISMATCH"


@case("OFFSET_MISMATCH: an offset ahead of what is there")
def offset_mismatch(servers):
    server = servers.plain()
    with fails(ABORTED, "OFFSET_MISMATCH", {"persisted_size": "1000"}):
        server.write(server.create().name, (0, b"x" * 1000), (2000, b"y"))


@case("OVERLAP_DIFFERS: bytes that are not those acknowledged")
def overlap_differs(servers):
    server = servers.plain()
    upload = server.create()
    server.write(upload.name, (0, b"x" * 1000))
    with fails(ABORTED, "OVERLAP_DIFFERS", {"offset": "500"}):
        server.write(upload.name, (500, b"y" * 1000))


@case("WRITER_SUPERSEDED: a newer writer took over")
def writer_superseded(servers):
    server = servers.plain()
    upload = server.create()
    older = Stream(server, upload.name)
    older.send(chunk=r.Chunk(content=b"x" * 1000), flush=True)
    older.acknowledged(1000)
    server.write(upload.name, (1000, b"y" * 1000))
    with fails(ABORTED, "WRITER_SUPERSEDED"):
        older.rest()
    older.close()


@case("RANGE_NOT_SATISFIABLE: a read beyond the end")
def range_not_satisfiable(servers):
    server = servers.plain()
    file = server.put(b"x" * 1000)
    with fails(StatusCode.OUT_OF_RANGE, "RANGE_NOT_SATISFIABLE", {"size": "1000"}):
        server.read(file=file.name, offset=1001)
    data = [one.data.chunk.content for one in server.read(file=file.name, offset=1000) if one.HasField("data")]
    assert data == []


@case("ETAG_MISMATCH: a stale etag")
def etag_mismatch(servers):
    server = servers.plain()
    file = server.put()
    metadata = {"etag": file.etag}
    with fails(ABORTED, "ETAG_MISMATCH", metadata):
        server.read(file=file.name, if_etag_match="stale")
    with fails(ABORTED, "ETAG_MISMATCH", metadata):
        server.call("DeleteFile", m.DeleteFileRequest(name=file.name, etag="stale"))
    with fails(ABORTED, "ETAG_MISMATCH", metadata):
        server.call("UpdateFile", m.UpdateFileRequest(file=r.File(name=file.name, display_name="b", etag="stale")))


@case("FILE_NOT_FOUND: the same answer for what is missing and for what is another's")
def file_not_found(servers):
    owner, writer = servers.keyed("owner"), servers.keyed("other")
    file = owner.put(b"a secret of the owner")
    deleted = writer.put(b"was here")
    writer.call("DeleteFile", m.DeleteFileRequest(name=deleted.name))
    answers = set()
    missing = f"{writer.parent}/files/none"
    for name in (missing, file.name, f"{owner.parent}/files/none", "tenants/nobody/files/none"):
        for call in (
            lambda: writer.call("GetFile", m.GetFileRequest(name=name)),
            lambda: writer.read(file=name),
            lambda: writer.call("DeleteFile", m.DeleteFileRequest(name=name)),
            lambda: writer.call("UpdateFile", m.UpdateFileRequest(file=r.File(name=name, display_name="b"))),
            lambda: writer.call("VerifyFile", m.VerifyFileRequest(name=name)),
            lambda: writer.call("CopyFile", m.CopyFileRequest(name=name, parent=writer.parent)),
        ):
            try:
                call()
                raise AssertionError(f"{name} was found")
            except grpc.RpcError as error:
                check(status_of(error), NOT_FOUND, "FILE_NOT_FOUND")
                answers.add(error.details())
    for digest, parent in (
        (r.Digest(sha256="0" * 64), writer.parent),
        (file.digest, writer.parent),
        (file.digest, owner.parent),
        (deleted.digest, writer.parent),
    ):
        try:
            writer.read(digest=digest, parent=parent)
            raise AssertionError("a digest was permission enough")
        except grpc.RpcError as error:
            check(status_of(error), NOT_FOUND, "FILE_NOT_FOUND")
            answers.add(error.details())
    with fails(NOT_FOUND, "FILE_NOT_FOUND"):
        writer.read(file=deleted.name)
    assert len(answers) == 1, answers
    with fails(NOT_FOUND, "FILE_NOT_FOUND"):
        writer.call("ListFiles", m.ListFilesRequest(parent=owner.parent))
    missing_blobs = m.FindMissingBlobsRequest(parent=writer.parent, digests=[file.digest])
    assert list(writer.call("FindMissingBlobs", missing_blobs).missing) == [file.digest]
    instant = writer.create(expected_digest=file.digest)
    assert instant.state == r.Upload.OPEN and not instant.deduplicated


@case("FILE_NOT_FOUND: in a batch of gets it says which")
def one_not_found(servers):
    server = servers.plain()
    name = f"{server.parent}/files/none"
    names = [server.put().name, name]
    with fails(NOT_FOUND, "FILE_NOT_FOUND", {"name": name}):
        server.call("BatchGetFiles", m.BatchGetFilesRequest(parent=server.parent, names=names))
    items = server.call("BatchReadFiles", m.BatchReadFilesRequest(parent=server.parent, names=names)).items
    assert items[0].chunk.content == b"content"
    check(items[1].status, NOT_FOUND, "FILE_NOT_FOUND")


@case("UPLOAD_NOT_FOUND: an upload that is not there")
def upload_not_found(servers):
    server = servers.plain()
    name = f"{server.parent}/uploads/none"
    with fails(NOT_FOUND, "UPLOAD_NOT_FOUND"):
        server.call("GetUpload", m.GetUploadRequest(name=name))
    with fails(NOT_FOUND, "UPLOAD_NOT_FOUND"):
        server.write(name, (0, b"x"))


@case("ACCESS_DENIED: a key that may only read")
def access_denied(servers):
    owner, reader = servers.keyed("owner"), servers.keyed("reader")
    file = owner.put(b"to be read")
    assert reader.read(file=file.name)[1].data.chunk.content == b"to be read"
    for call in (
        lambda: reader.create(),
        lambda: reader.call("DeleteFile", m.DeleteFileRequest(name=file.name)),
        lambda: reader.call("UpdateFile", m.UpdateFileRequest(file=r.File(name=file.name, display_name="b"))),
        lambda: reader.call("BatchUploadFiles", m.BatchUploadFilesRequest(parent=reader.parent)),
        lambda: reader.write(f"{reader.parent}/uploads/none", (0, b"x")),
    ):
        with fails(StatusCode.PERMISSION_DENIED, "ACCESS_DENIED"):
            call()


@case("CREDENTIALS_INVALID: no key, a wrong one, a revoked one")
def credentials_invalid(servers):
    for key in (None, "", "nonsense", f"lsk_{'0' * 16}_{'0' * 64}", servers.facts["keys"]["revoked"]["key"]):
        server = Server(servers.facts["keyed"], key=key)
        for call in (lambda: server.create(), lambda: server.read(file=f"{server.parent}/files/x")):
            with fails(StatusCode.UNAUTHENTICATED, "CREDENTIALS_INVALID"):
                call()


@case("TYPE_BLOCKED: a type that is not taken, by declaration, name or content")
def type_blocked(servers):
    server = servers.plain()
    blocked = {"media_type": "application/x-msdownload"}
    with fails(INVALID, "TYPE_BLOCKED", blocked):
        server.create(file=r.File(display_name="a", media_type="application/x-msdownload"))
    for name in ("a.exe", "folder/B.DLL", "setup.pdf.scr", "x.lnk"):
        with fails(INVALID, "TYPE_BLOCKED", {"media_type": ANY}):
            server.create(file=r.File(display_name=name))
    upload = server.create(file=r.File(display_name="a"))
    with fails(INVALID, "TYPE_BLOCKED", {"media_type": ANY}):
        server.write(upload.name, (0, b"MZ\x90\x00\x03\x00" + bytes(58)), finish=True)


@case("TYPE_MISMATCH: content that is not of the declared type")
def type_mismatch(servers):
    server = servers.plain()
    upload = server.create(file=r.File(display_name="a.pdf", media_type="application/pdf"))
    with fails(INVALID, "TYPE_MISMATCH", {"declared": "application/pdf", "actual": "image/jpeg"}):
        server.write(upload.name, (0, bytes.fromhex("ffd8ffe000104a46494600010100000100010000")), finish=True)


@case("FILE_TOO_LARGE: more than its type may hold, announced or sent")
def file_too_large(servers):
    server = servers.plain()
    metadata = {"limit": "5000000", "media_type": "text/plain"}
    text = r.File(display_name="a.txt", media_type="text/plain")
    with fails(INVALID, "FILE_TOO_LARGE", metadata):
        server.create(file=text, total_size=5_000_001)
    upload = server.create(file=text)
    with fails(INVALID, "FILE_TOO_LARGE", metadata):
        server.write(upload.name, *[(at * MIB, b"x" * MIB) for at in range(5)])


@case("FIELD_INVALID: names, paths, tokens, masks, with the field that is wrong")
def field_invalid(servers):
    server = servers.plain()
    file = server.put()
    names = ("../up", "/etc/passwd", "a\0b", "x" * 10_000, "a\r\nb", "annexe\u202efdp.exe", "reports/..", "a\\b")
    for name in names:
        with fails(INVALID, "FIELD_INVALID", fields=["file.display_name"]):
            server.create(file=r.File(display_name=name))
    for request, field in (
        (m.CreateUploadRequest(parent="nobody"), "parent"),
        (m.CreateUploadRequest(parent=server.parent, file_id="../x"), "file_id"),
        (m.CreateUploadRequest(parent=server.parent, total_size=-1), "total_size"),
        (m.CreateUploadRequest(parent=server.parent, expected_digest=r.Digest(sha256="ABC")), "expected_digest.sha256"),
        (m.CreateUploadRequest(parent=server.parent, request_id="x" * 200), "request_id"),
    ):
        with fails(INVALID, "FIELD_INVALID", fields=[field]):
            server.call("CreateUpload", request)
    for field, value in (("page_token", "made-up"), ("order_by", "colour"), ("page_size", -1)):
        with fails(INVALID, "FIELD_INVALID", fields=[field]):
            server.call("ListFiles", m.ListFilesRequest(parent=server.parent, **{field: value}))
    with fails(INVALID, "FIELD_INVALID", {"position": "13"}, fields=["filter"]):
        server.call("ListFiles", m.ListFilesRequest(parent=server.parent, filter="size_bytes >"))
    for path in ("digest", "labels.x", "nothing"):
        update = m.UpdateFileRequest(file=r.File(name=file.name))
        update.update_mask.paths.append(path)
        with fails(INVALID, "FIELD_INVALID", fields=["update_mask"]):
            server.call("UpdateFile", update)
    with fails(INVALID, "FIELD_INVALID", fields=["name"]):
        server.call("GetFile", m.GetFileRequest(name="files/x"))
    with fails(INVALID, "FIELD_INVALID", fields=["file"]):
        server.read(file="../../etc/passwd")
    with fails(INVALID, "FIELD_INVALID", fields=["chunk"]):
        server.write(server.create(total_size=10).name, (0, b"x" * 11))
    too_long = r.Chunk(content=bytes(2 * MIB + 1))
    with fails(INVALID, "FIELD_INVALID", fields=["chunk.content"]):
        server.call("WriteUploadPart", m.WriteUploadPartRequest(upload=server.create().name, chunk=too_long))
    several = r.File(display_name="../a", media_type="no type", labels={"A B": "x"})
    with fails(INVALID, "FIELD_INVALID", fields=["file.display_name", "file.media_type", "file.labels"]):
        server.create(file=several)


@case("ALREADY_EXISTS: a file that must not be there yet")
def already_exists(servers):
    server = servers.plain()
    file = server.put()
    upload = server.create(file_id=file.name.split("/")[-1], must_not_exist=True)
    with fails(StatusCode.ALREADY_EXISTS, "ALREADY_EXISTS", {"name": file.name}):
        server.write(upload.name, (0, b"x"), finish=True)


@case("UPLOAD_EXPIRED: an upload whose time has passed")
def upload_expired(servers):
    server = servers.plain()
    request = m.CreateUploadRequest(parent=server.parent)
    request.ttl.FromMilliseconds(300)
    upload = server.call("CreateUpload", request)
    time.sleep(0.5)
    expired = {"time": upload.expire_time.ToJsonString()}
    with fails(PRECONDITION, "UPLOAD_EXPIRED", expired):
        server.write(upload.name, (0, b"x"))


@case("UPLOAD_CLOSED: an upload that was cancelled")
def upload_closed(servers):
    server = servers.plain()
    upload = server.create()
    stream = Stream(server, upload.name)
    stream.send(chunk=r.Chunk(content=b"x" * 10), flush=True)
    stream.acknowledged(10)
    server.call("CancelUpload", m.CancelUploadRequest(name=upload.name))
    for call in (stream.rest, lambda: server.write(upload.name, (0, b"x"))):
        with fails(PRECONDITION, "UPLOAD_CLOSED", {"state": "cancelled"}):
            call()
    stream.close()


@case("UPLOAD_INCOMPLETE: an upload that is finished before all of it is there")
def upload_incomplete(servers):
    server = servers.plain()
    upload = server.create(total_size=1000)
    with fails(PRECONDITION, "UPLOAD_INCOMPLETE", {"persisted_size": "400"}):
        server.write(upload.name, (0, b"x" * 400), finish=True)
    with fails(PRECONDITION, "UPLOAD_INCOMPLETE", {"persisted_size": "400"}):
        server.call("FinalizeUpload", m.FinalizeUploadRequest(upload=upload.name))


@case("UPLOAD_IDLE: a stream on which nothing comes")
def upload_idle(servers):
    server = Server(servers.facts["impatient"])
    upload = server.create()
    stream = Stream(server, upload.name)
    stream.send(chunk=r.Chunk(content=b"x" * 10), flush=True)
    stream.acknowledged(10)
    with fails(StatusCode.DEADLINE_EXCEEDED, "UPLOAD_IDLE"):
        stream.rest()
    stream.close()
    assert server.call("GetUpload", m.GetUploadRequest(name=upload.name)).persisted_size == 10


@case("RETENTION_ACTIVE: a file that is kept")
def retention_active(servers):
    server = servers.plain()
    kept = r.File(display_name="a")
    kept.retain_until_time.FromSeconds(int(time.time()) + 3600)
    upload = server.create(file=kept)
    file = server.write(upload.name, (0, b"x"), finish=True)[-1].file
    # Whole seconds, with the milliseconds that JavaScript prints.
    until = {"until": file.retain_until_time.ToDatetime().strftime("%Y-%m-%dT%H:%M:%S.000Z")}
    with fails(PRECONDITION, "RETENTION_ACTIVE", until):
        server.call("DeleteFile", m.DeleteFileRequest(name=file.name))
    replacing = server.create(file_id=file.name.split("/")[-1])
    with fails(PRECONDITION, "RETENTION_ACTIVE", until):
        server.write(replacing.name, (0, b"other"), finish=True)
    shorter = m.UpdateFileRequest(file=r.File(name=file.name))
    shorter.update_mask.paths.append("retain_until_time")
    with fails(PRECONDITION, "RETENTION_ACTIVE", until):
        server.call("UpdateFile", shorter)


@case("QUOTA_EXCEEDED: more than a tenant may store, announced or not")
def quota_exceeded(servers):
    server = Server(servers.facts["small"])
    server.put(b"x" * 600)
    details = {"limit": "1000", "stored": "600"}
    with fails(EXHAUSTED, "QUOTA_EXCEEDED", details, quota=server.parent):
        server.create(total_size=500)
    upload = server.create()
    with fails(EXHAUSTED, "QUOTA_EXCEEDED", details, quota=server.parent):
        server.write(upload.name, (0, b"y" * 500), finish=True)


@case("RATE_LIMITED: more calls than a tenant may make")
def rate_limited(servers):
    server = Server(servers.facts["slow"])
    with fails(EXHAUSTED, "RATE_LIMITED", retry=True):
        for _ in range(50):
            server.call("ListFiles", m.ListFilesRequest(parent=server.parent))


@case("STORAGE_FULL: more than the disk has room for")
def storage_full(servers):
    server = servers.plain()
    size = 60 * 2**40
    try:
        server.create(total_size=size)
        raise AssertionError("sixty tebibytes fit")
    except grpc.RpcError as error:
        status = status_of(error)
        metadata = dict(details_of(status)["ErrorInfo"].metadata)
        check(status, EXHAUSTED, "STORAGE_FULL", {key: ANY for key in ("needed", "available", "to_free")}, retry=True)
    needed, available, to_free = (int(metadata[key]) for key in ("needed", "available", "to_free"))
    assert needed >= size and to_free == needed - available, metadata


@case("BLOB_CORRUPT: stored bytes that are bad, by read, batch and verification")
def blob_corrupt(servers):
    server = servers.plain()
    file = server.put(os.urandom(3 * MIB))
    with open(server.blob(file), "r+b") as content:
        content.seek(2 * MIB + 5)
        byte = content.read(1)
        content.seek(2 * MIB + 5)
        content.write(bytes([byte[0] ^ 1]))
    corrupt = {"digest": file.digest.sha256, "chunk": "2"}
    for _ in range(2):
        with fails(StatusCode.DATA_LOSS, "BLOB_CORRUPT", corrupt):
            server.read(file=file.name)
    names = m.BatchReadFilesRequest(parent=server.parent, names=[file.name])
    check(server.call("BatchReadFiles", names).items[0].status, StatusCode.DATA_LOSS, "BLOB_CORRUPT", corrupt)
    operation = server.call("VerifyFile", m.VerifyFileRequest(name=file.name))
    wait = operations_pb2.WaitOperationRequest(name=operation.name)
    ended = server.call("WaitOperation", wait, server.operations)
    check(ended.error, StatusCode.DATA_LOSS, "BLOB_CORRUPT", corrupt)


@case("PROVIDER_UNSUPPORTED: what no provider of this server can do")
def provider_unsupported(servers):
    server = servers.plain()
    file = server.put()
    for call, metadata in (
        (
            lambda: server.call("EnsurePlacement", m.EnsurePlacementRequest(file=file.name, provider="openai")),
            {"provider": "openai", "operation": "EnsurePlacement"},
        ),
        (
            lambda: server.call("ListPlacements", m.ListPlacementsRequest(parent=file.name)),
            {"provider": "", "operation": "ListPlacements"},
        ),
        (lambda: server.create(place_on=["openai"]), {"provider": "openai", "operation": "CreateUpload"}),
    ):
        with fails(StatusCode.UNIMPLEMENTED, "PROVIDER_UNSUPPORTED", metadata):
            call()


@case("NOT_IMPLEMENTED: what this server does not have yet, and methods that nobody has")
def not_implemented(servers):
    server = servers.plain()
    with fails(StatusCode.UNIMPLEMENTED, "NOT_IMPLEMENTED"):
        server.call("ListAuditEvents", m.ListAuditEventsRequest(parent=server.parent))
    unknown = server.channel.unary_unary("/longshore.v1.FileService/Unheard")
    try:
        unknown(b"", timeout=10)
        raise AssertionError("it was answered")
    except grpc.RpcError as error:
        info = details_of(status_of(error))["ErrorInfo"]
        assert (error.code(), info.reason) == (StatusCode.UNIMPLEMENTED, "NOT_IMPLEMENTED")


@case("MESSAGE_TOO_LARGE: a message beyond what the server takes, by call and by stream")
def message_too_large(servers):
    server = servers.plain()
    chunk = r.Chunk(content=bytes(5 * MIB))
    for call in (
        lambda: server.call("WriteUploadPart", m.WriteUploadPartRequest(upload=server.create().name, chunk=chunk)),
        lambda: server.write(server.create().name, m.WriteUploadRequest(chunk=chunk)),
    ):
        try:
            call()
            raise AssertionError("it was taken")
        except grpc.RpcError as error:
            info = details_of(status_of(error))["ErrorInfo"]
            assert (error.code(), info.reason) == (EXHAUSTED, "MESSAGE_TOO_LARGE"), error


@case("a request that is no message of its method")
def malformed(servers):
    server = servers.plain()
    send = server.channel.unary_unary("/longshore.v1.FileService/GetFile")
    with fails(INVALID, "FIELD_INVALID", fields=[""]):
        send(b"\xff\xff\xff", timeout=10)


@case("DRAINING: a stream that a stopping server can wait for no longer")
def draining(servers):
    server = Server(servers.facts["stopping"])
    stream = Stream(server, server.create().name)
    stream.send(chunk=r.Chunk(content=b"x" * 10), flush=True)
    stream.acknowledged(10)
    os.kill(server.facts["pid"], signal.SIGTERM)
    with fails(StatusCode.UNAVAILABLE, "DRAINING", retry=True):
        stream.rest()
    stream.close()


class Servers:
    def __init__(self, facts):
        self.facts = facts

    def plain(self):
        return Server(self.facts["plain"])

    def keyed(self, who):
        return Server(self.facts["keyed"], self.facts["keys"][who]["tenant"], self.facts["keys"][who]["key"])


def main():
    servers = Servers(json.load(sys.stdin))
    for name, function in CASES:
        try:
            function(servers)
            print(json.dumps({"name": name}), flush=True)
        except Exception:
            print(json.dumps({"name": name, "failure": traceback.format_exc(limit=-4)}), flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        generate(folder)
        from longshore.v1 import file_service_pb2 as m
        from longshore.v1 import file_service_pb2_grpc as services
        from longshore.v1 import resources_pb2 as r

        main()
