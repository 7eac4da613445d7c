// Uploads a file, is cut half-way, goes on from where the server is, and reads the file back with proof.
//
//	examples/go/generate.sh
//	cd examples/go && go run . 127.0.0.1:50051
package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log"
	"os"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	longshore "longshore/examples/go/longshorev1"
)

const (
	mib    = 1 << 20
	tenant = "tenants/default"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// upload sends content over two streams: the first one is cut when half of it is on the server's disk.
func upload(ctx context.Context, client longshore.FileServiceClient, content []byte) (*longshore.File, error) {
	size := int64(len(content))
	created, err := client.CreateUpload(ctx, &longshore.CreateUploadRequest{
		Parent:    tenant,
		File:      &longshore.File{DisplayName: "model.bin", Labels: map[string]string{"example": "go"}},
		TotalSize: proto.Int64(size),
	})
	if err != nil {
		return nil, err
	}
	if err := sendHalf(ctx, client, created.GetName(), content); err != nil {
		return nil, err
	}

	// Whoever knows the upload's name can ask where it stands, and go on from there.
	current, err := client.GetUpload(ctx, &longshore.GetUploadRequest{Name: created.GetName()})
	if err != nil {
		return nil, err
	}
	fmt.Printf("cut, resuming at %d of %d bytes\n", current.GetPersistedSize(), size)
	return sendRest(ctx, client, created.GetName(), content, current.GetPersistedSize())
}

func sendHalf(ctx context.Context, client longshore.FileServiceClient, name string, content []byte) error {
	ctx, cut := context.WithCancel(ctx)
	defer cut()
	stream, err := client.WriteUpload(ctx)
	if err != nil {
		return err
	}
	half := int64(len(content) / 2)
	if err := send(stream, name, content, 0, half); err != nil {
		return err
	}
	for {
		response, err := stream.Recv()
		if err != nil {
			return err
		}
		if response.GetProgress().GetPersistedSize() >= half {
			return nil
		}
	}
}

func sendRest(ctx context.Context, client longshore.FileServiceClient, name string, content []byte, from int64) (*longshore.File, error) {
	stream, err := client.WriteUpload(ctx)
	if err != nil {
		return nil, err
	}
	sent := make(chan error, 1)
	go func() { sent <- send(stream, name, content, from, int64(len(content))) }()
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the stream ended without a file")
		}
		if err != nil {
			return nil, err
		}
		if file := response.GetFile(); file != nil {
			return file, <-sent
		}
	}
}

// send writes the bytes from begin to end: the first message names the upload, the last one flushes or finishes it.
func send(stream longshore.FileService_WriteUploadClient, name string, content []byte, begin, end int64) error {
	for offset := begin; offset < end; offset += mib {
		chunk := content[offset:min(offset+mib, end)]
		request := &longshore.WriteUploadRequest{
			Offset: offset,
			Chunk:  &longshore.Chunk{Content: chunk, Crc32C: proto.Uint32(crc32.Checksum(chunk, castagnoli))},
		}
		if offset == begin {
			request.Upload = name
		}
		if err := stream.Send(request); err != nil {
			return err
		}
	}
	last := &longshore.WriteUploadRequest{Offset: end, Flush: true}
	if begin == end {
		last.Upload = name
	}
	if end == int64(len(content)) {
		last.Finish, last.FinalDigest = true, digest(content)
	}
	return stream.Send(last)
}

// read returns the content once each chunk fits its CRC and all of it the digest that the server proved.
func read(ctx context.Context, client longshore.FileServiceClient, name string) ([]byte, error) {
	stream, err := client.ReadFile(ctx, &longshore.ReadFileRequest{Target: &longshore.ReadFileRequest_File{File: name}})
	if err != nil {
		return nil, err
	}
	var content []byte
	for {
		response, err := stream.Recv()
		if err != nil {
			return nil, err
		}
		switch frame := response.GetFrame().(type) {
		case *longshore.ReadFileResponse_Data:
			chunk := frame.Data.GetChunk()
			if crc32.Checksum(chunk.GetContent(), castagnoli) != chunk.GetCrc32C() {
				return nil, errors.New("a chunk was damaged on the way")
			}
			content = append(content, chunk.GetContent()...)
		case *longshore.ReadFileResponse_Trailer:
			if !proto.Equal(frame.Trailer.GetDigest(), digest(content)) {
				return nil, errors.New("what arrived is not what was stored")
			}
			return content, nil
		}
	}
}

func digest(content []byte) *longshore.Digest {
	sum := sha256.Sum256(content)
	return &longshore.Digest{Sha256: hex.EncodeToString(sum[:]), SizeBytes: int64(len(content))}
}

// reason is the server's own word for an error, from the details that every error carries.
func reason(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return err.Error()
}

func run(address string) error {
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	client, ctx := longshore.NewFileServiceClient(connection), context.Background()
	content := make([]byte, 32*mib)
	if _, err := rand.Read(content); err != nil {
		return err
	}

	file, err := upload(ctx, client, content)
	if err != nil {
		return err
	}
	fmt.Printf("uploaded %s: %d bytes\n", file.GetName(), file.GetDigest().GetSizeBytes())

	received, err := read(ctx, client, file.GetName())
	if err != nil {
		return err
	}
	if !proto.Equal(digest(received), digest(content)) {
		return errors.New("the server had something else")
	}
	fmt.Printf("read %d bytes back: sha256:%s\n", len(received), file.GetDigest().GetSha256())

	if _, err := client.DeleteFile(ctx, &longshore.DeleteFileRequest{Name: file.GetName()}); err != nil {
		return err
	}
	if _, err = read(ctx, client, file.GetName()); err == nil {
		return errors.New("the deleted file was still read")
	}
	fmt.Printf("deleted; reading it again is refused: %s\n", reason(err))
	return nil
}

func main() {
	address := "127.0.0.1:50051"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	if err := run(address); err != nil {
		log.Fatal(err)
	}
}
