package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
)

type executed struct {
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
	Rate    float64 `json:"megabytesPerSecond"`
	// Sent and Got are the digests that the two ends have.
	Sent string `json:"sent"`
	Got  string `json:"got"`
}

// exec moves bytes through one exec, in by the container's stdin or out by its stdout, and tells both ends' digests.
func exec(s *shared, args []string) (any, error) {
	size := s.flags.Int64("bytes", 1<<20, "how many")
	in := s.flags.Bool("in", false, "into the container instead of out of it")
	spdy := s.flags.Bool("spdy", false, "over SPDY instead of WebSocket")
	pod := s.flags.String("pod", "web-0", "where")
	container := s.flags.String("container", "main", "where")
	s.flags.Parse(args)
	config, err := s.config(s.kubeconfig)
	if err != nil {
		return nil, err
	}
	if *in {
		return execIn(config, s.namespace, *pod, *container, *spdy, *size)
	}
	return execOut(config, s.namespace, *pod, *container, *spdy, *size)
}

// execOut reads a file that a first exec has made and digested; the time is of the second alone.
func execOut(config *rest.Config, namespace, pod, container string, spdy bool, size int64) (any, error) {
	file := fmt.Sprintf("out-%d", time.Now().UnixNano())
	run := func(script string, stdout io.Writer) error {
		executor, err := executorOf(config, namespace, pod, container, spdy, []string{"sh", "-c", script}, false)
		if err != nil {
			return err
		}
		return executor.StreamWithContext(context.Background(), remotecommand.StreamOptions{Stdout: stdout, Stderr: io.Discard})
	}
	made := &bytes.Buffer{}
	if err := run(fmt.Sprintf("seq 1 999999999 | head -c %d > %s; sha256sum %s", size, file, file), made); err != nil {
		return nil, err
	}
	sent, _, _ := strings.Cut(made.String(), " ")
	digest, counted := sha256.New(), &counter{}
	begun := time.Now()
	err := run(fmt.Sprintf("cat %s; rm %s", file, file), io.MultiWriter(digest, counted))
	return executedOf(counted.n, begun, sent, hex.EncodeToString(digest.Sum(nil))), err
}

// execIn writes; the container says what it got.
func execIn(config *rest.Config, namespace, pod, container string, spdy bool, size int64) (any, error) {
	executor, err := executorOf(config, namespace, pod, container, spdy, []string{"sha256sum"}, true)
	if err != nil {
		return nil, err
	}
	digest, stdout := sha256.New(), &bytes.Buffer{}
	begun := time.Now()
	err = executor.StreamWithContext(context.Background(), remotecommand.StreamOptions{
		Stdin: io.TeeReader(&pattern{left: size}, digest), Stdout: stdout, Stderr: io.Discard,
	})
	got, _, _ := strings.Cut(stdout.String(), " ")
	return executedOf(size, begun, hex.EncodeToString(digest.Sum(nil)), got), err
}

func executedOf(bytes int64, begun time.Time, sent, got string) executed {
	took := time.Since(begun).Seconds()
	return executed{Bytes: bytes, Seconds: took, Rate: float64(bytes) / 1e6 / took, Sent: sent, Got: got}
}

func executorOf(config *rest.Config, namespace, pod, container string, spdy bool, command []string, stdin bool) (remotecommand.Executor, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	request := client.CoreV1().RESTClient().Post().Resource("pods").Namespace(namespace).Name(pod).SubResource("exec").
		VersionedParams(&v1.PodExecOptions{
			Container: container, Command: command, Stdin: stdin, Stdout: true, Stderr: true,
		}, scheme.ParameterCodec)
	if spdy {
		return remotecommand.NewSPDYExecutor(config, "POST", request.URL())
	}
	return remotecommand.NewWebSocketExecutor(config, "GET", request.URL().String())
}

type counter struct{ n int64 }

func (c *counter) Write(bytes []byte) (int, error) {
	c.n += int64(len(bytes))
	return len(bytes), nil
}

// pattern is bytes that are not all the same, cheaper to make than to send.
type pattern struct {
	left int64
	at   byte
}

func (p *pattern) Read(into []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	if int64(len(into)) > p.left {
		into = into[:p.left]
	}
	for i := range into {
		into[i] = p.at
		p.at += 7
	}
	p.left -= int64(len(into))
	return len(into), nil
}
