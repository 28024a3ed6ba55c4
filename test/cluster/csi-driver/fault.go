package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// fault is what DIR/faults/RPC.json holds: which calls of that RPC go wrong, and
// how. Without a code it only delays; without a count it stays until removed.
type fault struct {
	Code  string `json:"code,omitempty"`
	Count *int   `json:"count,omitempty"`
	Delay string `json:"delay,omitempty"`
	After bool   `json:"after,omitempty"` // the work is done, the reply is lost
	Match string `json:"match,omitempty"` // a part of the request, as logged
	Node  string `json:"node,omitempty"`  // only in the process of this node
}

func (d *driver) injectFault(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	f, delay, err := d.takeFault(rpcName(info.FullMethod), describe(req))
	if err != nil {
		// A file that is only half written must not fail a call by itself; the log says so.
		callOf(ctx).Fault = "ignored: " + err.Error()
	}
	if f == nil {
		return next(ctx, req)
	}
	callOf(ctx).Fault = f.String()
	lost := error(nil)
	if f.Code != "" {
		code, _ := codeNamed(f.Code)
		lost = status.Error(code, "injected fault")
	}
	if f.After {
		reply, err := next(ctx, req)
		if err != nil {
			return nil, err
		}
		if err := sleep(ctx, delay); err != nil {
			return nil, err
		}
		return reply, lost
	}
	if err := sleep(ctx, delay); err != nil {
		return nil, err
	}
	if lost != nil {
		return nil, lost
	}
	return next(ctx, req)
}

// takeFault counts down under a lock: calls come at the same time, and from
// several processes, and each fault must strike as often as it says.
func (d *driver) takeFault(rpc string, request []byte) (*fault, time.Duration, error) {
	path := d.state.record("faults", rpc)
	if _, err := os.Stat(path); err != nil {
		return nil, 0, nil
	}
	unlock, err := d.state.lock(context.Background(), ".faults")
	if err != nil {
		return nil, 0, err
	}
	defer unlock()
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, 0, nil
	}
	f := new(fault)
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := errors.Join(err, decoder.Decode(f)); err != nil {
		return nil, 0, err
	}
	var delay time.Duration
	if f.Delay != "" {
		if delay, err = time.ParseDuration(f.Delay); err != nil {
			return nil, 0, err
		}
	}
	if code, ok := codeNamed(f.Code); f.Code != "" && (!ok || code == codes.OK) {
		return nil, 0, fmt.Errorf("no code %q", f.Code)
	}
	if !strings.Contains(string(request), f.Match) || (f.Node != "" && f.Node != d.nodeID) {
		return nil, 0, nil
	}
	if f.Count == nil {
		return f, delay, nil
	}
	left := *f
	n := *f.Count - 1
	left.Count = &n
	if n <= 0 {
		return f, delay, os.Remove(path)
	}
	data, err = json.Marshal(left)
	if err != nil {
		return nil, 0, err
	}
	return f, delay, replaceFile(path, data)
}

func (f fault) String() string {
	data, _ := json.Marshal(f)
	return string(data)
}
