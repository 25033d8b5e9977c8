package child

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

// ErrNotChild says that a program meant to be a child was started by hand.
var ErrNotChild = errors.New("child: this command is started by plexus itself, not by hand")

// Serve is the child's side: it answers the host's calls with handle until the
// host ends it, and then does not return but exits the process. It returns an
// error only when the program cannot serve: ErrNotChild, or a broken
// environment.
//
// Standard output and error are redirected to the host's log from then on;
// nothing may be printed to standard output before.
func Serve(handle Handler) error { return serve(&service{handle: handle}) }

// ServeService is Serve for a child that offers a gRPC service of its own, which
// the host calls by Process.Stream.
func ServeService(desc *grpc.ServiceDesc, impl any) error {
	return serve(&service{own: desc, impl: impl})
}

func serve(s *service) error {
	if os.Getenv(handshake.MagicCookieKey) != handshake.MagicCookieValue {
		return ErrNotChild
	}
	max, err := strconv.Atoi(os.Getenv(envMax))
	if err == nil {
		err = checkMax(max)
	}
	if err != nil {
		return fmt.Errorf("%s %q: %w", envMax, os.Getenv(envMax), err)
	}
	if os.Getenv(envLifeline) != "" {
		go followHost(os.Stdin)
	}
	s.max = max
	if conn := inheritedLink(); conn != nil && s.handle != nil {
		go serveLink(conn, max, s.handle) // lives as long as the process, like followHost
	}
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: handshake,
		Plugins:         plugin.PluginSet{pluginName: s},
		Logger:          hclog.NewNullLogger(),
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts, grpc.MaxRecvMsgSize(max+overhead), grpc.MaxSendMsgSize(max+overhead))...)
		},
	})
	os.Exit(0)
	return nil
}

// followHost ends the process when the host is gone and with it the writing
// end of the pipe. It is the one goroutine here that nobody waits for: it lives
// as long as the process.
func followHost(stdin io.Reader) {
	_, _ = io.Copy(io.Discard, stdin)
	os.Exit(0)
}
