package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

// logs serves follow, tailLines and limitBytes of a pod's log options, and none of the others.
func (k *kubelet) logs(w http.ResponseWriter, r *http.Request) {
	container := k.container(podOf(r), r.PathValue("container"))
	if container == nil {
		http.Error(w, "the container has not started", http.StatusBadRequest)
		return
	}
	file, err := os.Open(container.log)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer file.Close()
	query := r.URL.Query()
	if lines, err := strconv.Atoi(query.Get("tailLines")); err == nil {
		if err := toLastLines(file, lines); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	var from io.Reader = file
	if limit, err := strconv.ParseInt(query.Get("limitBytes"), 10, 64); err == nil {
		from = io.LimitReader(file, limit)
	}
	w.Header().Set("Content-Type", "text/plain")
	if query.Get("follow") != "true" {
		io.Copy(w, from)
		return
	}
	follow(w, r, from, container)
}

// follow sends what is there, and what comes until the container or the client ends.
func follow(w http.ResponseWriter, r *http.Request, from io.Reader, c *container) {
	flusher := http.NewResponseController(w)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	flusher.Flush()
	for {
		ended := c.ends()
		n, err := io.Copy(w, from)
		if err != nil || ended {
			return
		}
		if n > 0 {
			flusher.Flush()
		}
		select {
		case <-r.Context().Done():
			return
		case <-c.done:
		case <-tick.C:
		}
	}
}

// toLastLines leaves the file where its last lines begin. Logs of tests are small enough to be read whole.
func toLastLines(file *os.File, lines int) error {
	all, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	at := len(bytes.TrimSuffix(all, []byte("\n")))
	for ; lines > 0 && at >= 0; lines-- {
		at = bytes.LastIndexByte(all[:at], '\n')
	}
	_, err = file.Seek(int64(at+1), io.SeekStart)
	return err
}
