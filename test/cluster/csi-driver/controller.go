package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	mebi         = 1 << 20
	minimumBytes = 16 * mebi // the least that mkfs.xfs makes
	defaultBytes = 1 << 30
)

type controller struct {
	csi.UnimplementedControllerServer
	*driver
}

func (d controller) ControllerGetCapabilities(context.Context, *csi.ControllerGetCapabilitiesRequest) (*csi.ControllerGetCapabilitiesResponse, error) {
	reply := new(csi.ControllerGetCapabilitiesResponse)
	for _, t := range []csi.ControllerServiceCapability_RPC_Type{
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_VOLUME,
		csi.ControllerServiceCapability_RPC_PUBLISH_UNPUBLISH_VOLUME,
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_SNAPSHOT,
		csi.ControllerServiceCapability_RPC_LIST_SNAPSHOTS,
		csi.ControllerServiceCapability_RPC_GET_SNAPSHOT,
		csi.ControllerServiceCapability_RPC_CLONE_VOLUME,
		csi.ControllerServiceCapability_RPC_EXPAND_VOLUME,
		csi.ControllerServiceCapability_RPC_SINGLE_NODE_MULTI_WRITER,
		csi.ControllerServiceCapability_RPC_MODIFY_VOLUME,
	} {
		reply.Capabilities = append(reply.Capabilities, &csi.ControllerServiceCapability{
			Type: &csi.ControllerServiceCapability_Rpc{Rpc: &csi.ControllerServiceCapability_RPC{Type: t}},
		})
	}
	return reply, nil
}

func (d controller) CreateVolume(ctx context.Context, req *csi.CreateVolumeRequest) (*csi.CreateVolumeResponse, error) {
	if req.Name == "" {
		return nil, status.Error(codes.InvalidArgument, "name is missing")
	}
	if err := supported(req.VolumeCapabilities); err != nil {
		return nil, err
	}
	params, err := parseVolumeParams(req.Parameters)
	if err != nil {
		return nil, err
	}
	id := idOf(req.Name)
	unlock, err := d.state.lock(ctx, "volumes."+id)
	if err != nil {
		return nil, err
	}
	defer unlock()
	from := origin{
		Volume:   req.GetVolumeContentSource().GetVolume().GetVolumeId(),
		Snapshot: req.GetVolumeContentSource().GetSnapshot().GetSnapshotId(),
	}
	have, err := load[volume](d.state, "volumes", id)
	if err != nil {
		return nil, err
	}
	if have != nil {
		limit := req.GetCapacityRange().GetLimitBytes()
		if have.Bytes < req.GetCapacityRange().GetRequiredBytes() || (limit > 0 && have.Bytes > limit) ||
			have.Origin != from || !maps.Equal(have.Params, req.Parameters) {
			return nil, status.Errorf(codes.AlreadyExists, "volume %s exists and is not the one asked for", req.Name)
		}
		return &csi.CreateVolumeResponse{Volume: have.message(req.GetVolumeContentSource())}, nil
	}
	if err := d.pace.wait(ctx, "volume "+id, params.provisionDelay); err != nil {
		return nil, err
	}
	if err := d.pace.fail("volume "+id, params.failCreate); err != nil {
		return nil, err
	}
	v := &volume{ID: id, Name: req.Name, Access: params.access, Origin: from, Params: req.Parameters, Mutable: req.MutableParameters}
	if err := d.fill(ctx, v, req); err != nil {
		return nil, err
	}
	if err := resizeImage(d.state.image(id), v.Bytes); err != nil {
		return nil, err
	}
	// The record comes last: before it, the image is nobody's and is made anew.
	if err := d.state.save("volumes", id, v); err != nil {
		return nil, err
	}
	d.pace.done("volume " + id)
	return &csi.CreateVolumeResponse{Volume: v.message(req.GetVolumeContentSource())}, nil
}

// fill makes the image, empty or a copy, and sets size and place of the volume.
func (d controller) fill(ctx context.Context, v *volume, req *csi.CreateVolumeRequest) (err error) {
	var least int64
	var bound map[string]string
	switch {
	case v.Origin.Snapshot != "":
		s, err := load[snapshot](d.state, "snapshots", v.Origin.Snapshot)
		if err != nil {
			return err
		}
		if s == nil {
			return status.Errorf(codes.NotFound, "no snapshot %s", v.Origin.Snapshot)
		}
		if !s.ready() {
			return status.Errorf(codes.Unavailable, "snapshot %s is not ready to use", s.ID)
		}
		least, v.FsType = s.Bytes, s.FsType
		if s.Access == "node" {
			bound = s.Topology // as local disks; those of zones are kept for the region
		}
	case v.Origin.Volume != "":
		source, err := load[volume](d.state, "volumes", v.Origin.Volume)
		if err != nil {
			return err
		}
		if source == nil {
			return status.Errorf(codes.NotFound, "no volume %s", v.Origin.Volume)
		}
		least, bound = source.Bytes, source.Topology
	}
	if v.Bytes, err = sizeFor(req.CapacityRange, least); err != nil {
		return err
	}
	if v.Topology, err = d.place(v.Access, req.AccessibilityRequirements, bound); err != nil {
		return err
	}
	switch {
	case v.Origin.Snapshot != "":
		err := clone(d.state.snapshotImage(v.Origin.Snapshot), d.state.image(v.ID))
		if errors.Is(err, os.ErrNotExist) {
			return status.Errorf(codes.NotFound, "no snapshot %s", v.Origin.Snapshot)
		}
		return err
	case v.Origin.Volume != "":
		c := &cut{Volume: v.Origin.Volume, To: v.ID, image: d.state.image(v.ID)}
		if err := d.cutTogether(ctx, []*cut{c}, cutParams{freeze: true}); err != nil {
			return err
		}
		v.FsType = c.source.FsType
		if c.source.Bytes > v.Bytes { // grew between our look and the cut
			return status.Errorf(codes.Aborted, "volume %s is growing", c.Volume)
		}
		return nil
	}
	return removeIfThere(d.state.image(v.ID)) // left by a call that did not get to its record
}

func (v *volume) message(source *csi.VolumeContentSource) *csi.Volume {
	return &csi.Volume{VolumeId: v.ID, CapacityBytes: v.Bytes, ContentSource: source, AccessibleTopology: topologyOf(v.Topology)}
}

// sizeFor is a size in whole MiB, or OutOfRange.
func sizeFor(r *csi.CapacityRange, least int64) (int64, error) {
	bytes := r.GetRequiredBytes()
	if bytes == 0 {
		bytes = least
	}
	if bytes == 0 {
		bytes = defaultBytes
		if r.GetLimitBytes() > 0 {
			bytes = min(bytes, r.GetLimitBytes()/mebi*mebi)
		}
	}
	bytes = (max(bytes, minimumBytes) + mebi - 1) / mebi * mebi
	if bytes < least {
		return 0, status.Errorf(codes.OutOfRange, "%d bytes asked for, the source has %d", bytes, least)
	}
	if r.GetLimitBytes() > 0 && bytes > r.GetLimitBytes() {
		return 0, status.Errorf(codes.OutOfRange, "%d bytes are more than the limit of %d", bytes, r.GetLimitBytes())
	}
	return bytes, nil
}

// supported refuses what one loop device cannot be: two nodes' disk, or a raw one.
func supported(capabilities []*csi.VolumeCapability) error {
	if len(capabilities) == 0 {
		return status.Error(codes.InvalidArgument, "volume capabilities are missing")
	}
	for _, c := range capabilities {
		if c.GetMount() == nil {
			return status.Error(codes.InvalidArgument, "only file system volumes, no block volumes")
		}
		if fs := c.GetMount().FsType; fs != "" && fs != "xfs" && fs != "ext4" {
			return status.Errorf(codes.InvalidArgument, "no file system %q: xfs or ext4", fs)
		}
		switch c.GetAccessMode().GetMode() {
		case csi.VolumeCapability_AccessMode_SINGLE_NODE_WRITER,
			csi.VolumeCapability_AccessMode_SINGLE_NODE_SINGLE_WRITER,
			csi.VolumeCapability_AccessMode_SINGLE_NODE_MULTI_WRITER,
			csi.VolumeCapability_AccessMode_SINGLE_NODE_READER_ONLY:
		default:
			return status.Errorf(codes.InvalidArgument, "access mode %s: a volume is used on one node only", c.GetAccessMode().GetMode())
		}
	}
	return nil
}

// change gives a volume under its lock to f, and saves what f made of it.
func (d *driver) change(ctx context.Context, id string, f func(*volume) error) error {
	if id == "" {
		return status.Error(codes.InvalidArgument, "volume id is missing")
	}
	unlock, err := d.state.lock(ctx, "volumes."+id)
	if err != nil {
		return err
	}
	defer unlock()
	v, err := load[volume](d.state, "volumes", id)
	if err != nil {
		return err
	}
	if v == nil {
		return status.Errorf(codes.NotFound, "no volume %s", id)
	}
	if err := f(v); err != nil {
		return err
	}
	return d.state.save("volumes", id, v)
}

// missing makes "not found" a success, where the caller wanted it gone.
func missing(err error) error {
	if status.Code(err) == codes.NotFound {
		return nil
	}
	return err
}

func (d controller) DeleteVolume(ctx context.Context, req *csi.DeleteVolumeRequest) (*csi.DeleteVolumeResponse, error) {
	if req.VolumeId == "" {
		return nil, status.Error(codes.InvalidArgument, "volume id is missing")
	}
	unlock, err := d.state.lock(ctx, "volumes."+req.VolumeId)
	if err != nil {
		return nil, err
	}
	defer unlock()
	v, err := load[volume](d.state, "volumes", req.VolumeId)
	if err != nil || v == nil {
		return &csi.DeleteVolumeResponse{}, err
	}
	if v.Published != "" {
		return nil, status.Errorf(codes.FailedPrecondition, "volume %s is in use on %s", v.ID, v.Published)
	}
	if err := d.state.drop("volumes", v.ID); err != nil {
		return nil, err
	}
	return &csi.DeleteVolumeResponse{}, removeIfThere(d.state.image(v.ID))
}

func (d controller) ControllerPublishVolume(ctx context.Context, req *csi.ControllerPublishVolumeRequest) (*csi.ControllerPublishVolumeResponse, error) {
	if req.NodeId == "" {
		return nil, status.Error(codes.InvalidArgument, "node id is missing")
	}
	if err := supported([]*csi.VolumeCapability{req.VolumeCapability}); err != nil {
		return nil, err
	}
	return &csi.ControllerPublishVolumeResponse{}, d.change(ctx, req.VolumeId, func(v *volume) error {
		if v.Published != "" && v.Published != req.NodeId {
			return status.Errorf(codes.FailedPrecondition, "volume %s is in use on %s", v.ID, v.Published)
		}
		if at := v.Topology[d.nodeKey()]; at != "" && at != req.NodeId {
			return status.Errorf(codes.FailedPrecondition, "volume %s lies on %s", v.ID, at)
		}
		v.Published = req.NodeId
		return nil
	})
}

func (d controller) ControllerUnpublishVolume(ctx context.Context, req *csi.ControllerUnpublishVolumeRequest) (*csi.ControllerUnpublishVolumeResponse, error) {
	return &csi.ControllerUnpublishVolumeResponse{}, missing(d.change(ctx, req.VolumeId, func(v *volume) error {
		if v.Published == "" || (req.NodeId != "" && v.Published != req.NodeId) {
			return nil
		}
		held, err := loopOf(d.state.image(v.ID))
		if err != nil {
			return err
		}
		if held != "" {
			if err := d.state.fence(v.ID); err != nil {
				return err
			}
			callOf(ctx).Events = append(callOf(ctx).Events, fmt.Sprintf("fenced %s off, which still has %s on %s", v.Published, v.ID, held))
		}
		v.Published = ""
		return nil
	}))
}

func (d controller) ValidateVolumeCapabilities(ctx context.Context, req *csi.ValidateVolumeCapabilitiesRequest) (*csi.ValidateVolumeCapabilitiesResponse, error) {
	if len(req.VolumeCapabilities) == 0 {
		return nil, status.Error(codes.InvalidArgument, "volume capabilities are missing")
	}
	if err := d.change(ctx, req.VolumeId, func(*volume) error { return nil }); err != nil {
		return nil, err
	}
	if err := supported(req.VolumeCapabilities); err != nil {
		return &csi.ValidateVolumeCapabilitiesResponse{Message: status.Convert(err).Message()}, nil
	}
	return &csi.ValidateVolumeCapabilitiesResponse{Confirmed: &csi.ValidateVolumeCapabilitiesResponse_Confirmed{
		VolumeContext: req.VolumeContext, VolumeCapabilities: req.VolumeCapabilities, Parameters: req.Parameters,
	}}, nil
}

func (d controller) ControllerExpandVolume(ctx context.Context, req *csi.ControllerExpandVolumeRequest) (*csi.ControllerExpandVolumeResponse, error) {
	reply := &csi.ControllerExpandVolumeResponse{NodeExpansionRequired: true}
	return reply, d.change(ctx, req.VolumeId, func(v *volume) error {
		bytes, err := sizeFor(req.CapacityRange, v.Bytes)
		if err != nil && v.Bytes < req.CapacityRange.GetRequiredBytes() {
			return err
		}
		bytes = max(bytes, v.Bytes) // never shrinks; a repeated call asks for what there is
		fs := v.FsType
		if fs == "" {
			fs = req.GetVolumeCapability().GetMount().GetFsType()
		}
		if bytes > v.Bytes && v.Published != "" && fs == "ext4" {
			return status.Errorf(codes.FailedPrecondition, "volume %s is in use on %s: ext4 grows offline only", v.ID, v.Published)
		}
		reply.CapacityBytes = bytes
		v.Bytes = bytes
		return resizeImage(d.state.image(v.ID), bytes)
	})
}

func (d controller) ControllerModifyVolume(ctx context.Context, req *csi.ControllerModifyVolumeRequest) (*csi.ControllerModifyVolumeResponse, error) {
	return &csi.ControllerModifyVolumeResponse{}, d.change(ctx, req.VolumeId, func(v *volume) error {
		v.Mutable = req.MutableParameters
		return nil
	})
}
