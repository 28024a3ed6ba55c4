package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// mount is one line of the kernel's table, the only witness asked for what is
// mounted: records of our own would outlive a crash or a reboot.
type mount struct {
	dev    string // major:minor
	path   string
	source string
}

func mounts() ([]mount, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []mount
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		head, tail, _ := strings.Cut(lines.Text(), " - ")
		fields, source := strings.Fields(head), strings.Fields(tail)
		if len(fields) < 5 || len(source) < 2 {
			continue
		}
		all = append(all, mount{dev: fields[2], path: unescape.Replace(fields[4]), source: unescape.Replace(source[1])})
	}
	return all, lines.Err()
}

var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// mountAt is what lies on top at a path, or nil.
func mountAt(path string) (*mount, error) {
	all, err := mounts()
	if err != nil {
		return nil, err
	}
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].path == path {
			return &all[i], nil
		}
	}
	return nil, nil
}

// mountOf is where an image is mounted, or nil. Images are told by inode: after
// a fence the old inode is still mounted, and is not this image any more.
func mountOf(image string) (*mount, error) {
	all, err := mounts()
	if err != nil {
		return nil, err
	}
	for i := range all {
		if backedBy(all[i].source, image) {
			return &all[i], nil
		}
	}
	return nil, nil
}

// backedBy tells whether a loop device's data is that very file. The name goes
// first, so that no other volume's device is opened: while it is open it does not
// go, and that volume could not be staged again. Only the inode decides, since
// after a fence the name is that of the old inode too.
func backedBy(loop, image string) bool {
	if !strings.HasPrefix(backingFile(loop), image) {
		return false
	}
	f, err := os.Open(loop)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := unix.IoctlLoopGetStatus64(int(f.Fd()))
	if err != nil {
		return false
	}
	var s unix.Stat_t
	return unix.Stat(image, &s) == nil && info.Inode == s.Ino && info.Device == s.Dev
}

// backingFile is a loop device's file as the kernel shows it ("... (deleted)" after
// a fence), without opening the device.
func backingFile(loop string) string {
	if !strings.HasPrefix(loop, "/dev/loop") {
		return ""
	}
	data, err := os.ReadFile(filepath.Join("/sys/block", filepath.Base(loop), "loop/backing_file"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// loopOf is the loop device that holds an image, mounted anywhere or not, or "".
func loopOf(image string) (string, error) {
	blocks, err := filepath.Glob("/sys/block/loop*/loop")
	if err != nil {
		return "", err
	}
	for _, b := range blocks {
		loop := "/dev/" + filepath.Base(filepath.Dir(b))
		if backedBy(loop, image) {
			return loop, nil
		}
	}
	return "", nil
}

// attach makes a loop device of an image. The device goes by itself with the
// last user (autoclear): whoever unmounts, even by force, leaves none behind.
// Until it is mounted, the returned file keeps it alive.
func attach(image string) (*os.File, error) {
	backing, err := os.OpenFile(image, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer backing.Close()
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer control.Close()
	for range 100 {
		n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, err
		}
		loop, err := os.OpenFile(fmt.Sprintf("/dev/loop%d", n), os.O_RDWR, 0)
		if err != nil {
			return nil, err
		}
		config := unix.LoopConfig{Fd: uint32(backing.Fd())}
		config.Info.Flags = unix.LO_FLAGS_AUTOCLEAR
		copy(config.Info.File_name[:len(config.Info.File_name)-1], image)
		err = unix.IoctlLoopConfigure(int(loop.Fd()), &config)
		if err == nil {
			return loop, nil
		}
		loop.Close()
		// Free when asked and taken before we came: ask again.
		if !errors.Is(err, unix.EBUSY) {
			return nil, err
		}
	}
	return nil, errors.New("no free loop device after 100 attempts")
}

// unmount takes away all that lies on a path. It is lazy: a mount whose storage
// was fenced may have users that will never let go.
func unmount(path string) error {
	for {
		err := unix.Unmount(path, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("unmount %s: %w", path, err)
		}
	}
}

// awaitExec waits until each child started so far, for any other call, runs its own
// program. Until then it has open whatever this process had open at the time, and with
// that a volume that nobody uses is busy, and a loop device stays.
func awaitExec() {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
}

// release unmounts an image's mount for good, so that a busy volume does not look
// free; what was mounted there before a fence has no claim to such care.
func release(path, image string) error {
	awaitExec()
	for {
		m, err := mountAt(path)
		if err != nil || m == nil {
			return err
		}
		if !backedBy(m.source, image) {
			return unmount(path)
		}
		if err := unix.Unmount(path, unix.UMOUNT_NOFOLLOW); err != nil {
			return fmt.Errorf("unmount %s: %w", path, err)
		}
	}
}

// cleanup leaves no mount and no loop device of the state folder behind.
func cleanup(s store, below string) error {
	if err := thawAll(s); err != nil {
		return err
	}
	all, err := mounts()
	if err != nil {
		return err
	}
	for i := len(all) - 1; i >= 0; i-- {
		m := all[i]
		if !s.owns(m.source) || (below != "" && !strings.HasPrefix(m.path, filepath.Clean(below)+"/")) {
			continue
		}
		err = errors.Join(err, unmount(m.path))
	}
	return err
}

// owns tells whether a loop device's file is, or was, a volume of this store.
func (s store) owns(loop string) bool {
	return strings.HasPrefix(backingFile(loop), filepath.Join(string(s), "volumes")+"/")
}

func deviceOf(path string) (uint64, error) {
	var s unix.Stat_t
	err := unix.Stat(path, &s)
	return s.Dev, err
}

func run(env []string, name string, args ...string) error {
	c := exec.Command(name, args...)
	c.Env = append(os.Environ(), env...)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(name), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// exitCode is that of a command that ran, or -1.
func exitCode(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return -1
}
