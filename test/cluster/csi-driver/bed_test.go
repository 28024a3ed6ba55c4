package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// images is a real XFS with reflinks on a sparse file; it goes with its mount.
var images string

func TestMain(m *testing.M) {
	code, err := 1, error(nil)
	if os.Geteuid() == 0 {
		err = func() error {
			dir, err := os.MkdirTemp("", "csi-driver-test-")
			if err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			images = filepath.Join(dir, "images")
			if err := errors.Join(resizeImage(images+".img", 8<<30), os.Mkdir(images, 0o755)); err != nil {
				return err
			}
			loop, err := attach(images + ".img")
			if err != nil {
				return err
			}
			defer loop.Close()
			if err := format(loop.Name(), "xfs"); err != nil {
				return err
			}
			if err := run(nil, "mount", "-t", "xfs", loop.Name(), images); err != nil {
				return err
			}
			defer unmount(images)
			code = m.Run()
			return nil
		}()
	} else {
		code = m.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// patience is how long one test waits for anything: no bound on speed, but the
// answer to what stands still.
const patience = 3 * time.Minute

// bed is a controller and as many nodes as are asked for, over real sockets.
type bed struct {
	*testing.T
	ctx     context.Context
	dir     string
	state   store
	logFile string
	csi.ControllerClient
	groups csi.GroupControllerClient
	paused func() // called in the pause between two members of a group
}

type testNode struct {
	*bed
	name string
	csi.NodeClient
}

func newBed(t *testing.T) *bed {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: mounts file systems and attaches loop devices")
	}
	dir, err := os.MkdirTemp(images, "state-")
	check(t, err)
	s, err := openStore(dir)
	check(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	b := &bed{T: t, ctx: ctx, dir: t.TempDir(), state: s}
	b.logFile = filepath.Join(b.dir, "log")
	t.Cleanup(func() {
		cancel()
		check(t, cleanup(s, ""))
		all, err := mounts()
		check(t, err)
		for _, m := range all {
			if s.owns(m.source) {
				t.Errorf("left behind: %s on %s", m.source, m.path)
			}
		}
	})
	connection := b.start("controller", func(d *driver, server *grpc.Server) {
		csi.RegisterControllerServer(server, controller{driver: d})
		csi.RegisterGroupControllerServer(server, groups{driver: d})
	})
	b.ControllerClient, b.groups = csi.NewControllerClient(connection), csi.NewGroupControllerClient(connection)
	return b
}

func (b *bed) start(name string, register func(*driver, *grpc.Server)) *grpc.ClientConn {
	b.Helper()
	l, err := openLog(b.logFile)
	check(b, err)
	d := &driver{name: "test.csi", state: b.state, log: l, pace: newPacer()}
	d.paused = func() {
		if b.paused != nil {
			b.paused()
		}
	}
	if name != "controller" {
		d.nodeID, d.zone, d.kubeletDir = name, "zone-of-"+name, filepath.Join(b.dir, name)
	}
	server := d.server()
	register(d, server)
	listener, err := net.Listen("unix", filepath.Join(b.dir, name+".sock"))
	check(b, err)
	go server.Serve(listener)
	b.Cleanup(server.Stop)
	connection, err := grpc.NewClient("unix://"+listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(b, err)
	return connection
}

func (b *bed) node(name string) *testNode {
	b.Helper()
	connection := b.start(name, func(d *driver, server *grpc.Server) { csi.RegisterNodeServer(server, node{driver: d}) })
	return &testNode{b, name, csi.NewNodeClient(connection)}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bed) refused(err error, want codes.Code) {
	b.Helper()
	if status.Code(err) != want {
		b.Fatalf("want %s, got: %v", want, err)
	}
}

func capability(fsType string) *csi.VolumeCapability {
	return &csi.VolumeCapability{
		AccessType: &csi.VolumeCapability_Mount{Mount: &csi.VolumeCapability_MountVolume{FsType: fsType}},
		AccessMode: &csi.VolumeCapability_AccessMode{Mode: csi.VolumeCapability_AccessMode_SINGLE_NODE_MULTI_WRITER},
	}
}

func request(name string, mebibytes int64, params map[string]string) *csi.CreateVolumeRequest {
	return &csi.CreateVolumeRequest{
		Name: name, CapacityRange: &csi.CapacityRange{RequiredBytes: mebibytes * mebi},
		VolumeCapabilities: []*csi.VolumeCapability{capability("xfs")}, Parameters: params,
	}
}

func (b *bed) create(req *csi.CreateVolumeRequest) string {
	b.Helper()
	reply, err := b.CreateVolume(b.ctx, req)
	check(b, err)
	return reply.Volume.VolumeId
}

func fromSnapshot(name, snapshot string, mebibytes int64) *csi.CreateVolumeRequest {
	r := request(name, mebibytes, nil)
	r.VolumeContentSource = &csi.VolumeContentSource{Type: &csi.VolumeContentSource_Snapshot{
		Snapshot: &csi.VolumeContentSource_SnapshotSource{SnapshotId: snapshot},
	}}
	return r
}

func (b *bed) snapshot(name, volume string, params map[string]string) *csi.Snapshot {
	b.Helper()
	reply, err := b.CreateSnapshot(b.ctx, &csi.CreateSnapshotRequest{Name: name, SourceVolumeId: volume, Parameters: params})
	check(b, err)
	return reply.Snapshot
}

func (b *bed) groupSnapshot(name string, params map[string]string, volumes ...string) (*csi.VolumeGroupSnapshot, error) {
	reply, err := b.groups.CreateVolumeGroupSnapshot(b.ctx, &csi.CreateVolumeGroupSnapshotRequest{Name: name, SourceVolumeIds: volumes, Parameters: params})
	return reply.GetGroupSnapshot(), err
}

func (n *testNode) staging(volume string) string {
	return filepath.Join(n.dir, n.name, "staging", volume)
}

// use publishes and mounts a volume as the kubelet does, and says where.
func (n *testNode) use(volume, fsType string) string {
	n.Helper()
	_, err := n.ControllerPublishVolume(n.ctx, &csi.ControllerPublishVolumeRequest{VolumeId: volume, NodeId: n.name, VolumeCapability: capability(fsType)})
	check(n, err)
	_, err = n.NodeStageVolume(n.ctx, &csi.NodeStageVolumeRequest{VolumeId: volume, StagingTargetPath: n.staging(volume), VolumeCapability: capability(fsType)})
	check(n, err)
	target := filepath.Join(n.dir, n.name, "pods", volume)
	_, err = n.NodePublishVolume(n.ctx, &csi.NodePublishVolumeRequest{
		VolumeId: volume, StagingTargetPath: n.staging(volume), TargetPath: target, VolumeCapability: capability(fsType),
	})
	check(n, err)
	return target
}

func (n *testNode) unmount(volume string) {
	n.Helper()
	_, err := n.NodeUnpublishVolume(n.ctx, &csi.NodeUnpublishVolumeRequest{VolumeId: volume, TargetPath: filepath.Join(n.dir, n.name, "pods", volume)})
	check(n, err)
	_, err = n.NodeUnstageVolume(n.ctx, &csi.NodeUnstageVolumeRequest{VolumeId: volume, StagingTargetPath: n.staging(volume)})
	check(n, err)
}

func (n *testNode) detach(volume string) {
	n.Helper()
	_, err := n.ControllerUnpublishVolume(n.ctx, &csi.ControllerUnpublishVolumeRequest{VolumeId: volume, NodeId: n.name})
	check(n, err)
}

func (b *bed) fault(rpc, json string) {
	b.Helper()
	check(b, os.WriteFile(b.state.record("faults", rpc), []byte(json), 0o644))
}

func size(t testing.TB, path string) int64 {
	t.Helper()
	var s unix.Statfs_t
	check(t, unix.Statfs(path, &s))
	return int64(s.Blocks) * s.Bsize
}

// roundRobin is a writer of 1, 2, 3... to each folder in turn, each on disk before
// the next, so that at every moment n0 >= n1 >= n2 >= n0-1.
type roundRobin struct {
	*bed
	rounds atomic.Uint64 // that are on disk in every folder
	halt   chan struct{}
	done   chan error
}

func (b *bed) roundRobin(folders ...string) *roundRobin {
	b.Helper()
	files := make([]*os.File, len(folders))
	for i, f := range folders {
		var err error
		files[i], err = os.Create(filepath.Join(f, "n"))
		check(b, err)
	}
	w := &roundRobin{bed: b, halt: make(chan struct{}), done: make(chan error, 1)}
	go func() { w.done <- w.write(files) }()
	return w
}

func (w *roundRobin) write(files []*os.File) (err error) {
	defer func() {
		for _, f := range files {
			err = errors.Join(err, f.Close())
		}
	}()
	for n := uint64(1); ; n++ {
		for _, f := range files {
			_, err := f.WriteAt(binary.LittleEndian.AppendUint64(nil, n), 0)
			if err := errors.Join(err, unix.Fdatasync(int(f.Fd()))); err != nil {
				return err
			}
		}
		w.rounds.Store(n)
		select {
		case <-w.halt:
			return nil
		default:
		}
	}
}

const frozen = "the writer stands still: a volume is frozen"

// more waits until the writer has written as many whole rounds again.
func (w *roundRobin) more(rounds uint64) {
	w.Helper()
	for want := w.rounds.Load() + rounds; w.rounds.Load() < want; time.Sleep(time.Millisecond) {
		if w.ctx.Err() != nil {
			w.Error(frozen)
			return
		}
	}
}

func (w *roundRobin) stop() {
	w.Helper()
	close(w.halt)
	select {
	case err := <-w.done:
		check(w, err)
	case <-w.ctx.Done():
		w.Fatal(frozen)
	}
}

func (b *bed) readNumber(folder string) uint64 {
	b.Helper()
	data, err := os.ReadFile(filepath.Join(folder, "n"))
	check(b, err)
	if len(data) == 0 {
		return 0
	}
	return binary.LittleEndian.Uint64(data)
}
