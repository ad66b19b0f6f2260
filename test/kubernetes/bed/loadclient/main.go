// A client made of client-go for tests and measurements. Each command prints one line of JSON when it is done.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

var contentTypes = map[string]string{
	"json":     "application/json",
	"protobuf": "application/vnd.kubernetes.protobuf,application/json",
	"cbor":     "application/cbor,application/json",
}

// shared is what every command takes.
type shared struct {
	kubeconfig, content, namespace string
	flags                          *flag.FlagSet
}

func main() {
	commands := map[string]func(*shared, []string) (any, error){
		"get": get, "watch": watch, "idle": idle, "informer": informer, "exec": exec,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: loadclient get|watch|idle|informer|exec [flags]")
		os.Exit(2)
	}
	s := &shared{flags: flag.NewFlagSet(os.Args[1], flag.ExitOnError)}
	s.flags.StringVar(&s.kubeconfig, "kubeconfig", os.Getenv("KUBECONFIG"), "how to reach the server")
	s.flags.StringVar(&s.content, "content", "json", "json, protobuf or cbor")
	s.flags.StringVar(&s.namespace, "namespace", "dev", "where")
	said, err := commands[os.Args[1]](s, os.Args[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(said)
}

// config is without client-go's own limit of requests. What is asked for is the first content type, sent is the same.
func (s *shared) config(kubeconfig string) (*rest.Config, error) {
	accept, known := contentTypes[s.content]
	if !known {
		return nil, fmt.Errorf("no content type %q", s.content)
	}
	// Read by client-go when its first client is made.
	os.Setenv("KUBE_FEATURE_ClientsAllowCBOR", "true")
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	config.AcceptContentTypes = accept
	config.ContentType, _, _ = strings.Cut(accept, ",")
	return config, nil
}
