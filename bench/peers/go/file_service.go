package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"longshore/bench/peers/longshorev1"
)

const (
	defaultChunkBytes = 1 << 20
	maxChunkBytes     = 4 << 20
)

// fileService uses grpc-go as it is shipped, the generated messages and the os package. What it does less than
// Longshore: no digest and no CRC in either direction, no acks, nothing made durable, no resuming, no records, no
// deduplication, no access rules.
type fileService struct {
	longshorev1.UnimplementedFileServiceServer
	root       string
	discard    bool
	lastUpload atomic.Int64
}

func (s *fileService) pathOf(name string) string {
	return filepath.Join(s.root, path.Base(name))
}

func (s *fileService) GetServerInfo(context.Context, *longshorev1.GetServerInfoRequest) (*longshorev1.ServerInfo, error) {
	return &longshorev1.ServerInfo{Version: "peer-go-" + grpc.Version}, nil
}

func (s *fileService) ReadFile(request *longshorev1.ReadFileRequest, stream grpc.ServerStreamingServer[longshorev1.ReadFileResponse]) error {
	file, err := os.Open(s.pathOf(request.GetFile()))
	if errors.Is(err, fs.ErrNotExist) {
		return status.Error(codes.NotFound, err.Error())
	}
	if err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	offset := request.GetOffset()
	if offset < 0 {
		offset = max(0, info.Size()+offset)
	}
	if offset > info.Size() {
		return status.Error(codes.OutOfRange, "the offset is beyond the end")
	}
	left := info.Size() - offset
	if limit := request.GetLimit(); limit > 0 {
		left = min(left, limit)
	}
	chunkBytes := int64(request.GetPreferredChunkBytes())
	if chunkBytes <= 0 {
		chunkBytes = defaultChunkBytes
	}

	total := info.Size()
	header := &longshorev1.ReadHeader{File: &longshorev1.File{Name: request.GetFile()}, TotalSize: &total}
	if err := stream.Send(&longshorev1.ReadFileResponse{Frame: &longshorev1.ReadFileResponse_Header{Header: header}}); err != nil {
		return err
	}
	// Send has serialized the message when it returns, so one buffer and one message do for the whole stream.
	buffer := make([]byte, min(chunkBytes, maxChunkBytes))
	data := &longshorev1.ReadData{Chunk: &longshorev1.Chunk{}}
	message := &longshorev1.ReadFileResponse{Frame: &longshorev1.ReadFileResponse_Data{Data: data}}
	sent := int64(0)
	for left > 0 {
		piece := buffer[:min(left, int64(len(buffer)))]
		if _, err := file.ReadAt(piece, offset); err != nil && err != io.EOF {
			return status.Error(codes.Internal, err.Error())
		}
		data.Offset, data.Chunk.Content = offset, piece
		if err := stream.Send(message); err != nil {
			return err
		}
		offset += int64(len(piece))
		left -= int64(len(piece))
		sent += int64(len(piece))
	}
	trailer := &longshorev1.ReadTrailer{BytesSent: sent}
	return stream.Send(&longshorev1.ReadFileResponse{Frame: &longshorev1.ReadFileResponse_Trailer{Trailer: trailer}})
}

func (s *fileService) CreateUpload(_ context.Context, request *longshorev1.CreateUploadRequest) (*longshorev1.Upload, error) {
	name := fmt.Sprintf("%s/uploads/%d-%d", request.GetParent(), time.Now().Unix(), s.lastUpload.Add(1))
	return &longshorev1.Upload{Name: name, TotalSize: request.TotalSize, State: longshorev1.Upload_OPEN}, nil
}

func (s *fileService) WriteUpload(stream grpc.BidiStreamingServer[longshorev1.WriteUploadRequest, longshorev1.WriteUploadResponse]) error {
	request, err := stream.Recv()
	if err != nil {
		return err
	}
	id := path.Base(request.GetUpload())
	var file *os.File
	if !s.discard {
		if file, err = os.Create(s.pathOf(id)); err != nil {
			return status.Error(codes.Internal, err.Error())
		}
		defer file.Close()
	}
	size := int64(0)
	for {
		content := request.GetChunk().GetContent()
		if file != nil {
			if _, err := file.WriteAt(content, request.GetOffset()); err != nil {
				return status.Error(codes.Internal, err.Error())
			}
		}
		size += int64(len(content))
		if request.GetFinish() {
			break
		}
		if request, err = stream.Recv(); err != nil {
			return err
		}
	}
	result := &longshorev1.File{Name: "tenants/bench/files/" + id, Digest: &longshorev1.Digest{SizeBytes: size}}
	return stream.Send(&longshorev1.WriteUploadResponse{Result: &longshorev1.WriteUploadResponse_File{File: result}})
}
