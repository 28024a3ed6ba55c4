package main

import (
	"context"
	"log"
	"path/filepath"

	"google.golang.org/grpc"
	registerapi "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

// registration tells the kubelet, which watches the folder for sockets, where
// the driver's own socket is.
type registration struct {
	registerapi.UnimplementedRegistrationServer
	name, socket string
}

func (d *driver) register(ctx context.Context, dir, socket string) error {
	server := grpc.NewServer()
	registerapi.RegisterRegistrationServer(server, registration{name: d.name, socket: socket})
	return serve(ctx, server, filepath.Join(dir, d.name+"-reg.sock"))
}

func (r registration) GetInfo(context.Context, *registerapi.InfoRequest) (*registerapi.PluginInfo, error) {
	return &registerapi.PluginInfo{Type: registerapi.CSIPlugin, Name: r.name, Endpoint: r.socket, SupportedVersions: []string{version}}, nil
}

func (r registration) NotifyRegistrationStatus(_ context.Context, s *registerapi.RegistrationStatus) (*registerapi.RegistrationStatusResponse, error) {
	if !s.PluginRegistered {
		log.Printf("the kubelet refused %s: %s", r.name, s.Error)
	}
	return &registerapi.RegistrationStatusResponse{}, nil
}
