package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type node struct {
	csi.UnimplementedNodeServer
	*driver
}

func (d node) NodeGetInfo(context.Context, *csi.NodeGetInfoRequest) (*csi.NodeGetInfoResponse, error) {
	at := map[string]string{d.nodeKey(): d.nodeID}
	if d.zone != "" {
		at[zoneKey] = d.zone
	}
	return &csi.NodeGetInfoResponse{NodeId: d.nodeID, AccessibleTopology: &csi.Topology{Segments: at}}, nil
}

func (d node) NodeGetCapabilities(context.Context, *csi.NodeGetCapabilitiesRequest) (*csi.NodeGetCapabilitiesResponse, error) {
	reply := new(csi.NodeGetCapabilitiesResponse)
	for _, t := range []csi.NodeServiceCapability_RPC_Type{
		csi.NodeServiceCapability_RPC_STAGE_UNSTAGE_VOLUME,
		csi.NodeServiceCapability_RPC_EXPAND_VOLUME,
		csi.NodeServiceCapability_RPC_GET_VOLUME_STATS,
		csi.NodeServiceCapability_RPC_SINGLE_NODE_MULTI_WRITER,
	} {
		reply.Capabilities = append(reply.Capabilities, &csi.NodeServiceCapability{
			Type: &csi.NodeServiceCapability_Rpc{Rpc: &csi.NodeServiceCapability_RPC{Type: t}},
		})
	}
	return reply, nil
}

// below refuses paths outside the kubelet's folder: a request that reached the
// wrong node's process would mount under another node.
func (d node) below(path string) error {
	if !filepath.IsAbs(path) || filepath.Clean(path) != path {
		return status.Errorf(codes.InvalidArgument, "path %q is missing or not absolute", path)
	}
	if d.kubeletDir != "" && !strings.HasPrefix(path, filepath.Clean(d.kubeletDir)+"/") {
		return status.Errorf(codes.InvalidArgument, "path %s is not below %s", path, d.kubeletDir)
	}
	return nil
}

func (d node) NodeStageVolume(ctx context.Context, req *csi.NodeStageVolumeRequest) (*csi.NodeStageVolumeResponse, error) {
	if err := errors.Join(d.below(req.StagingTargetPath), supported([]*csi.VolumeCapability{req.VolumeCapability})); err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	return &csi.NodeStageVolumeResponse{}, d.change(ctx, req.VolumeId, func(v *volume) error {
		if v.Published != d.nodeID {
			return status.Errorf(codes.FailedPrecondition, "volume %s is not published to %s but to %q", v.ID, d.nodeID, v.Published)
		}
		mounted, err := mountAt(req.StagingTargetPath)
		if err != nil {
			return err
		}
		if mounted != nil {
			if backedBy(mounted.source, d.state.image(v.ID)) {
				return nil
			}
			// From before a fence: this data is nobody's any more.
			if err := unmount(req.StagingTargetPath); err != nil {
				return err
			}
		}
		return d.stage(v, req.VolumeCapability, req.StagingTargetPath)
	})
}

// stage attaches, formats or grows, and mounts. Formatting is on record only when
// it is complete: one that was killed half way starts again.
func (d node) stage(v *volume, capability *csi.VolumeCapability, path string) error {
	fsType := capability.GetMount().GetFsType()
	if fsType == "" {
		fsType = "xfs"
		if v.FsType != "" {
			fsType = v.FsType
		}
	}
	if v.FsType != "" && v.FsType != fsType {
		return status.Errorf(codes.FailedPrecondition, "volume %s has %s on it, not %s", v.ID, v.FsType, fsType)
	}
	// A device that is still there has a user we cannot see (a lazy unmount, say):
	// a second file system over the same blocks would destroy both.
	awaitExec()
	if other, err := loopOf(d.state.image(v.ID)); err != nil || other != "" {
		return errors.Join(err, status.Errorf(codes.Aborted, "volume %s is still held by %s", v.ID, other))
	}
	loop, err := attach(d.state.image(v.ID))
	if err != nil {
		return err
	}
	defer loop.Close()
	if v.FsType == "" {
		if err := format(loop.Name(), fsType); err != nil {
			return err
		}
		v.FsType = fsType
		if err := d.state.save("volumes", v.ID, v); err != nil {
			return err
		}
	} else if fsType == "ext4" {
		// Before it is mounted: growing a mounted ext4 needs a capability that a
		// machine of a test may lack. Does nothing where it has its size.
		if err := run(nil, "e2fsck", "-f", "-p", loop.Name()); err != nil && exitCode(err) != 1 {
			return err
		}
		if err := run(nil, "resize2fs", loop.Name()); err != nil {
			return err
		}
	}
	options := capability.GetMount().GetMountFlags()
	if fsType == "xfs" {
		options = append([]string{"nouuid"}, options...) // a copy has its source's uuid
	}
	if capability.GetAccessMode().GetMode() == csi.VolumeCapability_AccessMode_SINGLE_NODE_READER_ONLY {
		options = append(options, "ro")
	}
	if err := os.MkdirAll(path, 0o750); err != nil {
		return err
	}
	args := []string{"-t", fsType, loop.Name(), path}
	if len(options) > 0 {
		args = append([]string{"-o", strings.Join(options, ",")}, args...)
	}
	if err := run(nil, "mount", args...); err != nil {
		return err
	}
	return grow(path, fsType)
}

// grow gives a mounted XFS the size of its device, as a copy into a larger
// volume needs. Does nothing where it has its size.
func grow(path, fsType string) error {
	var s unix.Statfs_t
	if fsType != "xfs" || unix.Statfs(path, &s) != nil || s.Flags&unix.ST_RDONLY != 0 {
		return nil
	}
	return run(nil, "xfs_growfs", "-d", path)
}

func (d node) NodeUnstageVolume(ctx context.Context, req *csi.NodeUnstageVolumeRequest) (*csi.NodeUnstageVolumeResponse, error) {
	if err := d.below(req.StagingTargetPath); err != nil {
		return nil, err
	}
	if req.VolumeId == "" {
		return nil, status.Error(codes.InvalidArgument, "volume id is missing")
	}
	// Under the volume's lock: unmounted while frozen, it could not be thawed.
	unlock, err := d.state.lock(ctx, "volumes."+req.VolumeId)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return &csi.NodeUnstageVolumeResponse{}, release(req.StagingTargetPath, d.state.image(req.VolumeId))
}

func (d node) NodePublishVolume(ctx context.Context, req *csi.NodePublishVolumeRequest) (*csi.NodePublishVolumeResponse, error) {
	if err := errors.Join(d.below(req.StagingTargetPath), d.below(req.TargetPath), supported([]*csi.VolumeCapability{req.VolumeCapability})); err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	return &csi.NodePublishVolumeResponse{}, d.change(ctx, req.VolumeId, func(v *volume) error {
		from, err := mountAt(req.StagingTargetPath)
		if err != nil {
			return err
		}
		if from == nil || !backedBy(from.source, d.state.image(v.ID)) {
			return status.Errorf(codes.FailedPrecondition, "volume %s is not staged at %s", v.ID, req.StagingTargetPath)
		}
		all, err := mounts()
		if err != nil {
			return err
		}
		single := req.VolumeCapability.AccessMode.Mode == csi.VolumeCapability_AccessMode_SINGLE_NODE_SINGLE_WRITER
		for _, m := range all {
			switch {
			case m.path == req.TargetPath && m.dev == from.dev:
				return nil
			case single && m.dev == from.dev && m.path != from.path:
				return status.Errorf(codes.FailedPrecondition, "volume %s has its one writer at %s", v.ID, m.path)
			}
		}
		if err := unmount(req.TargetPath); err != nil { // from before a fence
			return err
		}
		if err := os.MkdirAll(req.TargetPath, 0o750); err != nil {
			return err
		}
		if err := unix.Mount(req.StagingTargetPath, req.TargetPath, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("bind %s: %w", req.TargetPath, err)
		}
		if !req.Readonly {
			return nil
		}
		if err := unix.Mount("", req.TargetPath, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
			return errors.Join(fmt.Errorf("read-only %s: %w", req.TargetPath, err), unmount(req.TargetPath))
		}
		return nil
	})
}

func (d node) NodeUnpublishVolume(_ context.Context, req *csi.NodeUnpublishVolumeRequest) (*csi.NodeUnpublishVolumeResponse, error) {
	if err := d.below(req.TargetPath); err != nil {
		return nil, err
	}
	if req.VolumeId == "" {
		return nil, status.Error(codes.InvalidArgument, "volume id is missing")
	}
	if err := release(req.TargetPath, d.state.image(req.VolumeId)); err != nil {
		return nil, err
	}
	// Not RemoveAll: were it still mounted, that would delete the data.
	return &csi.NodeUnpublishVolumeResponse{}, removeIfThere(req.TargetPath)
}

func (d node) NodeExpandVolume(ctx context.Context, req *csi.NodeExpandVolumeRequest) (*csi.NodeExpandVolumeResponse, error) {
	if err := d.below(req.VolumePath); err != nil {
		return nil, err
	}
	reply := new(csi.NodeExpandVolumeResponse)
	return reply, d.change(ctx, req.VolumeId, func(v *volume) error {
		mounted, err := mountAt(req.VolumePath)
		if err != nil {
			return err
		}
		if mounted == nil || !backedBy(mounted.source, d.state.image(v.ID)) {
			return status.Errorf(codes.NotFound, "volume %s is not mounted at %s", v.ID, req.VolumePath)
		}
		reply.CapacityBytes = v.Bytes
		if v.FsType != "xfs" {
			return nil // has grown before it was mounted
		}
		loop, err := os.OpenFile(mounted.source, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer loop.Close()
		if err := unix.IoctlSetInt(int(loop.Fd()), unix.LOOP_SET_CAPACITY, 0); err != nil {
			return err
		}
		return grow(req.VolumePath, v.FsType)
	})
}

func (d node) NodeGetVolumeStats(_ context.Context, req *csi.NodeGetVolumeStatsRequest) (*csi.NodeGetVolumeStatsResponse, error) {
	if err := d.below(req.VolumePath); err != nil {
		return nil, err
	}
	mounted, err := mountAt(req.VolumePath)
	if err != nil {
		return nil, err
	}
	var s unix.Statfs_t
	if mounted == nil || unix.Statfs(req.VolumePath, &s) != nil {
		return nil, status.Errorf(codes.NotFound, "volume %s is not mounted at %s", req.VolumeId, req.VolumePath)
	}
	block := s.Bsize
	return &csi.NodeGetVolumeStatsResponse{Usage: []*csi.VolumeUsage{
		{Unit: csi.VolumeUsage_BYTES, Total: int64(s.Blocks) * block, Available: int64(s.Bavail) * block, Used: int64(s.Blocks-s.Bfree) * block},
		{Unit: csi.VolumeUsage_INODES, Total: int64(s.Files), Available: int64(s.Ffree), Used: int64(s.Files - s.Ffree)},
	}}, nil
}
