package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	v1 "k8s.io/api/core/v1"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
)

// container is a process whose output goes to its log, and to whoever is attached.
type container struct {
	log      string
	started  time.Time
	finished time.Time
	code     int
	done     chan struct{}

	cmd      *exec.Cmd
	terminal *os.File
	stdin    io.WriteCloser
	once     bool

	mu       sync.Mutex
	attached map[*attachment]struct{}
}

// attachment is where one client wants a container's output.
type attachment struct{ out, stderr io.Writer }

// startContainer runs what the pod says, and a shell where an image would have one for somebody to type into.
func startContainer(e executor, log string, spec *v1.Container, ended func()) (*container, error) {
	argv := append(append([]string{}, spec.Command...), spec.Args...)
	switch {
	case len(argv) == 0 && spec.Stdin:
		argv = []string{"sh"}
	case len(argv) == 0:
		argv = []string{"sleep", "infinity"}
	}
	file, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	c := &container{log: log, started: time.Now(), done: make(chan struct{}), cmd: e.command(argv), once: spec.StdinOnce,
		attached: map[*attachment]struct{}{}}
	start := c.startOnPipes
	if spec.TTY {
		start = c.startOnTerminal
	}
	wait, err := start(file, spec.Stdin)
	if err != nil {
		file.Close()
		return nil, err
	}
	go func() {
		wait()
		file.Close()
		c.code, c.finished = codeOf(c.cmd.ProcessState), time.Now()
		close(c.done)
		ended()
	}()
	return c, nil
}

func (c *container) startOnPipes(log io.Writer, stdin bool) (func(), error) {
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.cmd.Stdout = &tee{c, log, func(a *attachment) io.Writer { return a.out }}
	c.cmd.Stderr = &tee{c, log, func(a *attachment) io.Writer { return a.stderr }}
	if stdin {
		pipe, err := c.cmd.StdinPipe()
		if err != nil {
			return nil, err
		}
		c.stdin = pipe
	}
	return func() { c.cmd.Wait() }, c.cmd.Start()
}

func (c *container) startOnTerminal(log io.Writer, _ bool) (func(), error) {
	terminal, err := pty.Start(c.cmd)
	if err != nil {
		return nil, err
	}
	c.terminal, c.stdin = terminal, terminal
	output := &tee{c, log, func(a *attachment) io.Writer { return a.out }}
	return func() {
		io.Copy(output, terminal)
		c.cmd.Wait()
		terminal.Close()
	}, nil
}

// AttachContainer lasts until the container ends, or the client says no more and wanted no output.
func (c *container) AttachContainer(_ context.Context, _, _, _ string, in io.Reader, out, stderr io.WriteCloser, _ bool,
	resize <-chan remotecommand.TerminalSize) error {
	a := &attachment{}
	if out != nil {
		a.out = out
	}
	if stderr != nil {
		a.stderr = stderr
	}
	c.attach(a)
	defer c.detach(a)
	if c.terminal != nil {
		go resizes(c.terminal, resize)
	}
	if in != nil && c.stdin != nil {
		go c.feed(in)
	}
	<-c.done
	return nil
}

func (c *container) feed(in io.Reader) {
	io.Copy(c.stdin, in)
	if c.once && c.terminal == nil {
		c.stdin.Close()
	}
}

func (c *container) attach(a *attachment) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.attached[a] = struct{}{}
}

func (c *container) detach(a *attachment) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.attached, a)
}

// ends tells whether it has ended.
func (c *container) ends() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// kill ends the container's whole process group.
func (c *container) kill() {
	if !c.ends() {
		syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
	}
}

// tee writes to the log, then to each attached client in turn; one that cannot be written to is no longer attached.
type tee struct {
	c   *container
	log io.Writer
	of  func(*attachment) io.Writer
}

func (t *tee) Write(bytes []byte) (int, error) {
	if _, err := t.log.Write(bytes); err != nil {
		return 0, err
	}
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	for a := range t.c.attached {
		if w := t.of(a); w != nil {
			if _, err := w.Write(bytes); err != nil {
				delete(t.c.attached, a)
			}
		}
	}
	return len(bytes), nil
}
