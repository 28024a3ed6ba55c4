package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path"
	"sync"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// call is one line of the log.
type call struct {
	Time    time.Time       `json:"time"` // when it came
	Node    string          `json:"node,omitempty"`
	RPC     string          `json:"rpc"`
	Request json.RawMessage `json:"request,omitempty"`
	Reply   json.RawMessage `json:"reply,omitempty"`
	Code    string          `json:"code"`
	Error   string          `json:"error,omitempty"`
	Ms      float64         `json:"ms"`
	Fault   string          `json:"fault,omitempty"`
	Cuts    []cut           `json:"cuts,omitempty"`
	Events  []string        `json:"events,omitempty"`
}

// rpcLog writes each line with one write to a file opened for appending, so
// that several processes can share one.
type rpcLog struct {
	mu  sync.Mutex
	out io.Writer
	dev uint64 // device of the file: a file system that must never be frozen
}

func openLog(path string) (*rpcLog, error) {
	if path == "" {
		return &rpcLog{out: os.Stderr}, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	dev, err := deviceOf(path)
	return &rpcLog{out: f, dev: dev}, err
}

type callKey struct{}

// callOf is the log line of the call under way.
func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return new(call)
}

func (d *driver) logCall(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	c := &call{Time: time.Now(), Node: d.nodeID, RPC: rpcName(info.FullMethod), Request: describe(req)}
	reply, err := next(context.WithValue(ctx, callKey{}, c), req)
	c.Ms = float64(time.Since(c.Time).Microseconds()) / 1000
	c.Code = status.Code(err).String()
	if err != nil {
		c.Error = status.Convert(err).Message()
	} else {
		c.Reply = describe(reply)
	}
	if line, err := json.Marshal(c); err == nil {
		d.log.mu.Lock()
		defer d.log.mu.Unlock()
		d.log.out.Write(append(line, '\n'))
	}
	return reply, err
}

func rpcName(method string) string { return path.Base(method) }

// describe is a message as JSON without the fields that the CSI spec marks as secret.
func describe(message any) []byte {
	m, ok := message.(proto.Message)
	if !ok || m == nil || !m.ProtoReflect().IsValid() {
		return nil
	}
	m = proto.Clone(m)
	clearSecrets(m.ProtoReflect())
	data, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return nil
	}
	// protojson varies its white space on purpose.
	compact := new(bytes.Buffer)
	if json.Compact(compact, data) != nil {
		return nil
	}
	return compact.Bytes()
}

func clearSecrets(m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		options, ok := f.Options().(*descriptorpb.FieldOptions)
		switch {
		case ok && proto.GetExtension(options, csi.E_CsiSecret).(bool):
			m.Clear(f)
		case f.IsMap() || f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				clearSecrets(v.List().Get(i).Message())
			}
		default:
			clearSecrets(v.Message())
		}
		return true
	})
}
