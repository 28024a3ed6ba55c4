// Command dns is CoreDNS with the plugins that kubeadm's Corefile names and this cluster can serve.
// The stock binary also carries every cloud's SDK.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/loadbalance"
	_ "github.com/coredns/coredns/plugin/ready"
)

func main() {
	// The order is that of a request's way through the plugins, as in CoreDNS's own plugin.cfg.
	dnsserver.Directives = []string{"bind", "health", "ready", "errors", "cache", "loadbalance", "kubernetes"}
	coremain.Run()
}
