package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// store is the state folder. What it holds is written by several processes:
// files are replaced whole, and changed only under the lock of their volume.
type store string

// volume is what is known of one volume.
type volume struct {
	ID        string            `json:"id"`
	Name      string            `json:"name"`
	Bytes     int64             `json:"bytes"`
	FsType    string            `json:"fsType"` // empty until it is formatted
	Access    string            `json:"access"`
	Topology  map[string]string `json:"topology,omitempty"`
	Origin    origin            `json:"origin"`
	Params    map[string]string `json:"params,omitempty"`
	Mutable   map[string]string `json:"mutable,omitempty"`
	Published string            `json:"published,omitempty"` // the one node that may use it
}

// origin says what a volume was filled with.
type origin struct {
	Volume   string `json:"volume,omitempty"`
	Snapshot string `json:"snapshot,omitempty"`
}

func openStore(dir string) (store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for _, sub := range []string{"volumes", "snapshots", "groups", "faults", "locks"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return "", err
		}
	}
	// The kernel tells loop devices' files by their resolved paths.
	dir, err = filepath.EvalSymlinks(dir)
	return store(dir), err
}

func (s store) image(id string) string        { return filepath.Join(string(s), "volumes", id+".img") }
func (s store) record(kind, id string) string { return filepath.Join(string(s), kind, id+".json") }

var plainName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,127}$`)

// idOf makes the id from the name the caller chose, so that a call repeated
// after a lost reply finds its own work, whatever process answers it.
func idOf(name string) string {
	if plainName.MatchString(name) && !strings.HasPrefix(name, "h-") {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return "h-" + hex.EncodeToString(sum[:])
}

// load gives nil where there is no such record; an id that we cannot have made
// (one with a slash, say) has none.
func load[T any](s store, kind, id string) (*T, error) {
	if !plainName.MatchString(id) {
		return nil, nil
	}
	data, err := os.ReadFile(s.record(kind, id))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	v := new(T)
	return v, json.Unmarshal(data, v)
}

func (s store) save(kind, id string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return replaceFile(s.record(kind, id), data)
}

func replaceFile(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}

func (s store) drop(kind, id string) error {
	if !plainName.MatchString(id) {
		return nil
	}
	return removeIfThere(s.record(kind, id))
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// ids lists a kind's records in order.
func (s store) ids(kind string) ([]string, error) {
	paths, err := filepath.Glob(s.record(kind, "[a-z0-9]*"))
	for i, p := range paths {
		paths[i] = strings.TrimSuffix(filepath.Base(p), ".json")
	}
	slices.Sort(paths)
	return paths, err
}

// lock holds several names at once, against all processes, taken in one order
// so that two groups sharing members cannot wait for each other. Lock files stay:
// removing one would let two callers hold the same name by different inodes.
func (s store) lock(ctx context.Context, names ...string) (unlock func(), err error) {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	var held []*os.File
	unlock = func() {
		for _, f := range held {
			f.Close()
		}
	}
	for _, name := range names {
		if len(name) > 200 || strings.Contains(name, "/") {
			name = idOf(name) // an id that the caller made up
		}
		f, err := os.OpenFile(filepath.Join(string(s), "locks", name), os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			unlock()
			return nil, err
		}
		held = append(held, f)
		for {
			err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
			if err == nil {
				break
			}
			if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
				unlock()
				return nil, err
			}
			if sleep(ctx, time.Millisecond) != nil {
				unlock()
				return nil, status.Errorf(codes.Aborted, "another operation on %s is pending", name)
			}
		}
	}
	return unlock, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	case <-time.After(d):
		return nil
	}
}
