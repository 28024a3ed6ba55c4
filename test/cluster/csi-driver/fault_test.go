package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	registerapi "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

func TestALostReplyAndARetryGiveTheSameThing(t *testing.T) {
	b := newBed(t)
	b.fault("CreateVolume", `{"code":"DeadlineExceeded","count":1,"after":true}`)
	_, err := b.CreateVolume(b.ctx, request("pvc-1", 64, nil))
	b.refused(err, codes.DeadlineExceeded)
	made, err := os.Stat(b.state.image("pvc-1"))
	check(t, err)
	v := b.create(request("pvc-1", 64, nil))
	if again, err := os.Stat(b.state.image(v)); err != nil || !os.SameFile(made, again) {
		t.Error("made twice")
	}
	b.fault("CreateSnapshot", `{"code":"Unavailable","count":1,"after":true}`)
	_, err = b.CreateSnapshot(b.ctx, &csi.CreateSnapshotRequest{Name: "snapshot-1", SourceVolumeId: v})
	b.refused(err, codes.Unavailable)
	returned := time.Now()
	if s := b.snapshot("snapshot-1", v, nil); !s.CreationTime.AsTime().Before(returned) {
		t.Error("cut twice")
	}
}

func TestAFaultStrikesAsOftenAsItSays(t *testing.T) {
	b := newBed(t)
	b.fault("DeleteVolume", `{"code":"Unavailable","count":5}`)
	var struck atomic.Int32
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := b.DeleteVolume(b.ctx, &csi.DeleteVolumeRequest{VolumeId: "none"}); err != nil {
				struck.Add(1)
			}
		})
	}
	all.Wait()
	if _, err := os.Stat(b.state.record("faults", "DeleteVolume")); struck.Load() != 5 || err == nil {
		t.Errorf("%d times; file there: %v", struck.Load(), err == nil)
	}
}

func TestAFaultStrikesWhereItIsMeantTo(t *testing.T) {
	b := newBed(t)
	b.fault("CreateVolume", `{"code":"Internal","match":"pvc-2"}`)
	b.create(request("pvc-1", 64, nil))
	for range 3 { // without a count it stays
		_, err := b.CreateVolume(b.ctx, request("pvc-2", 64, nil))
		b.refused(err, codes.Internal)
	}
	b.fault("CreateVolume", `{"code":"Internal","mat`)
	b.create(request("pvc-2", 64, nil))
	b.fault("NodeGetInfo", `{"code":"Internal","node":"b"}`)
	_, err := b.node("a").NodeGetInfo(b.ctx, &csi.NodeGetInfoRequest{})
	check(t, err)
	_, err = b.node("b").NodeGetInfo(b.ctx, &csi.NodeGetInfoRequest{})
	b.refused(err, codes.Internal)
	b.fault("DeleteVolume", `{"delay":"200ms","count":1}`)
	start := time.Now()
	_, err = b.DeleteVolume(b.ctx, &csi.DeleteVolumeRequest{VolumeId: "pvc-1"})
	check(t, err)
	if time.Since(start) < 200*time.Millisecond {
		t.Error("not delayed")
	}
}

func (b *bed) calls(rpc string) (all []call) {
	b.Helper()
	data, err := os.ReadFile(b.logFile)
	check(b, err)
	for line := range strings.Lines(string(data)) {
		var c call
		check(b, json.Unmarshal([]byte(line), &c))
		if c.RPC == rpc {
			all = append(all, c)
		}
	}
	return all
}

func TestTheLogTellsEachCutToTheNanosecondAndNoSecret(t *testing.T) {
	b := newBed(t)
	n := b.node("a")
	x, y := b.create(request("pvc-x", 64, nil)), b.create(request("pvc-y", 64, nil))
	n.use(x, "xfs")
	n.use(y, "xfs")
	_, err := b.groups.CreateVolumeGroupSnapshot(b.ctx, &csi.CreateVolumeGroupSnapshotRequest{
		Name: "group-1", SourceVolumeIds: []string{x, y}, Secrets: map[string]string{"key": "canary"},
		Parameters: map[string]string{"memberDelay": "10ms"},
	})
	check(t, err)
	_, err = b.CreateSnapshot(b.ctx, &csi.CreateSnapshotRequest{Name: "snapshot-1", SourceVolumeId: "gone", Secrets: map[string]string{"key": "canary"}})
	b.refused(err, codes.NotFound)
	logged := b.calls("CreateVolumeGroupSnapshot")[0]
	if len(logged.Cuts) != 2 || logged.Code != "OK" || logged.Ms < 10 || !strings.Contains(string(logged.Reply), "group-1") {
		t.Fatalf("%+v", logged)
	}
	one, two := logged.Cuts[0], logged.Cuts[1]
	frozen, thawed := max(one.FrozenNs, two.FrozenNs), min(one.ThawNs, two.ThawNs)
	for _, c := range logged.Cuts {
		moments := []int64{logged.Time.UnixNano(), c.FreezeNs, c.FrozenNs, frozen, c.CutNs, c.DoneNs, thawed, c.ThawNs}
		if !slices.IsSorted(moments) {
			t.Errorf("out of order: %v", moments)
		}
	}
	if c := b.calls("CreateSnapshot")[0]; c.Code != "NotFound" || c.Error == "" {
		t.Errorf("%+v", c)
	}
	if data, _ := os.ReadFile(b.logFile); strings.Contains(string(data), "canary") {
		t.Error("a secret is in the log")
	}
}

func TestANodeRegistersItselfAndTakesItsSocketsAlong(t *testing.T) {
	b := newBed(t)
	l, err := openLog(b.logFile)
	check(t, err)
	d := &driver{name: "test.csi", nodeID: "a", kubeletDir: b.dir, state: b.state, log: l, pace: newPacer()}
	ctx, stop := context.WithCancel(b.ctx)
	done := make(chan error)
	socket := filepath.Join(b.dir, "csi.sock")
	go func() { done <- d.runNode(ctx, "unix://"+socket, b.dir) }()
	connection, err := grpc.NewClient("unix://"+filepath.Join(b.dir, "test.csi-reg.sock"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(t, err)
	info, err := registerapi.NewRegistrationClient(connection).GetInfo(b.ctx, &registerapi.InfoRequest{}, grpc.WaitForReady(true))
	check(t, err)
	if info.Type != "CSIPlugin" || info.Name != "test.csi" || info.Endpoint != socket {
		t.Errorf("%v", info)
	}
	stop()
	check(t, <-done)
	if left, _ := filepath.Glob(filepath.Join(b.dir, "*.sock")); len(left) != 1 { // the controller's
		t.Errorf("left: %v", left)
	}
}
