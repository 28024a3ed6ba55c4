package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
)

func TestASnapshotIsOnePointInTimeUnderAWriter(t *testing.T) {
	for _, freeze := range []string{"true", "false"} {
		t.Run("freeze="+freeze, func(t *testing.T) {
			b := newBed(t)
			n := b.node("a")
			v := b.create(request("pvc-1", 64, nil))
			f, err := os.Create(filepath.Join(n.use(v, "xfs"), "lines"))
			check(t, err)
			var written atomic.Int64
			stop, stopped := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(stopped)
				for i := int64(0); ; i++ {
					select {
					case <-stop:
						return
					default:
						fmt.Fprintln(f, i)
						f.Sync()
						written.Store(i + 1)
					}
				}
			}()
			for written.Load() < 50 {
				time.Sleep(time.Millisecond)
			}
			before := written.Load()
			s := b.snapshot("snapshot-1", v, map[string]string{"freeze": freeze})
			after := written.Load()
			for written.Load() < after+50 {
				time.Sleep(time.Millisecond)
			}
			close(stop)
			<-stopped
			data, err := os.ReadFile(filepath.Join(n.use(b.create(fromSnapshot("pvc-2", s.SnapshotId, 64)), "xfs"), "lines"))
			check(t, err)
			lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
			for i, line := range lines {
				if line != fmt.Sprint(i) {
					t.Fatalf("line %d is %q: a gap", i, line)
				}
			}
			if got := int64(len(lines)); got < before || got > after+1 {
				t.Errorf("%d lines, not between %d before and %d after", got, before, after)
			}
		})
	}
}

// cutGroups cuts groups under a round-robin writer and reads each back. The writer
// goes on for some rounds between two members, where it can.
func cutGroups(t *testing.T, groups int, between uint64, params map[string]string) (numbers [][]uint64) {
	b := newBed(t)
	n := b.node("a")
	var volumes, folders []string
	for i := range 3 {
		v := b.create(request(fmt.Sprintf("pvc-%d", i), 64, nil))
		volumes, folders = append(volumes, v), append(folders, n.use(v, "xfs"))
	}
	w := b.roundRobin(folders...)
	b.paused = func() { w.more(between) }
	var cuts []*csi.VolumeGroupSnapshot
	for i := range groups {
		w.more(1)
		g, err := b.groupSnapshot(fmt.Sprintf("group-%d", i), params, volumes...)
		check(t, err)
		cuts = append(cuts, g)
	}
	w.stop()
	t.Logf("%d rounds written", w.rounds.Load())
	for i, g := range cuts {
		var got []uint64
		for j, s := range g.Snapshots {
			if s.SourceVolumeId != volumes[j] {
				t.Fatal("members are not in the order asked for")
			}
			v := b.create(fromSnapshot(fmt.Sprintf("restored-%d-%d", i, j), s.SnapshotId, 64))
			got = append(got, b.readNumber(n.use(v, "xfs")))
			n.unmount(v)
		}
		numbers = append(numbers, got)
	}
	return numbers
}

func holds(n []uint64) bool { return n[0] >= n[1] && n[1] >= n[2] && n[2]+1 >= n[0] }

func TestAnAtomicGroupKeepsTheOrderOfWritesAcrossVolumes(t *testing.T) {
	for _, n := range cutGroups(t, 5, 0, map[string]string{"memberDelay": "20ms"}) {
		if !holds(n) || n[0] == 0 {
			t.Errorf("%v: no moment looked like this", n)
		}
	}
}

func TestASequentialGroupBreaksTheOrderOfWrites(t *testing.T) {
	// The first member has at most one round more than are whole: after two, the second has more.
	for _, n := range cutGroups(t, 2, 2, map[string]string{"mode": "sequential"}) {
		if holds(n) {
			t.Errorf("%v: as if it were atomic", n)
		}
	}
}

func TestEveryVolumeIsThawedWhenOneCloneFails(t *testing.T) {
	for _, mode := range []string{"atomic", "sequential"} {
		t.Run(mode, func(t *testing.T) {
			b := newBed(t)
			n := b.node("a")
			x, y := b.create(request("pvc-x", 64, nil)), b.create(request("pvc-y", 64, nil))
			w := b.roundRobin(n.use(x, "xfs"), n.use(y, "xfs"))
			params := map[string]string{"mode": mode, "failCut": "Internal:2"}
			for range 2 {
				_, err := b.groupSnapshot("group-1", params, x, y)
				b.refused(err, codes.Internal)
				all, err := b.ListSnapshots(b.ctx, &csi.ListSnapshotsRequest{})
				check(t, err)
				left, _ := filepath.Glob(filepath.Join(string(b.state), "volumes", "*.snap"))
				if len(all.Entries)+len(left) > 0 {
					t.Error("a group that failed left members")
				}
			}
			w.more(1) // fails where the writer stands still
			w.stop()
			_, err := b.groupSnapshot("group-1", params, x, y)
			check(t, err)
		})
	}
}

func TestAVolumeFrozenByAKilledControllerIsThawedByTheNext(t *testing.T) {
	b := newBed(t)
	n := b.node("a")
	folder := n.use(b.create(request("pvc-1", 64, nil)), "xfs")
	_, err := (&driver{state: b.state, log: &rpcLog{}}).freeze(folder)
	check(t, err)
	stopped := make(chan uint64)
	go func() {
		w := b.roundRobin(folder)
		w.stop()
		stopped <- w.rounds.Load()
	}()
	select {
	case <-stopped:
		t.Error("a frozen volume was written to")
	case <-time.After(100 * time.Millisecond):
	}
	check(t, thawAll(b.state))
	<-stopped
}

func TestACutWhoseFreezeSomebodyElseLiftedFails(t *testing.T) {
	b := newBed(t)
	n := b.node("a")
	x, y := b.create(request("pvc-x", 64, nil)), b.create(request("pvc-y", 64, nil))
	w := b.roundRobin(n.use(x, "xfs"), n.use(y, "xfs"))
	b.paused = func() {
		if err := thawAll(b.state); err != nil {
			t.Error(err)
		}
		w.more(1)
	}
	_, err := b.groupSnapshot("group-1", nil, x, y)
	b.refused(err, codes.Aborted)
	w.stop()
}

func TestTheDriverNeverFreezesItsOwnLog(t *testing.T) {
	b := newBed(t)
	n := b.node("a")
	folder := n.use(b.create(request("pvc-1", 64, nil)), "xfs")
	l, err := openLog(filepath.Join(folder, "log"))
	check(t, err)
	if _, err := (&driver{state: b.state, log: l}).freeze(folder); err == nil {
		t.Error("frozen")
	}
}

func TestASnapshotIsMadeOnceUnderItsNameAndBelongsToItsVolume(t *testing.T) {
	b := newBed(t)
	v, w := b.create(request("pvc-1", 64, nil)), b.create(request("pvc-2", 64, nil))
	one, two := b.snapshot("snapshot-1", v, nil), b.snapshot("snapshot-1", v, nil)
	if one.SnapshotId != two.SnapshotId || !one.CreationTime.AsTime().Equal(two.CreationTime.AsTime()) {
		t.Error("cut twice")
	}
	_, err := b.CreateSnapshot(b.ctx, &csi.CreateSnapshotRequest{Name: "snapshot-1", SourceVolumeId: w})
	b.refused(err, codes.AlreadyExists)
	_, err = b.CreateSnapshot(b.ctx, &csi.CreateSnapshotRequest{Name: "snapshot-2", SourceVolumeId: "gone"})
	b.refused(err, codes.NotFound)
	for range 2 {
		_, err := b.DeleteSnapshot(b.ctx, &csi.DeleteSnapshotRequest{SnapshotId: one.SnapshotId})
		check(t, err)
	}
	_, err = b.CreateVolume(b.ctx, fromSnapshot("pvc-3", one.SnapshotId, 64))
	b.refused(err, codes.NotFound)
}

func TestASlowCutASlowReplyAndALateReadyAreThreeThings(t *testing.T) {
	b := newBed(t)
	v := b.create(request("pvc-1", 64, nil))
	delays := map[string]string{"cutDelay": "200ms", "replyDelay": "300ms", "readyAfter": "1h"}
	asked := time.Now()
	s := b.snapshot("snapshot-1", v, delays)
	replied := time.Now()
	if cut := s.CreationTime.AsTime(); cut.Sub(asked) < 200*time.Millisecond || replied.Sub(cut) < 300*time.Millisecond || s.ReadyToUse {
		t.Errorf("cut after %v, reply %v later, ready %v", cut.Sub(asked), replied.Sub(cut), s.ReadyToUse)
	}
	_, err := b.CreateVolume(b.ctx, fromSnapshot("pvc-2", s.SnapshotId, 64))
	b.refused(err, codes.Unavailable)
	late := b.snapshot("snapshot-2", v, map[string]string{"readyAfter": "200ms"})
	time.Sleep(time.Until(late.CreationTime.AsTime().Add(200 * time.Millisecond)))
	got, err := b.GetSnapshot(b.ctx, &csi.GetSnapshotRequest{SnapshotId: late.SnapshotId})
	check(t, err)
	if !got.Snapshot.ReadyToUse {
		t.Error("never ready")
	}
	b.create(fromSnapshot("pvc-2", late.SnapshotId, 64))
}

func TestAGroupIsMadeOnceAndItsMembersGoWithIt(t *testing.T) {
	b := newBed(t)
	x, y := b.create(request("pvc-x", 64, nil)), b.create(request("pvc-y", 64, nil))
	g, err := b.groupSnapshot("group-1", nil, x, y)
	check(t, err)
	again, err := b.groupSnapshot("group-1", nil, y, x)
	check(t, err)
	if g.GroupSnapshotId != again.GroupSnapshotId || !g.CreationTime.AsTime().Equal(again.CreationTime.AsTime()) {
		t.Error("cut twice")
	}
	_, err = b.groupSnapshot("group-1", nil, x)
	b.refused(err, codes.AlreadyExists)
	_, err = b.groupSnapshot("group-2", map[string]string{"freeze": "false"}, x, y)
	b.refused(err, codes.InvalidArgument)
	member := g.Snapshots[0].SnapshotId
	_, err = b.DeleteSnapshot(b.ctx, &csi.DeleteSnapshotRequest{SnapshotId: member})
	b.refused(err, codes.InvalidArgument)
	for range 2 {
		_, err = b.groups.DeleteVolumeGroupSnapshot(b.ctx, &csi.DeleteVolumeGroupSnapshotRequest{GroupSnapshotId: g.GroupSnapshotId})
		check(t, err)
	}
	_, err = b.DeleteSnapshot(b.ctx, &csi.DeleteSnapshotRequest{SnapshotId: member})
	check(t, err)
	_, err = b.groups.GetVolumeGroupSnapshot(b.ctx, &csi.GetVolumeGroupSnapshotRequest{GroupSnapshotId: g.GroupSnapshotId})
	b.refused(err, codes.NotFound)
}

func TestPagesOfSnapshotsHoldEachOnce(t *testing.T) {
	b := newBed(t)
	v := b.create(request("pvc-1", 64, nil))
	for i := range 5 {
		b.snapshot(fmt.Sprintf("snapshot-%d", i), v, nil)
	}
	var got []string
	token := ""
	for {
		page, err := b.ListSnapshots(b.ctx, &csi.ListSnapshotsRequest{MaxEntries: 2, StartingToken: token})
		check(t, err)
		for _, e := range page.Entries {
			got = append(got, e.Snapshot.SnapshotId)
		}
		if token = page.NextToken; token == "" {
			break
		}
	}
	if want := []string{"snapshot-0", "snapshot-1", "snapshot-2", "snapshot-3", "snapshot-4"}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}
