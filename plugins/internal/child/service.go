package child

import (
	"context"
	"errors"
	"math"
	"unicode/utf8"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// The names of child.proto, written by hand: two wrapped byte strings do not
// pay for generated code.
const (
	serviceName = "plexus.child.v1.Child"
	callPath    = "/" + serviceName + "/Call"
	methodKey   = "plexus-method"
	pluginName  = "child"
	maxMethod   = 64
	maxRefusal  = 1 << 10 // bytes of a refusal's text
	overhead    = 64      // bytes a wrapped message may exceed its content by
)

// handshake keeps a person from starting a child by hand. It is no secret.
var handshake = plugin.HandshakeConfig{
	ProtocolVersion:  1,
	MagicCookieKey:   "PLEXUS_CHILD",
	MagicCookieValue: "6b1e6ac8f0d34f5f8a7be0a1a4a1d7c2",
}

const (
	envMax      = "PLEXUS_CHILD_MAX"
	envLifeline = "PLEXUS_CHILD_LIFELINE" // standard input is held open by the host
)

// Handler answers one call in the child. It must be safe for concurrent use;
// ctx ends when the host has given up waiting.
type Handler func(ctx context.Context, method string, body []byte) ([]byte, error)

// service is both sides' description of the plugin to go-plugin.
type service struct {
	plugin.NetRPCUnsupportedPlugin
	handle Handler
	max    int
	own    *grpc.ServiceDesc // instead of Child; nil for that
	impl   any               // of own
}

// GRPCServer registers the child's side.
func (s *service) GRPCServer(_ *plugin.GRPCBroker, srv *grpc.Server) error {
	if s.own != nil {
		srv.RegisterService(s.own, s.impl)
		return nil
	}
	srv.RegisterService(&grpc.ServiceDesc{
		ServiceName: serviceName,
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Call", Handler: s.call}},
		Metadata:    "child.proto",
	}, s)
	return nil
}

// GRPCClient hands the host its connection.
func (s *service) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}

func (s *service) call(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	in := new(wrapperspb.BytesValue)
	if err := decode(in); err != nil {
		return nil, err
	}
	md, _ := metadata.FromIncomingContext(ctx)
	names := md.Get(methodKey)
	if len(names) != 1 || !validMethod(names[0]) {
		return nil, status.Error(codes.InvalidArgument, "metadata "+methodKey+" must name one method")
	}
	out, err := s.handle(ctx, names[0], in.GetValue())
	if err != nil {
		return nil, status.Error(codes.Aborted, cut(err.Error(), maxRefusal))
	}
	if len(out) > s.max {
		return nil, status.Errorf(codes.ResourceExhausted, "reply of %d bytes, %s is %d", len(out), envMax, s.max)
	}
	return wrapperspb.Bytes(out), nil
}

func validMethod(m string) bool {
	for _, c := range []byte(m) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return m != "" && len(m) <= maxMethod
}

// cut shortens s to at most n bytes of valid UTF-8.
func cut(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	for !utf8.ValidString(s) && len(s) > 0 && n-len(s) < utf8.UTFMax {
		s = s[:len(s)-1]
	}
	if !utf8.ValidString(s) {
		return "text that is not UTF-8"
	}
	return s
}

var errMaxMessage = errors.New("child: MaxMessage must be 1 byte to 1 GiB")

func checkMax(n int) error {
	if n < 1 || n > 1<<30 || n > math.MaxInt32-overhead {
		return errMaxMessage
	}
	return nil
}

var _ plugin.GRPCPlugin = (*service)(nil)
