package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	fifreeze = 0xC0045877
	fithaw   = 0xC0045878
)

// cut is one image copied at one moment: what the log tells of it, to the
// nanosecond. The numbers are strings, since JSON readers round large numbers.
type cut struct {
	Volume   string `json:"volume"`
	To       string `json:"to"` // the snapshot or volume that came of it
	Frozen   bool   `json:"frozen"`
	FreezeNs int64  `json:"freezeNs,string,omitempty"` // freeze asked for
	FrozenNs int64  `json:"frozenNs,string,omitempty"` // writers stand still from here
	CutNs    int64  `json:"cutNs,string"`
	DoneNs   int64  `json:"cutDoneNs,string"`
	ThawNs   int64  `json:"thawNs,string,omitempty"` // writers go on

	image  string
	source *volume
}

// cutTogether copies all members at one point in time. It does not matter which
// is frozen first: what is frozen cannot move until all are. They are frozen side
// by side only because each freeze mostly waits.
func (d *driver) cutTogether(ctx context.Context, members []*cut, p cutParams) (err error) {
	names := make([]string, len(members))
	for i, m := range members {
		names[i] = "volumes." + m.Volume
	}
	unlock, err := d.state.lock(ctx, names...)
	if err != nil {
		return err
	}
	// Under the lock until thawed: a volume unmounted while frozen could never
	// be thawed again, and would hold its image for ever.
	defer unlock()
	// Deferred before the thaw, so that it comes after: removing takes time.
	defer func() {
		for _, m := range members {
			if err != nil {
				os.Remove(m.image)
			}
			if m.CutNs != 0 || m.FreezeNs != 0 {
				callOf(ctx).Cuts = append(callOf(ctx).Cuts, *m)
			}
		}
	}()
	where := make([]string, len(members))
	for i, m := range members {
		if m.source, err = load[volume](d.state, "volumes", m.Volume); err != nil {
			return err
		}
		if m.source == nil {
			return status.Errorf(codes.NotFound, "no volume %s", m.Volume)
		}
		// All lookups before the first freeze: writers stand still from there on.
		mounted, err := mountOf(d.state.image(m.Volume))
		if err != nil {
			return err
		}
		if mounted != nil {
			where[i] = mounted.path
		}
	}
	var all sync.WaitGroup
	thaws, refused := make([]func() error, len(members)), make([]error, len(members))
	for i, m := range members {
		if !p.freeze || where[i] == "" { // not mounted: nobody can write
			continue
		}
		all.Go(func() {
			m.FreezeNs = time.Now().UnixNano()
			thaws[i], refused[i] = d.freeze(where[i])
			if refused[i] == nil {
				m.Frozen, m.FrozenNs = true, time.Now().UnixNano()
			}
		})
	}
	all.Wait()
	defer func() {
		for i, m := range members {
			if thaws[i] == nil {
				continue
			}
			// Somebody else has thawed it, at a time we do not know: writers may have
			// gone on before the clone, and then this is no point in time.
			if lifted := thaws[i](); lifted != nil && err == nil {
				err = status.Errorf(codes.Aborted, "thaw %s: %v", m.Volume, lifted)
			}
			m.ThawNs = time.Now().UnixNano()
		}
	}()
	if err := errors.Join(refused...); err != nil {
		return status.Errorf(codes.Aborted, "freeze: %v", err)
	}
	for i, m := range members {
		if i > 0 {
			if err := d.between(ctx, p.memberDelay); err != nil {
				return err
			}
		}
		if i == len(members)-1 {
			// The last member fails, as late as can be: all are frozen, the others cloned.
			if err := d.pace.fail(p.key, p.failCut); err != nil {
				return err
			}
		}
		m.CutNs = time.Now().UnixNano()
		if err := clone(d.state.image(m.Volume), m.image); err != nil {
			return status.Errorf(codes.Internal, "clone %s: %v", m.Volume, err)
		}
		m.DoneNs = time.Now().UnixNano()
	}
	return nil
}

// freeze stops all writers of a file system until the returned thaw.
func (d *driver) freeze(path string) (thaw func() error, err error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	dev, err := deviceOf(path)
	stateDev, err2 := deviceOf(string(d.state))
	imageDev, err3 := deviceOf(filepath.Join(string(d.state), "volumes"))
	if err := errors.Join(err, err2, err3); err != nil {
		dir.Close()
		return nil, err
	}
	if dev == d.log.dev || dev == stateDev || dev == imageDev {
		dir.Close()
		return nil, fmt.Errorf("%s holds the driver's own files: it would wait for itself", path)
	}
	if err := unix.IoctlSetInt(int(dir.Fd()), fifreeze, 0); err != nil {
		dir.Close()
		return nil, err
	}
	return func() error {
		defer dir.Close()
		return unix.IoctlSetInt(int(dir.Fd()), fithaw, 0)
	}, nil
}

// thawAll wakes whatever a killed process left frozen.
func thawAll(s store) error {
	all, err := mounts()
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, m := range all {
		if seen[m.dev] || !s.owns(m.source) {
			continue
		}
		seen[m.dev] = true
		dir, err := os.Open(m.path)
		if err != nil {
			return err
		}
		err = unix.IoctlSetInt(int(dir.Fd()), fithaw, 0)
		dir.Close()
		if err != nil && !errors.Is(err, unix.EINVAL) { // EINVAL: was not frozen
			return fmt.Errorf("thaw %s: %w", m.path, err)
		}
	}
	return nil
}

// clone copies by reference. The kernel flushes and locks the file meanwhile, so
// that even with writers the copy is one moment of the device, as after a power cut.
func clone(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = errors.Join(unix.IoctlFileClone(int(out.Fd()), int(in.Fd())), out.Close())
	if err != nil {
		os.Remove(to)
	}
	return err
}

// fence moves a volume to a new inode. A node that is cut off but alive keeps
// the old one mounted, and what it still writes reaches nobody.
func (s store) fence(id string) error {
	tmp := s.image(id) + ".fence"
	if err := clone(s.image(id), tmp); err != nil {
		return err
	}
	return os.Rename(tmp, s.image(id))
}

// resizeImage makes a sparse image of a size, or grows one.
func resizeImage(image string, bytes int64) error {
	f, err := os.OpenFile(image, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(bytes), f.Close())
}

func checkReflinks(s store) error {
	probe := filepath.Join(string(s), "volumes", ".probe")
	defer os.Remove(probe)
	defer os.Remove(probe + ".clone")
	// A file with data: empty ones "clone" on file systems that cannot.
	if err := os.WriteFile(probe, make([]byte, 4096), 0o600); err != nil {
		return err
	}
	if err := clone(probe, probe+".clone"); err != nil {
		return fmt.Errorf("%s must be on a file system with reflinks (XFS): %w", filepath.Dir(probe), err)
	}
	return nil
}

// format makes a file system; copies of volumes have theirs already.
func format(device, fsType string) error {
	switch fsType {
	case "xfs":
		// mkfs.xfs refuses less than 300 MB unless these are set, to any value.
		return run([]string{"TEST_DIR=1", "TEST_DEV=1", "QA_CHECK_FS=1"}, "mkfs.xfs", "-q", "-f", "-K", device)
	case "ext4":
		return run(nil, "mkfs.ext4", "-q", "-F", "-E", "nodiscard", device)
	}
	return status.Errorf(codes.InvalidArgument, "no file system %q: xfs or ext4", fsType)
}
