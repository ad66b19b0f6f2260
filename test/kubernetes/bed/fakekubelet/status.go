package main

import (
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// statusOf is what a kubelet would say of the pod; times are whole seconds, as the API keeps them.
func statusOf(pod *v1.Pod, r *running) v1.PodStatus {
	status := *pod.Status.DeepCopy()
	if status.StartTime == nil {
		now := metav1.Now().Rfc3339Copy()
		status.StartTime = &now
	}
	status.HostIP, status.PodIP = "127.0.0.1", "127.0.0.1"
	status.HostIPs, status.PodIPs = []v1.HostIP{{IP: "127.0.0.1"}}, []v1.PodIP{{IP: "127.0.0.1"}}
	status.ContainerStatuses = nil
	for _, spec := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, containerStatus(spec.Name, spec.Image, r))
	}
	status.EphemeralContainerStatuses = nil
	for _, spec := range pod.Spec.EphemeralContainers {
		status.EphemeralContainerStatuses = append(status.EphemeralContainerStatuses, containerStatus(spec.Name, spec.Image, r))
	}
	status.Phase = phaseOf(pod, status.ContainerStatuses)
	status.Conditions = conditionsOf(pod, status.Phase)
	return status
}

func containerStatus(name, image string, r *running) v1.ContainerStatus {
	status := v1.ContainerStatus{Name: name, Image: image, ImageID: "none", ContainerID: "process://" + string(r.uid) + "/" + name}
	c := r.containers[name]
	if c == nil {
		status.State.Terminated = &v1.ContainerStateTerminated{ExitCode: 128, Reason: "StartError", Message: r.failed[name].Error()}
		return status
	}
	started := metav1.NewTime(c.started).Rfc3339Copy()
	if !c.ends() {
		yes := true
		status.State.Running = &v1.ContainerStateRunning{StartedAt: started}
		status.Ready, status.Started = true, &yes
		return status
	}
	reason := "Completed"
	if c.code != 0 {
		reason = "Error"
	}
	status.State.Terminated = &v1.ContainerStateTerminated{
		ExitCode: int32(c.code), Reason: reason, StartedAt: started, FinishedAt: metav1.NewTime(c.finished).Rfc3339Copy(),
	}
	return status
}

func phaseOf(pod *v1.Pod, containers []v1.ContainerStatus) v1.PodPhase {
	failed := false
	for _, c := range containers {
		if c.State.Terminated == nil {
			return v1.PodRunning
		}
		failed = failed || c.State.Terminated.ExitCode != 0
	}
	switch {
	case pod.Spec.RestartPolicy == v1.RestartPolicyAlways:
		return v1.PodRunning
	case failed:
		return v1.PodFailed
	default:
		return v1.PodSucceeded
	}
}

// conditionsOf keeps the time of a condition that has not changed.
func conditionsOf(pod *v1.Pod, phase v1.PodPhase) []v1.PodCondition {
	ready := v1.ConditionFalse
	if phase == v1.PodRunning {
		ready = v1.ConditionTrue
	}
	conditions := []v1.PodCondition{
		{Type: v1.PodScheduled, Status: v1.ConditionTrue},
		{Type: v1.PodInitialized, Status: v1.ConditionTrue},
		{Type: v1.ContainersReady, Status: ready},
		{Type: v1.PodReady, Status: ready},
	}
	for i := range conditions {
		conditions[i].LastTransitionTime = metav1.Now().Rfc3339Copy()
		for _, before := range pod.Status.Conditions {
			if before.Type == conditions[i].Type && before.Status == conditions[i].Status {
				conditions[i].LastTransitionTime = before.LastTransitionTime
			}
		}
	}
	return conditions
}
