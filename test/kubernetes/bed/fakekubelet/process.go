package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/creack/pty"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

// executor runs commands in a pod's folder, which is all there is of the pod.
type executor struct{ folder, hostname string }

// command is a process group of its own, so that all of it can be ended.
func (e executor) command(argv []string) *exec.Cmd {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = e.folder
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + e.folder, "HOSTNAME=" + e.hostname, "TERM=xterm", "LANG=C.UTF-8"}
	return cmd
}

// ExecInContainer runs a command to its end and tells its exit code.
func (e executor) ExecInContainer(_ context.Context, _, _, _ string, argv []string, in io.Reader, out, stderr io.WriteCloser,
	tty bool, resize <-chan remotecommand.TerminalSize, _ time.Duration) error {
	cmd := e.command(argv)
	if tty {
		return onTerminal(cmd, in, out, resize)
	}
	return onPipes(cmd, in, out, stderr)
}

// onPipes does not wait for a client that never closes stdin: the command may end before.
func onPipes(cmd *exec.Cmd, in io.Reader, out, stderr io.WriteCloser) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// Only what is a writer: an interface around nil is none.
	if out != nil {
		cmd.Stdout = out
	}
	if stderr != nil {
		cmd.Stderr = stderr
	}
	if in != nil {
		stdin, err := cmd.StdinPipe()
		if err != nil {
			return err
		}
		go func() {
			io.Copy(stdin, in)
			stdin.Close()
		}()
	}
	return exitOf(cmd.Run())
}

func onTerminal(cmd *exec.Cmd, in io.Reader, out io.Writer, resize <-chan remotecommand.TerminalSize) error {
	terminal, err := pty.Start(cmd)
	if err != nil {
		return err
	}
	defer terminal.Close()
	go resizes(terminal, resize)
	if in != nil {
		go io.Copy(terminal, in)
	}
	if out != nil {
		// A terminal ends with EIO once nobody holds its other side.
		io.Copy(out, terminal)
	}
	return exitOf(cmd.Wait())
}

func resizes(terminal *os.File, sizes <-chan remotecommand.TerminalSize) {
	for size := range sizes {
		pty.Setsize(terminal, &pty.Winsize{Rows: size.Height, Cols: size.Width})
	}
}

// exitOf says what the library understands as an exit code; a signal counts as a shell counts it.
func exitOf(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	return utilexec.CodeExitError{Err: err, Code: codeOf(exit.ProcessState)}
}

func codeOf(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}
