package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

type groups struct {
	csi.UnimplementedGroupControllerServer
	*driver
}

// group is what is known of a group snapshot: it exists when all members do.
type group struct {
	ID      string    `json:"id"`
	Sources []string  `json:"sources"` // sorted
	Members []string  `json:"members"`
	Created time.Time `json:"created"`
}

func (d groups) GroupControllerGetCapabilities(context.Context, *csi.GroupControllerGetCapabilitiesRequest) (*csi.GroupControllerGetCapabilitiesResponse, error) {
	return &csi.GroupControllerGetCapabilitiesResponse{Capabilities: []*csi.GroupControllerServiceCapability{{
		Type: &csi.GroupControllerServiceCapability_Rpc{Rpc: &csi.GroupControllerServiceCapability_RPC{
			Type: csi.GroupControllerServiceCapability_RPC_CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT,
		}},
	}}}, nil
}

func (d groups) CreateVolumeGroupSnapshot(ctx context.Context, req *csi.CreateVolumeGroupSnapshotRequest) (*csi.CreateVolumeGroupSnapshotResponse, error) {
	sources := slices.Sorted(slices.Values(req.SourceVolumeIds))
	if req.Name == "" || len(sources) == 0 || len(slices.Compact(slices.Clone(sources))) != len(sources) {
		return nil, status.Error(codes.InvalidArgument, "name or source volumes are missing, or a volume is named twice")
	}
	params, err := parseCutParams(req.Parameters, true)
	if err != nil {
		return nil, err
	}
	id := idOf(req.Name)
	params.key = "cut of group " + id
	unlock, err := d.state.lock(ctx, "groups."+id)
	if err != nil {
		return nil, err
	}
	defer unlock()
	g, err := load[group](d.state, "groups", id)
	if err != nil {
		return nil, err
	}
	if g != nil && !slices.Equal(g.Sources, sources) {
		return nil, status.Errorf(codes.AlreadyExists, "group snapshot %s exists, of other volumes", req.Name)
	}
	if g == nil {
		if err := d.pace.wait(ctx, params.key, params.cutDelay); err != nil {
			return nil, err
		}
		if g, err = d.cutGroup(ctx, id, sources, req.SourceVolumeIds, params); err != nil {
			return nil, err
		}
		d.pace.done(params.key)
	}
	if err := sleep(ctx, time.Until(g.Created.Add(params.replyDelay))); err != nil {
		return nil, err
	}
	message, err := d.message(g)
	return &csi.CreateVolumeGroupSnapshotResponse{GroupSnapshot: message}, err
}

// cutGroup cuts all or none. Mode sequential is the driver that promises a
// consistent group and does not give one: its replies look the same.
func (d groups) cutGroup(ctx context.Context, id string, sorted, asked []string, p cutParams) (g *group, err error) {
	cuts := make([]*cut, len(asked))
	for i, source := range asked {
		member := memberID(id, source)
		cuts[i] = &cut{Volume: source, To: member, image: d.state.snapshotImage(member)}
	}
	g = &group{ID: id, Sources: sorted}
	defer func() {
		for _, c := range cuts {
			if err != nil {
				d.dropSnapshot(c.To)
			}
		}
	}()
	if p.sequential {
		for i, c := range cuts {
			one := p
			if i < len(cuts)-1 {
				one.failCut = failures{}
			}
			if err := d.cutTogether(ctx, []*cut{c}, one); err != nil {
				return nil, err
			}
			if i < len(cuts)-1 {
				if err := d.between(ctx, p.memberDelay); err != nil {
					return nil, err
				}
			}
		}
	} else if err := d.cutTogether(ctx, cuts, p); err != nil {
		return nil, err
	}
	g.Created = time.Unix(0, cuts[0].CutNs)
	for _, c := range cuts {
		created := g.Created
		if p.sequential {
			created = time.Unix(0, c.CutNs)
		}
		if _, err := d.saveSnapshot(c, id, created, p); err != nil {
			return nil, err
		}
		g.Members = append(g.Members, c.To)
	}
	// The record of the group comes last; until then it is cut anew when asked again.
	return g, d.state.save("groups", id, g)
}

// memberID is the same whenever the group is cut again under its name.
func memberID(group, source string) string {
	sum := sha256.Sum256([]byte(group + "/" + source))
	return "member-" + hex.EncodeToString(sum[:16])
}

func (d groups) message(g *group) (*csi.VolumeGroupSnapshot, error) {
	m := &csi.VolumeGroupSnapshot{GroupSnapshotId: g.ID, CreationTime: timestamppb.New(g.Created), ReadyToUse: true}
	for _, id := range g.Members {
		s, err := load[snapshot](d.state, "snapshots", id)
		if err != nil {
			return nil, err
		}
		if s == nil {
			return nil, status.Errorf(codes.NotFound, "member %s of group %s is gone", id, g.ID)
		}
		m.Snapshots = append(m.Snapshots, s.message())
		m.ReadyToUse = m.ReadyToUse && s.ready()
	}
	return m, nil
}

func (d groups) DeleteVolumeGroupSnapshot(ctx context.Context, req *csi.DeleteVolumeGroupSnapshotRequest) (*csi.DeleteVolumeGroupSnapshotResponse, error) {
	if req.GroupSnapshotId == "" {
		return nil, status.Error(codes.InvalidArgument, "group snapshot id is missing")
	}
	unlock, err := d.state.lock(ctx, "groups."+req.GroupSnapshotId)
	if err != nil {
		return nil, err
	}
	defer unlock()
	g, err := load[group](d.state, "groups", req.GroupSnapshotId)
	if err != nil || g == nil {
		return &csi.DeleteVolumeGroupSnapshotResponse{}, err
	}
	// Members first: were the group gone first, nobody would know of the rest.
	for _, id := range g.Members {
		if err := d.dropSnapshot(id); err != nil {
			return nil, err
		}
	}
	return &csi.DeleteVolumeGroupSnapshotResponse{}, d.state.drop("groups", g.ID)
}

func (d groups) GetVolumeGroupSnapshot(_ context.Context, req *csi.GetVolumeGroupSnapshotRequest) (*csi.GetVolumeGroupSnapshotResponse, error) {
	g, err := load[group](d.state, "groups", req.GroupSnapshotId)
	if err != nil {
		return nil, err
	}
	if g == nil {
		return nil, status.Errorf(codes.NotFound, "no group snapshot %s", req.GroupSnapshotId)
	}
	for _, id := range req.SnapshotIds {
		if !slices.Contains(g.Members, id) {
			return nil, status.Errorf(codes.InvalidArgument, "snapshot %s is not in group %s", id, g.ID)
		}
	}
	message, err := d.message(g)
	return &csi.GetVolumeGroupSnapshotResponse{GroupSnapshot: message}, err
}
