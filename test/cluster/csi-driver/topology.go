package main

import (
	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const zoneKey = "topology.kubernetes.io/zone"

func (d *driver) nodeKey() string { return "topology." + d.name + "/node" }

// place says where a volume may be used: everywhere (nil), in one zone or on one
// node. The first preferred place is taken: with WaitForFirstConsumer it is the
// pod's node, with Immediate the provisioner spreads them by the claim's name.
// Data that cannot travel binds the volume to where it lies (bound).
func (d *driver) place(access string, wanted *csi.TopologyRequirement, bound map[string]string) (map[string]string, error) {
	var key string
	switch access {
	case "zone":
		key = zoneKey
	case "node":
		key = d.nodeKey()
	default:
		return nil, nil
	}
	places := append(wanted.GetPreferred(), wanted.GetRequisite()...)
	for _, t := range places {
		at, ok := t.GetSegments()[key]
		if ok && (bound[key] == "" || bound[key] == at) {
			return map[string]string{key: at}, nil
		}
	}
	if bound[key] != "" {
		return nil, status.Errorf(codes.ResourceExhausted, "the source lies in %s=%s, which is not among the places allowed", key, bound[key])
	}
	return nil, status.Errorf(codes.ResourceExhausted, "access %s: no place with %s among those allowed", access, key)
}

func topologyOf(segments map[string]string) []*csi.Topology {
	if len(segments) == 0 {
		return nil
	}
	return []*csi.Topology{{Segments: segments}}
}
