// The plainest good Go server of longshore.v1.FileService.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"

	"google.golang.org/grpc"

	"longshore/bench/peers/longshorev1"
)

const maxMessageBytes = 16 << 20

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to serve on; port 0 takes a free one")
	root := flag.String("root", "", "folder that holds the files; a file's id is its name in it")
	discard := flag.Bool("discard", false, "throw uploaded bytes away")
	flag.Parse()
	if *root == "" {
		log.Fatal("--root is needed")
	}

	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(maxMessageBytes))
	longshorev1.RegisterFileServiceServer(server, &fileService{root: *root, discard: *discard})
	fmt.Printf("listening on %s\n", listener.Addr())
	log.Fatal(server.Serve(listener))
}
