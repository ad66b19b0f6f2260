// A kubelet without containers, for tests: pods of its node become Running, their containers are processes of this
// machine, and exec, attach, logs and port-forward are served by the library that a real kubelet's runtime uses.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

type options struct {
	kubeconfig, node, root, listen, cert, key, clientCA string
}

func main() {
	var o options
	flag.StringVar(&o.kubeconfig, "kubeconfig", "", "how to reach the API server")
	flag.StringVar(&o.node, "node", "node-1", "the node that it is")
	flag.StringVar(&o.root, "root", "", "where pods have their folders")
	flag.StringVar(&o.listen, "listen", "127.0.0.1:10250", "where it listens")
	flag.StringVar(&o.cert, "cert", "", "its certificate")
	flag.StringVar(&o.key, "key", "", "its key")
	flag.StringVar(&o.clientCA, "client-ca", "", "who signs the certificates of who may call it")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(o options) error {
	config, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(o.root, "logs"), 0o755); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	k := newKubelet(client, o.node, o.root)
	defer k.killAll()
	failed := make(chan error, 1)
	go func() { failed <- serve(o, k) }()
	go k.follow(ctx)
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}
