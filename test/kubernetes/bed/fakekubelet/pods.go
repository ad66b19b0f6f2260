package main

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"sync"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

type podName struct{ namespace, name string }

// running is a pod that has been started here.
type running struct {
	uid        types.UID
	containers map[string]*container
	failed     map[string]error
}

// kubelet brings pods about: one that asks for no node gets this one, one that is to be deleted is gone at once.
type kubelet struct {
	client kubernetes.Interface
	node   string
	root   string
	again  chan podName

	mu   sync.Mutex
	pods map[podName]*running
}

func newKubelet(client kubernetes.Interface, node, root string) *kubelet {
	return &kubelet{client: client, node: node, root: root, again: make(chan podName, 1000), pods: map[podName]*running{}}
}

// follow looks at each pod whenever it changes, and when one of its containers ends; one after the other.
func (k *kubelet) follow(ctx context.Context) {
	factory := informers.NewSharedInformerFactory(k.client, 0)
	pods := factory.Core().V1().Pods()
	look := func(object any) {
		if pod, ok := object.(*v1.Pod); ok {
			k.again <- podName{pod.Namespace, pod.Name}
		}
	}
	pods.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    look,
		UpdateFunc: func(_, object any) { look(object) },
		DeleteFunc: func(object any) {
			if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = gone.Obj
			}
			look(object)
		},
	})
	factory.Start(ctx.Done())
	for {
		select {
		case <-ctx.Done():
			return
		case name := <-k.again:
			pod, err := pods.Lister().Pods(name.namespace).Get(name.name)
			if err != nil {
				k.forget(name)
			} else if err := k.look(ctx, name, pod); err != nil {
				// What changed meanwhile is seen again by its own event.
				klog.InfoS("not yet", "pod", name, "err", err)
			}
		}
	}
}

func (k *kubelet) look(ctx context.Context, name podName, pod *v1.Pod) error {
	pods := k.client.CoreV1().Pods(pod.Namespace)
	switch {
	case pod.Spec.NodeName == "" && pod.DeletionTimestamp == nil:
		return pods.Bind(ctx, &v1.Binding{
			ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
			Target:     v1.ObjectReference{Kind: "Node", Name: k.node},
		}, metav1.CreateOptions{})
	case pod.Spec.NodeName != k.node:
		return nil
	case pod.DeletionTimestamp != nil:
		k.forget(name)
		now := metav1.NewDeleteOptions(0)
		now.Preconditions = metav1.NewUIDPreconditions(string(pod.UID))
		return pods.Delete(ctx, pod.Name, *now)
	}
	r, err := k.start(name, pod)
	if err != nil {
		return err
	}
	status := statusOf(pod, r)
	if reflect.DeepEqual(status, pod.Status) {
		return nil
	}
	changed := pod.DeepCopy()
	changed.Status = status
	_, err = pods.UpdateStatus(ctx, changed, metav1.UpdateOptions{})
	return err
}

// start starts what of the pod does not run yet; a container that has ended stays so, whatever its restart policy.
func (k *kubelet) start(name podName, pod *v1.Pod) (*running, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := k.pods[name]
	if r == nil || r.uid != pod.UID {
		r = &running{uid: pod.UID, containers: map[string]*container{}, failed: map[string]error{}}
		k.pods[name] = r
	}
	if err := os.MkdirAll(k.folder(name), 0o755); err != nil {
		return nil, err
	}
	for _, spec := range containersOf(pod) {
		if r.containers[spec.Name] != nil || r.failed[spec.Name] != nil {
			continue
		}
		log := filepath.Join(k.root, "logs", name.namespace+"_"+name.name+"_"+spec.Name)
		executor := executor{folder: k.folder(name), hostname: name.name}
		c, err := startContainer(executor, log, &spec, func() { k.again <- name })
		if err != nil {
			r.failed[spec.Name] = err
		} else {
			r.containers[spec.Name] = c
		}
	}
	return r, nil
}

// containersOf is the pod's own containers and those that kubectl debug adds.
func containersOf(pod *v1.Pod) []v1.Container {
	all := append([]v1.Container{}, pod.Spec.Containers...)
	for _, debug := range pod.Spec.EphemeralContainers {
		all = append(all, v1.Container(debug.EphemeralContainerCommon))
	}
	return all
}

func (k *kubelet) folder(pod podName) string {
	return filepath.Join(k.root, "pods", pod.namespace, pod.name)
}

func (k *kubelet) container(pod podName, name string) *container {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r := k.pods[pod]; r != nil {
		return r.containers[name]
	}
	return nil
}

func (k *kubelet) forget(name podName) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r := k.pods[name]; r != nil {
		for _, c := range r.containers {
			c.kill()
		}
		delete(k.pods, name)
		os.RemoveAll(k.folder(name))
	}
}

func (k *kubelet) killAll() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range k.pods {
		for _, c := range r.containers {
			c.kill()
		}
	}
}
