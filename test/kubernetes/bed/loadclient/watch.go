package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
)

const label = "custody.test/watched"

type watched struct {
	Events  int       `json:"events"`
	Latency latencies `json:"latency"`
}

// watch measures from before an object is created, by a writer that may go another way, until its event arrives.
func watch(s *shared, args []string) (any, error) {
	events := s.flags.Int("events", 100, "how many")
	writer := s.flags.String("writer", "", "the writer's kubeconfig; the watcher's when left out")
	pause := s.flags.Duration("pause", 2*time.Millisecond, "between two events")
	s.flags.Parse(args)
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Minute)
	defer stop()
	reader, err := s.client(s.kubeconfig)
	if err != nil {
		return nil, err
	}
	if *writer == "" {
		*writer = s.kubeconfig
	}
	writing, err := s.client(*writer)
	if err != nil {
		return nil, err
	}
	run := fmt.Sprintf("watch-%d", time.Now().UnixNano())
	seen, err := reader.CoreV1().ConfigMaps(s.namespace).Watch(ctx, metav1.ListOptions{LabelSelector: label + "=" + run})
	if err != nil {
		return nil, err
	}
	defer seen.Stop()
	defer writing.CoreV1().ConfigMaps(s.namespace).DeleteCollection(context.Background(), metav1.DeleteOptions{},
		metav1.ListOptions{LabelSelector: label + "=" + run})
	var took []time.Duration
	for i := range *events {
		latency, err := one(ctx, writing, seen, s.namespace, run, i)
		if err != nil {
			return nil, err
		}
		took = append(took, latency)
		time.Sleep(*pause)
	}
	return watched{Events: len(took), Latency: latenciesOf(took)}, nil
}

func (s *shared) client(kubeconfig string) (kubernetes.Interface, error) {
	config, err := s.config(kubeconfig)
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(config)
}

// one creates an object beside waiting for it: the event may arrive before the answer.
func one(ctx context.Context, writing kubernetes.Interface, seen apiwatch.Interface, namespace, run string, i int) (time.Duration, error) {
	object := &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name: fmt.Sprintf("%s-%d", run, i), Labels: map[string]string{label: run},
	}}
	created := make(chan error, 1)
	begun := time.Now()
	go func() {
		_, err := writing.CoreV1().ConfigMaps(namespace).Create(ctx, object, metav1.CreateOptions{})
		created <- err
	}()
	event, open := <-seen.ResultChan()
	latency := time.Since(begun)
	if !open {
		return 0, fmt.Errorf("the watch ended after %d events", i)
	}
	if got, ok := event.Object.(*v1.ConfigMap); !ok || got.Name != object.Name {
		return 0, fmt.Errorf("event %d is another: %v %v", i, event.Type, event.Object)
	}
	return latency, <-created
}

type idled struct {
	Watches int `json:"watches"`
	Ended   int `json:"ended"`
}

// idle holds watches that see nothing until its standard input ends: for what they cost. It says when all are there.
func idle(s *shared, args []string) (any, error) {
	count := s.flags.Int("watches", 100, "how many")
	s.flags.Parse(args)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	client, err := s.client(s.kubeconfig)
	if err != nil {
		return nil, err
	}
	said := idled{}
	var held []apiwatch.Interface
	for range *count {
		one, err := client.CoreV1().ConfigMaps(s.namespace).Watch(ctx, metav1.ListOptions{LabelSelector: label + "=nothing"})
		if err != nil {
			return nil, err
		}
		held = append(held, one)
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	for _, one := range held {
		select {
		case _, open := <-one.ResultChan():
			if !open {
				said.Ended++
			}
		default:
		}
	}
	said.Watches = len(held)
	return said, nil
}
