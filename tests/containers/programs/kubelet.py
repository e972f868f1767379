"""What a kubelet does with the manifest of a pod of one container, by the Container Runtime Interface.

kubelet.py SOCKET FOLDER [FLAG...] < POD.yaml: reads the manifest by the schema of Kubernetes, lets the pod have the
sysctls that the flags allow, starts it, prints what the container said and ends with its code.

No package has a kubelet. What is taken from its sources is named where it stands. Messages to the runtime are those of
k8s.io/cri-api/pkg/apis/runtime/v1/api.proto, by the numbers of their fields.
"""

import argparse
import contextlib
import io
import pathlib
import sys
import time

import grpc
import kubernetes_validate
import yaml

POD_NAMESPACE, OWN_NAMESPACE = 0, 1  # NamespaceMode
EXITED = 2  # ContainerState

# pkg/kubelet/sysctl/safe_sysctls.go
SAFE = """kernel.shm_rmid_forced net.ipv4.ip_local_port_range net.ipv4.tcp_syncookies net.ipv4.ping_group_range
    net.ipv4.ip_unprivileged_port_start net.ipv4.ip_local_reserved_ports net.ipv4.tcp_keepalive_time
    net.ipv4.tcp_fin_timeout net.ipv4.tcp_keepalive_intvl net.ipv4.tcp_keepalive_probes net.ipv4.tcp_rmem
    net.ipv4.tcp_wmem""".split()
# k8s.io/component-helpers/node/util/sysctl/namespace.go: a kubelet that is to allow any other does not start.
NAMESPACED = ("kernel.sem", "kernel.shm", "kernel.msg", "fs.mqueue.", "net.")
# pkg/securitycontext/util.go
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


def varint(number):
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    return bytes(encoded) + bytes([number])


def message(fields):
    """Numbers, texts, messages and lists of these, by the number of the field."""
    encoded = b""
    for number, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, int):
                encoded += varint(number << 3) + varint(one)
            else:
                body = one.encode() if isinstance(one, str) else message(one)
                encoded += varint(number << 3 | 2) + varint(len(body)) + body
    return encoded


def fields(encoded):
    """The last value of each field: numbers, and bytes for all else."""
    found, stream = {}, io.BytesIO(encoded)

    def number():
        value = shift = 0
        while (byte := stream.read(1)[0]) > 127:
            value |= (byte & 127) << shift
            shift += 7
        return value | byte << shift

    while stream.tell() < len(encoded):
        tag, value = number(), number()
        found[tag >> 3] = stream.read(value) if tag & 7 == 2 else value
    return found


def admitted(sysctls, allowed):
    """pkg/kubelet/sysctl/allowlist.go"""
    for name in allowed:
        if not name.startswith(NAMESPACED):
            sys.exit(f"kubelet: the sysctls {name} are not known to be namespaced")
    for sysctl in sysctls:
        if sysctl["name"] not in SAFE + allowed:
            sys.exit(f"SysctlForbidden: {sysctl['name']} is not allowed")
    return [{1: sysctl["name"], 2: sysctl["value"]} for sysctl in sysctls]


@contextlib.contextmanager
def pod_group(name, most):
    """The group that all containers of the pod are in, pkg/kubelet/cm/pod_container_manager_linux.go."""
    tree = pathlib.Path("/sys/fs/cgroup/pids")
    group = (tree if tree.exists() else tree.parent) / name
    group.mkdir()
    try:
        (group / "pids.max").write_text(str(most) if most else "max")
        yield f"/{name}"
    finally:
        for hierarchy in [pathlib.Path("/sys/fs/cgroup"), *pathlib.Path("/sys/fs/cgroup").iterdir()]:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                (hierarchy / name).rmdir()


def main():
    flags = argparse.ArgumentParser()
    flags.add_argument("socket")
    flags.add_argument("folder", type=pathlib.Path)
    flags.add_argument("--allowed-unsafe-sysctls", action="append", default=[])
    flags.add_argument("--pod-max-pids", type=int)
    flags = flags.parse_args()
    pod = yaml.safe_load(sys.stdin)
    kubernetes_validate.validate(pod, "1.37", strict=True)

    channel = grpc.insecure_channel(f"unix://{flags.socket}")

    def call(method, request):
        return fields(channel.unary_unary(f"/runtime.v1.RuntimeService/{method}")(message(request), timeout=60))

    spec = pod["spec"]
    container = spec["containers"][0]
    sysctls = admitted(spec["securityContext"]["sysctls"], flags.allowed_unsafe_sysctls)
    name = f"{pod['metadata']['name']}-{time.time_ns()}"
    paths = {volume["name"]: volume["hostPath"]["path"] for volume in spec.get("volumes", [])}
    mounts = [{1: at["mountPath"], 2: paths[at["name"]], 3: 1} for at in container.get("volumeMounts", [])]
    namespaces = {1: POD_NAMESPACE, 2: OWN_NAMESPACE, 3: POD_NAMESPACE}
    with pod_group(name, flags.pod_max_pids) as group:
        sandbox = {
            1: {1: name, 2: name, 3: "default"},
            2: name,
            3: str(flags.folder),
            8: {1: group, 2: {1: namespaces}, 3: sysctls},
        }
        sandbox_id = call("RunPodSandbox", {1: sandbox})[1].decode()
        try:
            config = {
                1: {1: container["name"]},
                2: {1: container["image"]},
                3: container["command"],
                # Every container is told where the API server is, and that is how it knows that it is in a pod.
                6: [{1: "KUBERNETES_SERVICE_HOST", 2: "10.96.0.1"}],
                7: mounts,
                11: f"{name}.log",
                15: {2: {3: namespaces, 14: READ_ONLY}},
            }
            container_id = call("CreateContainer", {1: sandbox_id, 2: config, 3: sandbox})[1].decode()
            call("StartContainer", {1: container_id})
            status, end = {}, time.monotonic() + 60
            while status.get(3) != EXITED:
                if time.monotonic() > end:
                    sys.exit("the service has not ended")
                time.sleep(0.05)
                status = fields(call("ContainerStatus", {1: container_id})[1])
            # TIME STREAM KIND TEXT: a part of a line (P) does not end where its text does.
            for line in (flags.folder / f"{name}.log").read_text().splitlines():
                _, stream, kind, text = line.split(" ", 3)
                print(text, end="" if kind == "P" else "\n", file=getattr(sys, stream))
            return status.get(7, 0)
        finally:
            call("StopPodSandbox", {1: sandbox_id})
            call("RemovePodSandbox", {1: sandbox_id})


sys.exit(main())
