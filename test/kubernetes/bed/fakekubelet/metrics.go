package main

import (
	"encoding/json"
	"net/http"
	"time"
)

const metricsPath = "/apis/metrics.k8s.io/v1beta1"

type object = map[string]any

// metrics is an aggregated API: what a metrics server says of nodes and pods, always the same usage.
func metrics(mux *http.ServeMux, k *kubelet) {
	mux.HandleFunc("GET "+metricsPath, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, object{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "metrics.k8s.io/v1beta1", "resources": []object{
			{"name": "nodes", "singularName": "", "namespaced": false, "kind": "NodeMetrics", "verbs": []string{"get", "list"}},
			{"name": "pods", "singularName": "", "namespaced": true, "kind": "PodMetrics", "verbs": []string{"get", "list"}},
		}})
	})
	mux.HandleFunc("GET "+metricsPath+"/nodes", func(w http.ResponseWriter, r *http.Request) {
		answer(w, list("NodeMetricsList", []object{nodeMetrics(k.node)}))
	})
	mux.HandleFunc("GET "+metricsPath+"/nodes/{name}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, nodeMetrics(r.PathValue("name")))
	})
	pods := func(w http.ResponseWriter, r *http.Request) {
		answer(w, list("PodMetricsList", k.podMetrics(r.PathValue("namespace"))))
	}
	mux.HandleFunc("GET "+metricsPath+"/pods", pods)
	mux.HandleFunc("GET "+metricsPath+"/namespaces/{namespace}/pods", pods)
}

func answer(w http.ResponseWriter, what object) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(what)
}

func list(kind string, items []object) object {
	return object{"kind": kind, "apiVersion": "metrics.k8s.io/v1beta1", "metadata": object{}, "items": items}
}

func measured(kind string, metadata object) object {
	return object{
		"kind": kind, "apiVersion": "metrics.k8s.io/v1beta1", "metadata": metadata,
		"timestamp": time.Now().UTC().Format(time.RFC3339), "window": "10s",
	}
}

func nodeMetrics(name string) object {
	node := measured("NodeMetrics", object{"name": name})
	node["usage"] = object{"cpu": "250m", "memory": "512Mi"}
	return node
}

// podMetrics is of one namespace, or of all when none is named.
func (k *kubelet) podMetrics(namespace string) []object {
	k.mu.Lock()
	defer k.mu.Unlock()
	items := []object{}
	for name, r := range k.pods {
		if namespace != "" && name.namespace != namespace {
			continue
		}
		pod := measured("PodMetrics", object{"name": name.name, "namespace": name.namespace})
		containers := []object{}
		for container := range r.containers {
			containers = append(containers, object{"name": container, "usage": object{"cpu": "10m", "memory": "16Mi"}})
		}
		pod["containers"] = containers
		items = append(items, pod)
	}
	return items
}
