/** A list, and an exec with an exit code, by the Python client; prints one line of JSON. */
export const PYTHON_LIST_AND_EXEC = `
import json
from kubernetes import client, config
from kubernetes.stream import stream
config.load_kube_config()
core = client.CoreV1Api()
names = sorted(pod.metadata.name for pod in core.list_namespaced_pod("dev").items)
ran = stream(core.connect_get_namespaced_pod_exec, "web-0", "dev", container="main",
             command=["sh", "-c", "echo out; echo err >&2; exit 5"],
             stdin=False, stdout=True, stderr=True, tty=False, _preload_content=False)
ran.run_forever(timeout=30)
print(json.dumps({"names": names, "out": ran.read_stdout(), "err": ran.read_stderr(), "code": ran.returncode}))
`;
