package main

import (
	"context"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// snapshot is what is known of one; its image lies beside the volumes', since
// reflinks stay within a file system.
type snapshot struct {
	ID       string            `json:"id"`
	Source   string            `json:"source"`
	Group    string            `json:"group,omitempty"`
	Bytes    int64             `json:"bytes"`
	FsType   string            `json:"fsType"`
	Access   string            `json:"access"`
	Topology map[string]string `json:"topology,omitempty"`
	Created  time.Time         `json:"created"` // the cut
	ReadyAt  time.Time         `json:"readyAt"`
	Cut      cut               `json:"cut"`
}

func (s store) snapshotImage(id string) string {
	return filepath.Join(string(s), "volumes", id+".snap")
}

// saveSnapshot keeps a cut under its name, with the time it stands for.
func (d *driver) saveSnapshot(c *cut, group string, created time.Time, p cutParams) (*snapshot, error) {
	v := c.source
	s := &snapshot{
		ID: c.To, Source: v.ID, Group: group, Bytes: v.Bytes, FsType: v.FsType, Access: v.Access, Topology: v.Topology,
		Created: created, ReadyAt: created.Add(p.readyAfter), Cut: *c,
	}
	return s, d.state.save("snapshots", s.ID, s)
}

func (s *snapshot) ready() bool { return !time.Now().Before(s.ReadyAt) }

func (s *snapshot) message() *csi.Snapshot {
	return &csi.Snapshot{
		SnapshotId: s.ID, SourceVolumeId: s.Source, SizeBytes: s.Bytes, GroupSnapshotId: s.Group,
		CreationTime: timestamppb.New(s.Created), ReadyToUse: s.ready(),
	}
}

func (d controller) CreateSnapshot(ctx context.Context, req *csi.CreateSnapshotRequest) (*csi.CreateSnapshotResponse, error) {
	if req.Name == "" || req.SourceVolumeId == "" {
		return nil, status.Error(codes.InvalidArgument, "name or source volume is missing")
	}
	params, err := parseCutParams(req.Parameters, false)
	if err != nil {
		return nil, err
	}
	id := idOf(req.Name)
	params.key = "cut of " + id
	unlock, err := d.state.lock(ctx, "snapshots."+id)
	if err != nil {
		return nil, err
	}
	defer unlock()
	s, err := load[snapshot](d.state, "snapshots", id)
	if err != nil {
		return nil, err
	}
	if s != nil && s.Source != req.SourceVolumeId {
		return nil, status.Errorf(codes.AlreadyExists, "snapshot %s exists, of volume %s", req.Name, s.Source)
	}
	if s == nil {
		if err := d.pace.wait(ctx, params.key, params.cutDelay); err != nil {
			return nil, err
		}
		c := &cut{Volume: req.SourceVolumeId, To: id, image: d.state.snapshotImage(id)}
		if err := d.cutTogether(ctx, []*cut{c}, params); err != nil {
			return nil, err
		}
		if s, err = d.saveSnapshot(c, "", time.Unix(0, c.CutNs), params); err != nil {
			return nil, err
		}
		d.pace.done(params.key)
	}
	if err := sleep(ctx, time.Until(s.Created.Add(params.replyDelay))); err != nil {
		return nil, err
	}
	return &csi.CreateSnapshotResponse{Snapshot: s.message()}, nil
}

func (d controller) DeleteSnapshot(ctx context.Context, req *csi.DeleteSnapshotRequest) (*csi.DeleteSnapshotResponse, error) {
	if req.SnapshotId == "" {
		return nil, status.Error(codes.InvalidArgument, "snapshot id is missing")
	}
	unlock, err := d.state.lock(ctx, "snapshots."+req.SnapshotId)
	if err != nil {
		return nil, err
	}
	defer unlock()
	s, err := load[snapshot](d.state, "snapshots", req.SnapshotId)
	if err != nil || s == nil {
		return &csi.DeleteSnapshotResponse{}, err
	}
	if s.Group != "" {
		return nil, status.Errorf(codes.InvalidArgument, "snapshot %s belongs to group %s and goes with it", s.ID, s.Group)
	}
	return &csi.DeleteSnapshotResponse{}, d.dropSnapshot(s.ID)
}

func (d *driver) dropSnapshot(id string) error {
	if err := d.state.drop("snapshots", id); err != nil {
		return err
	}
	return removeIfThere(d.state.snapshotImage(id))
}

func (d controller) GetSnapshot(_ context.Context, req *csi.GetSnapshotRequest) (*csi.GetSnapshotResponse, error) {
	s, err := load[snapshot](d.state, "snapshots", req.SnapshotId)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, status.Errorf(codes.NotFound, "no snapshot %s", req.SnapshotId)
	}
	return &csi.GetSnapshotResponse{Snapshot: s.message()}, nil
}

// ListSnapshots pages by id: a token names the last one sent, so that what is
// created or deleted between two pages shifts nothing.
func (d controller) ListSnapshots(_ context.Context, req *csi.ListSnapshotsRequest) (*csi.ListSnapshotsResponse, error) {
	ids, err := d.state.ids("snapshots")
	if err != nil {
		return nil, err
	}
	if req.StartingToken != "" {
		if !plainName.MatchString(req.StartingToken) {
			return nil, status.Errorf(codes.Aborted, "no page %s", strconv.Quote(req.StartingToken))
		}
		at, found := slices.BinarySearch(ids, req.StartingToken)
		if found {
			at++
		}
		ids = ids[at:]
	}
	reply := new(csi.ListSnapshotsResponse)
	for _, id := range ids {
		s, err := load[snapshot](d.state, "snapshots", id)
		if err != nil {
			return nil, err
		}
		if s == nil || (req.SnapshotId != "" && s.ID != req.SnapshotId) || (req.SourceVolumeId != "" && s.Source != req.SourceVolumeId) {
			continue
		}
		if n := len(reply.Entries); req.MaxEntries > 0 && n == int(req.MaxEntries) {
			reply.NextToken = reply.Entries[n-1].Snapshot.SnapshotId
			break
		}
		reply.Entries = append(reply.Entries, &csi.ListSnapshotsResponse_Entry{Snapshot: s.message()})
	}
	return reply, nil
}
