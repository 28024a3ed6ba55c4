package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestTheSameNameMakesOneVolume(t *testing.T) {
	b := newBed(t)
	ids := make(chan string, 8)
	for range 8 {
		go func() {
			reply, err := b.CreateVolume(b.ctx, request("pvc-1", 64, nil))
			if err != nil {
				t.Error(err)
			}
			ids <- reply.GetVolume().GetVolumeId()
		}()
	}
	first := <-ids
	for range 7 {
		if id := <-ids; id != first {
			t.Errorf("%s and %s", first, id)
		}
	}
	all, err := b.state.ids("volumes")
	check(t, err)
	if len(all) != 1 {
		t.Errorf("%v", all)
	}
	_, err = b.CreateVolume(b.ctx, request("pvc-1", 128, nil))
	b.refused(err, codes.AlreadyExists)
	odd := b.create(request("Any/Name ../at all", 64, nil))
	for _, id := range []string{first, odd, odd, "../" + odd} {
		_, err := b.DeleteVolume(b.ctx, &csi.DeleteVolumeRequest{VolumeId: id})
		check(t, err)
	}
	if left, _ := os.ReadDir(filepath.Join(string(b.state), "volumes")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestAVolumeIsFullAtItsSize(t *testing.T) {
	b := newBed(t)
	folder := b.node("a").use(b.create(request("pvc-1", 32, nil)), "xfs")
	if err := os.WriteFile(filepath.Join(folder, "big"), make([]byte, 40*mebi), 0o644); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("want no space left, got %v", err)
	}
}

func TestAVolumeIsUsedOnOneNodeOnly(t *testing.T) {
	b := newBed(t)
	v := b.create(request("pvc-1", 64, nil))
	publish := func(node string) error {
		_, err := b.ControllerPublishVolume(b.ctx, &csi.ControllerPublishVolumeRequest{VolumeId: v, NodeId: node, VolumeCapability: capability("xfs")})
		return err
	}
	check(t, publish("a"))
	check(t, publish("a"))
	b.refused(publish("b"), codes.FailedPrecondition)
	n := b.node("b")
	_, err := n.NodeStageVolume(b.ctx, &csi.NodeStageVolumeRequest{VolumeId: v, StagingTargetPath: n.staging(v), VolumeCapability: capability("xfs")})
	b.refused(err, codes.FailedPrecondition)
	_, err = b.DeleteVolume(b.ctx, &csi.DeleteVolumeRequest{VolumeId: v})
	b.refused(err, codes.FailedPrecondition)
	(&testNode{bed: b, name: "a"}).detach(v)
	check(t, publish("b"))
}

func TestDataTravelsWithAVolumeToAnotherNode(t *testing.T) {
	for _, fs := range []string{"xfs", "ext4"} {
		t.Run(fs, func(t *testing.T) {
			b := newBed(t)
			x, y := b.node("a"), b.node("b")
			v := b.create(request("pvc-1", 64, nil))
			check(t, os.WriteFile(filepath.Join(x.use(v, fs), "file"), []byte("kept"), 0o644))
			x.use(v, fs) // again, as a kubelet that restarted
			before, err := os.Stat(b.state.image(v))
			check(t, err)
			x.unmount(v)
			x.unmount(v)
			x.detach(v)
			after, err := os.Stat(b.state.image(v))
			check(t, err)
			if !os.SameFile(before, after) {
				t.Error("fenced, though nobody had it mounted")
			}
			data, err := os.ReadFile(filepath.Join(y.use(v, fs), "file"))
			check(t, err)
			if string(data) != "kept" {
				t.Errorf("%q", data)
			}
		})
	}
}

func TestALostNodeIsFencedOffByUnpublish(t *testing.T) {
	b := newBed(t)
	x, y := b.node("a"), b.node("b")
	v := b.create(request("pvc-1", 64, nil))
	old := x.use(v, "xfs")
	write := func(folder, name string) {
		t.Helper()
		f, err := os.Create(filepath.Join(folder, name))
		check(t, err)
		_, err = f.WriteString(name)
		check(t, errors.Join(err, f.Sync(), f.Close()))
	}
	write(old, "before")
	x.detach(v) // still mounted on a
	taken := y.use(v, "xfs")
	write(old, "lost")
	write(taken, "after")
	x.unmount(v)
	for name, want := range map[string]bool{"before": true, "lost": false, "after": true} {
		if _, err := os.Stat(filepath.Join(taken, name)); (err == nil) != want {
			t.Errorf("%s: there is %v", name, err == nil)
		}
	}
	y.unmount(v)
	y.detach(v)
	x.use(v, "xfs")
}

func TestAFencedNodeThatComesBackSeesTheNewData(t *testing.T) {
	b := newBed(t)
	x, y := b.node("a"), b.node("b")
	v := b.create(request("pvc-1", 64, nil))
	x.use(v, "xfs")
	x.detach(v)
	check(t, os.WriteFile(filepath.Join(y.use(v, "xfs"), "new"), nil, 0o644))
	y.unmount(v)
	y.detach(v)
	// Never unmounted on a: staging and target still show the old inode.
	if _, err := os.Stat(filepath.Join(x.use(v, "xfs"), "new")); err != nil {
		t.Error(err)
	}
}

func TestACloneOfAVolumeInUseMayBeLarger(t *testing.T) {
	for _, fs := range []string{"xfs", "ext4"} {
		t.Run(fs, func(t *testing.T) {
			b := newBed(t)
			n := b.node("a")
			v := b.create(request("pvc-1", 64, nil))
			check(t, os.WriteFile(filepath.Join(n.use(v, fs), "file"), []byte("kept"), 0o644))
			r := request("pvc-2", 32, nil)
			r.VolumeContentSource = &csi.VolumeContentSource{Type: &csi.VolumeContentSource_Volume{
				Volume: &csi.VolumeContentSource_VolumeSource{VolumeId: v},
			}}
			_, err := b.CreateVolume(b.ctx, r)
			b.refused(err, codes.OutOfRange)
			r.CapacityRange.RequiredBytes = 192 * mebi
			folder := n.use(b.create(r), fs)
			data, err := os.ReadFile(filepath.Join(folder, "file"))
			check(t, err)
			if got := size(t, folder); string(data) != "kept" || got < 110*mebi {
				t.Errorf("%q, %d bytes", data, got)
			}
		})
	}
}

func (n *testNode) expand(volume string, mebibytes int64) error {
	_, err := n.ControllerExpandVolume(n.ctx, &csi.ControllerExpandVolumeRequest{
		VolumeId: volume, CapacityRange: &csi.CapacityRange{RequiredBytes: mebibytes * mebi}, VolumeCapability: capability(""),
	})
	return err
}

func TestXfsGrowsUnderItsWriter(t *testing.T) {
	b := newBed(t)
	n := b.node("a")
	v := b.create(request("pvc-1", 64, nil))
	folder := n.use(v, "xfs")
	w := b.roundRobin(folder)
	for range 2 {
		check(t, n.expand(v, 256))
		_, err := n.NodeExpandVolume(b.ctx, &csi.NodeExpandVolumeRequest{VolumeId: v, VolumePath: folder})
		check(t, err)
	}
	w.stop()
	if got := size(t, folder); got < 170*mebi {
		t.Errorf("%d bytes", got)
	}
	check(t, n.expand(v, 32)) // smaller: a repeated, older call; nothing happens
	if s, err := os.Stat(b.state.image(v)); err != nil || s.Size() != 256*mebi {
		t.Errorf("shrunk to %d: %v", s.Size(), err)
	}
}

func TestExt4GrowsOnlyWhenNobodyUsesIt(t *testing.T) {
	b := newBed(t)
	n := b.node("a")
	v := b.create(request("pvc-1", 64, nil))
	n.use(v, "ext4")
	b.refused(n.expand(v, 128), codes.FailedPrecondition)
	n.unmount(v)
	n.detach(v)
	check(t, n.expand(v, 128))
	if got := size(t, n.use(v, "ext4")); got < 90*mebi {
		t.Errorf("%d bytes", got)
	}
}

func places(nodes ...string) *csi.TopologyRequirement {
	r := new(csi.TopologyRequirement)
	for _, n := range nodes {
		r.Requisite = append(r.Requisite, &csi.Topology{Segments: map[string]string{zoneKey: "zone-of-" + n, "topology.test.csi/node": n}})
	}
	r.Preferred = r.Requisite[len(nodes)-1:]
	return r
}

func TestAVolumeLiesWhereItsAccessSays(t *testing.T) {
	b := newBed(t)
	for access, want := range map[string]string{"shared": "", "zone": "zone-of-b", "node": "b"} {
		r := request("pvc-"+access, 64, map[string]string{"access": access})
		r.AccessibilityRequirements = places("a", "b")
		reply, err := b.CreateVolume(b.ctx, r)
		check(t, err)
		got := ""
		for _, p := range reply.Volume.AccessibleTopology {
			for _, at := range p.Segments {
				got += at
			}
		}
		if got != want {
			t.Errorf("%s: %q", access, got)
		}
	}
	_, err := b.ControllerPublishVolume(b.ctx, &csi.ControllerPublishVolumeRequest{VolumeId: "pvc-node", NodeId: "a", VolumeCapability: capability("xfs")})
	b.refused(err, codes.FailedPrecondition)
	info, err := b.node("b").NodeGetInfo(b.ctx, &csi.NodeGetInfoRequest{})
	check(t, err)
	if s := info.AccessibleTopology.Segments; s[zoneKey] != "zone-of-b" || s["topology.test.csi/node"] != "b" {
		t.Errorf("%v", s)
	}
	s := b.snapshot("snapshot-1", "pvc-node", nil)
	r := fromSnapshot("pvc-4", s.SnapshotId, 64)
	r.Parameters, r.AccessibilityRequirements = map[string]string{"access": "node"}, places("a")
	_, err = b.CreateVolume(b.ctx, r)
	b.refused(err, codes.ResourceExhausted)
	r.AccessibilityRequirements = places("b", "a")
	b.create(r)
}

func TestAMisspeltParameterIsRefused(t *testing.T) {
	b := newBed(t)
	for key, value := range map[string]string{"provisiondelay": "1s", "access": "zonal", "failCreate": "Unavailable", "provisionDelay": "soon"} {
		_, err := b.CreateVolume(b.ctx, request("pvc-1", 64, map[string]string{key: value}))
		b.refused(err, codes.InvalidArgument)
	}
}

func TestASlowVolumeComesThoughItsCallerIsImpatient(t *testing.T) {
	b := newBed(t)
	start := time.Now()
	r := request("pvc-1", 64, map[string]string{"provisionDelay": "400ms", "failCreate": "ResourceExhausted:2"})
	// Each call is given up before the delay is over: one that counted from each would never end.
	timeouts := 0
	for {
		ctx, cancel := context.WithTimeout(b.ctx, 350*time.Millisecond)
		_, err := b.CreateVolume(ctx, r)
		cancel()
		if err == nil {
			break
		}
		if status.Code(err) != codes.ResourceExhausted {
			timeouts++
		}
	}
	took := time.Since(start)
	// By the log: a failure may come too late for its caller.
	failures := 0
	for _, c := range b.calls("CreateVolume") {
		if strings.Contains(c.Error, "asked for by the class") {
			failures++
		}
	}
	if took < 400*time.Millisecond || timeouts == 0 || failures != 2 {
		t.Errorf("%v, %d timeouts, %d failures", took, timeouts, failures)
	}
}

func TestOneWriterMeansOneTarget(t *testing.T) {
	b := newBed(t)
	n := b.node("a")
	v := b.create(request("pvc-1", 64, nil))
	n.use(v, "xfs")
	c := capability("xfs")
	c.AccessMode.Mode = csi.VolumeCapability_AccessMode_SINGLE_NODE_SINGLE_WRITER
	_, err := n.NodePublishVolume(b.ctx, &csi.NodePublishVolumeRequest{
		VolumeId: v, StagingTargetPath: n.staging(v), TargetPath: filepath.Join(n.dir, "a", "pods", "other"), VolumeCapability: c,
	})
	b.refused(err, codes.FailedPrecondition)
}

func TestManyVolumesAreMountedAtOnce(t *testing.T) {
	b := newBed(t)
	n := b.node("a")
	var all sync.WaitGroup
	for _, name := range []string{"pvc-1", "pvc-2", "pvc-3", "pvc-4", "pvc-5", "pvc-6"} {
		all.Go(func() {
			v := b.create(request(name, 32, nil))
			if err := os.WriteFile(filepath.Join(n.use(v, "xfs"), "name"), []byte(name), 0o644); err != nil {
				t.Error(err)
			}
			n.unmount(v)
			data, err := os.ReadFile(filepath.Join(n.use(v, "xfs"), "name"))
			if err != nil || string(data) != name {
				t.Errorf("%s holds %q, %v", name, data, err)
			}
		})
	}
	all.Wait()
}
