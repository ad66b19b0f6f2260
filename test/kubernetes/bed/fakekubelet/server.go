package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"time"

	"k8s.io/cri-streaming/pkg/streaming/portforward"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
)

const (
	idle   = 4 * time.Hour
	create = 30 * time.Second
)

// serve answers the API server only, by its client certificate. HTTP/1.1 alone: streams are upgrades.
func serve(o options, k *kubelet) error {
	ca, err := os.ReadFile(o.clientCA)
	if err != nil {
		return err
	}
	callers := x509.NewCertPool()
	if !callers.AppendCertsFromPEM(ca) {
		return fmt.Errorf("%s has no certificate", o.clientCA)
	}
	server := &http.Server{
		Addr:    o.listen,
		Handler: routes(k),
		TLSConfig: &tls.Config{
			ClientCAs:  callers,
			ClientAuth: tls.RequireAndVerifyClientCert,
			NextProtos: []string{"http/1.1"},
		},
	}
	return server.ListenAndServeTLS(o.cert, o.key)
}

func routes(k *kubelet) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", k.logs)
	mux.HandleFunc("/exec/{namespace}/{pod}/{container}", k.exec)
	mux.HandleFunc("/attach/{namespace}/{pod}/{container}", k.attach)
	mux.HandleFunc("/portForward/{namespace}/{pod}", k.portForward)
	metrics(mux, k)
	return mux
}

func podOf(r *http.Request) podName {
	return podName{namespace: r.PathValue("namespace"), name: r.PathValue("pod")}
}

func (k *kubelet) exec(w http.ResponseWriter, r *http.Request) {
	streams, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	executor := executor{folder: k.folder(podOf(r)), hostname: r.PathValue("pod")}
	remotecommand.ServeExec(w, r, executor, r.PathValue("pod"), "", r.PathValue("container"), r.URL.Query()["command"],
		streams, idle, create, remotecommand.SupportedStreamingProtocols)
}

func (k *kubelet) attach(w http.ResponseWriter, r *http.Request) {
	streams, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	container := k.container(podOf(r), r.PathValue("container"))
	if container == nil {
		http.Error(w, "the container does not run", http.StatusNotFound)
		return
	}
	remotecommand.ServeAttach(w, r, container, r.PathValue("pod"), "", r.PathValue("container"),
		streams, idle, create, remotecommand.SupportedStreamingProtocols)
}

func (k *kubelet) portForward(w http.ResponseWriter, r *http.Request) {
	ports, err := portforward.NewV4Options(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	portforward.ServePortForward(w, r, forwarder{}, r.PathValue("pod"), "", ports, idle, create,
		portforward.SupportedProtocols)
}
