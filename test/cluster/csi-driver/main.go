// csi-driver is a storage driver for tests: volumes with real data on loop
// devices, snapshots that are real points in time, and every way to be slow,
// late or wrong that a test needs. One process is the controller, one per node
// serves that node; they share a state folder.
//
//	DIR/volumes    images of volumes and snapshots; must be a file system with reflinks
//	DIR/snapshots  what is known of snapshots; DIR/groups of group snapshots
//	DIR/faults     RPC.json: what goes wrong at run time (fault.go)
//	DIR/locks      one lock per volume, snapshot and group
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
)

const version = "1.0.0"

type driver struct {
	name       string
	nodeID     string // empty in the controller
	zone       string
	kubeletDir string
	state      store
	log        *rpcLog
	pace       *pacer
	paused     func() // tests: called in the pause between two members of a group
}

// between is the pause between two members of a group.
func (d *driver) between(ctx context.Context, delay time.Duration) error {
	if d.paused != nil {
		d.paused()
	}
	return sleep(ctx, delay)
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("csi-driver: ")
	mode := flag.String("mode", "", "controller, node, or cleanup: thaw, unmount and detach every volume of --state (only below --kubelet-dir, if given), then exit")
	endpoint := flag.String("endpoint", "", "unix:///path of the CSI socket")
	state := flag.String("state", "", "the shared state folder")
	nodeID := flag.String("node-id", "", "name of the node")
	zone := flag.String("zone", "", "zone of the node")
	kubeletDir := flag.String("kubelet-dir", "", "root folder of the node's kubelet")
	registrationDir := flag.String("registration-dir", "", "the kubelet's plugins_registry")
	logFile := flag.String("log", "", "file for one JSON line per call (default: standard error)")
	name := flag.String("driver-name", "bed.csi.kubectl-stateful.dev", "name of the CSI driver")
	flag.Parse()

	if *state == "" {
		log.Fatal("--state is missing")
	}
	s, err := openStore(*state)
	if err != nil {
		log.Fatal(err)
	}
	if *mode == "cleanup" {
		if err := cleanup(s, *kubeletDir); err != nil {
			log.Fatal(err)
		}
		return
	}
	l, err := openLog(*logFile)
	if err != nil {
		log.Fatal(err)
	}
	d := &driver{name: *name, nodeID: *nodeID, zone: *zone, kubeletDir: *kubeletDir, state: s, log: l, pace: newPacer()}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	switch *mode {
	case "controller":
		err = d.runController(ctx, *endpoint)
	case "node":
		err = d.runNode(ctx, *endpoint, *registrationDir)
	default:
		err = fmt.Errorf("--mode must be controller, node or cleanup, not %q", *mode)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func (d *driver) runController(ctx context.Context, endpoint string) error {
	if err := checkReflinks(d.state); err != nil {
		return err
	}
	// A controller that was killed between freeze and thaw left its writers
	// standing still, and nobody else would ever wake them.
	if err := thawAll(d.state); err != nil {
		return err
	}
	server := d.server()
	csi.RegisterIdentityServer(server, identity{driver: d})
	csi.RegisterControllerServer(server, controller{driver: d})
	csi.RegisterGroupControllerServer(server, groups{driver: d})
	return serve(ctx, server, strings.TrimPrefix(endpoint, "unix://"))
}

func (d *driver) runNode(ctx context.Context, endpoint, registrationDir string) error {
	if d.nodeID == "" || registrationDir == "" {
		return errors.New("--mode node needs --node-id and --registration-dir")
	}
	socket := strings.TrimPrefix(endpoint, "unix://")
	server := d.server()
	csi.RegisterIdentityServer(server, identity{driver: d})
	csi.RegisterNodeServer(server, node{driver: d})
	failed := make(chan error, 2)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { failed <- d.register(ctx, registrationDir, socket) }()
	go func() { failed <- serve(ctx, server, socket) }()
	err := <-failed
	cancel()
	return errors.Join(err, <-failed)
}

// server logs outside and injects faults inside, so that the log shows what the
// caller saw. It waits for its handlers: one that holds a freeze must thaw.
func (d *driver) server() *grpc.Server {
	return grpc.NewServer(grpc.WaitForHandlers(true), grpc.ChainUnaryInterceptor(d.logCall, d.injectFault))
}

func serve(ctx context.Context, server *grpc.Server, socket string) error {
	if err := os.MkdirAll(filepath.Dir(socket), 0o750); err != nil {
		return err
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	go func() {
		<-ctx.Done()
		done := make(chan struct{})
		go func() { server.GracefulStop(); close(done) }()
		select {
		case <-done:
		case <-time.After(2 * time.Second):
			server.Stop()
		}
	}()
	if err := server.Serve(listener); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}
