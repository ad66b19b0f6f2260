package main

import (
	"context"
	"net"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

type gets struct {
	Clients  int       `json:"clients"`
	Seconds  float64   `json:"seconds"`
	Requests int       `json:"requests"`
	Errors   int       `json:"errors"`
	Error    string    `json:"error,omitempty"`
	Rate     float64   `json:"rate"`
	Latency  latencies `json:"latency"`
}

// get asks for one object again and again, by a number of clients that each have a connection of their own.
func get(s *shared, args []string) (any, error) {
	clients := s.flags.Int("clients", 1, "how many at once")
	seconds := s.flags.Float64("seconds", 2, "for how long")
	name := s.flags.String("name", "web-0", "of which pod")
	s.flags.Parse(args)
	made := make([]kubernetes.Interface, *clients)
	for i := range made {
		client, err := s.ownConnection()
		if err != nil {
			return nil, err
		}
		made[i] = client
	}
	said := gets{Clients: *clients}
	var (
		mu   sync.Mutex
		all  []time.Duration
		done sync.WaitGroup
	)
	begun := time.Now()
	until := begun.Add(time.Duration(*seconds * float64(time.Second)))
	for _, client := range made {
		done.Go(func() {
			took, failed := getUntil(client, s.namespace, *name, until)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
			for _, err := range failed {
				said.Errors++
				said.Error = err.Error()
			}
		})
	}
	done.Wait()
	said.Seconds = time.Since(begun).Seconds()
	said.Requests = len(all)
	said.Rate = float64(len(all)) / said.Seconds
	said.Latency = latenciesOf(all)
	return said, nil
}

// ownConnection makes a client that shares no connection: client-go keeps transports apart that dial by another function.
func (s *shared) ownConnection() (kubernetes.Interface, error) {
	config, err := s.config(s.kubeconfig)
	if err != nil {
		return nil, err
	}
	config.Dial = (&net.Dialer{}).DialContext
	return kubernetes.NewForConfig(config)
}

func getUntil(client kubernetes.Interface, namespace, name string, until time.Time) (took []time.Duration, failed []error) {
	pods := client.CoreV1().Pods(namespace)
	for {
		begun := time.Now()
		if begun.After(until) {
			return took, failed
		}
		if _, err := pods.Get(context.Background(), name, metav1.GetOptions{}); err != nil {
			failed = append(failed, err)
			if len(failed) == 100 {
				return took, failed
			}
			continue
		}
		took = append(took, time.Since(begun))
	}
}
