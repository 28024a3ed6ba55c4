package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// volumeParams are the parameters of a StorageClass.
type volumeParams struct {
	access         string // shared, zone, node
	provisionDelay time.Duration
	failCreate     failures
}

// cutParams are the parameters of a VolumeSnapshotClass or group class.
type cutParams struct {
	freeze      bool
	cutDelay    time.Duration // before the cut
	replyDelay  time.Duration // between the cut and the reply
	readyAfter  time.Duration // from the cut until it is ready to use
	failCut     failures      // fails while all is frozen
	sequential  bool          // groups: one member after another
	memberDelay time.Duration // groups: between members

	key string // what is cut: delays and failures count by it
}

// failures, written CODE:N, is a code for the first N attempts of each name.
type failures struct {
	code  codes.Code
	count int
}

func parseVolumeParams(in map[string]string) (volumeParams, error) {
	p := volumeParams{access: "shared"}
	err := parse(in, map[string]func(string) error{
		"access":         oneOf(&p.access, "shared", "zone", "node"),
		"provisionDelay": duration(&p.provisionDelay),
		"failCreate":     p.failCreate.parse,
	})
	return p, err
}

func parseCutParams(in map[string]string, group bool) (cutParams, error) {
	p := cutParams{freeze: true}
	mode := "atomic"
	known := map[string]func(string) error{
		"freeze":     boolean(&p.freeze),
		"cutDelay":   duration(&p.cutDelay),
		"replyDelay": duration(&p.replyDelay),
		"readyAfter": duration(&p.readyAfter),
		"failCut":    p.failCut.parse,
	}
	if group {
		known["mode"] = oneOf(&mode, "atomic", "sequential")
		known["memberDelay"] = duration(&p.memberDelay)
	}
	err := parse(in, known)
	p.sequential = mode == "sequential"
	if err == nil && group && !p.sequential && !p.freeze {
		err = status.Error(codes.InvalidArgument, "mode atomic needs freeze: members cloned under their writers are not one point in time")
	}
	return p, err
}

// parse refuses unknown parameters: a misspelt fault would test nothing.
func parse(in map[string]string, known map[string]func(string) error) error {
	for key, value := range in {
		if strings.HasPrefix(key, "csi.storage.k8s.io/") {
			continue // names of objects, added by the sidecars
		}
		set, ok := known[key]
		if !ok {
			return status.Errorf(codes.InvalidArgument, "unknown parameter %q", key)
		}
		if err := set(value); err != nil {
			return status.Errorf(codes.InvalidArgument, "parameter %s: %v", key, err)
		}
	}
	return nil
}

func oneOf(to *string, values ...string) func(string) error {
	return func(s string) error {
		for _, v := range values {
			if s == v {
				*to = s
				return nil
			}
		}
		return fmt.Errorf("%q is none of %s", s, strings.Join(values, ", "))
	}
}

func duration(to *time.Duration) func(string) error {
	return func(s string) (err error) { *to, err = time.ParseDuration(s); return err }
}

func boolean(to *bool) func(string) error {
	return func(s string) (err error) { *to, err = strconv.ParseBool(s); return err }
}

func (f *failures) parse(s string) error {
	name, count, ok := strings.Cut(s, ":")
	code, known := codeNamed(name)
	n, err := strconv.Atoi(count)
	if !ok || !known || err != nil || n < 1 {
		return fmt.Errorf("%q is not CODE:N", s)
	}
	*f = failures{code, n}
	return nil
}

// codeNamed knows codes as gRPC prints them: Unavailable, ResourceExhausted.
func codeNamed(name string) (codes.Code, bool) {
	for c := codes.Canceled; c <= codes.Unauthenticated; c++ {
		if c.String() == name {
			return c, true
		}
	}
	return codes.Unknown, false
}

// pacer remembers, by name, when something was first asked for and how often it
// failed. A delay counts from the first call: counted from each, a caller that
// gives up sooner than the delay would never be served.
type pacer struct {
	mu     sync.Mutex
	first  map[string]time.Time
	failed map[string]int
}

func newPacer() *pacer { return &pacer{first: map[string]time.Time{}, failed: map[string]int{}} }

func (p *pacer) wait(ctx context.Context, name string, d time.Duration) error {
	p.mu.Lock()
	start, ok := p.first[name]
	if !ok {
		start = time.Now()
		p.first[name] = start
	}
	p.mu.Unlock()
	return sleep(ctx, time.Until(start.Add(d)))
}

func (p *pacer) fail(name string, f failures) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed[name] >= f.count {
		return nil
	}
	p.failed[name]++
	return status.Errorf(f.code, "failure %d of %d asked for by the class", p.failed[name], f.count)
}

func (p *pacer) done(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.first, name)
	delete(p.failed, name)
}
