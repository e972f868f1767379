# A node of Kubernetes: containerd with a limit, in the words of prlimit(1), and a kubelet with flags.
#
# node.sh FOLDER LIMIT [FLAG...], as the first process of namespaces of its own, network and mounts too. FOLDER holds the
# programs, settings and images that it needs, and gets their logs, and the pods' states in pods.json. When the input
# ends, or the kubelet, so does this, and with it everything that it has started.
set -eu
folder=$1 limit=$2
shift 2
exec 3<&0 </dev/null

# A kubelet gives these of the machine its own values, setupKernelTunables in pkg/kubelet/cm/container_manager_linux.go:
# here it finds them, and by --protect-kernel-defaults it would rather end than write.
mount -t proc proc /proc
while read -r key value; do
    mkdir -p "$folder/tunables/${key%/*}"
    echo "$value" >"$folder/tunables/$key"
    mount --bind "$folder/tunables/$key" "/proc/sys/$key"
done <<END
vm/overcommit_memory 1
vm/panic_on_oom 0
kernel/panic 10
kernel/panic_on_oops 1
kernel/keys/root_maxkeys 1000000
kernel/keys/root_maxbytes 25000000
END
# Whoever looks for its cloud by name is told at once that there is none.
mount --bind "$folder/resolv.conf" /etc/resolv.conf
# What both leave behind in places that no setting moves.
mkdir "$folder/logs"
mount --bind "$folder/logs" /var/log
mount -t tmpfs tmpfs /var/lib
mount -t tmpfs tmpfs /run
[ -e "$folder/kubelet" ] || { echo "$folder can't be below /run, /var/lib or /var/log: TMPDIR names another" >&2; exit 1; }
ip link set lo up

prlimit "$limit" containerd --config "$folder/config.toml" >"$folder/containerd.log" 2>&1 &
# What its part for kubelets says last at its start: an image that comes while that looks for images is never found.
tries=0
until grep -q 'msg="Start streaming server"' "$folder/containerd.log"; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || { echo 'containerd does not start' >&2; exit 1; }
    sleep 0.1
done
ctr --address "$folder/socket" --namespace k8s.io images import "$folder/image.tar" >/dev/null

"$folder/kubelet" --pod-manifest-path="$folder/manifests" --file-check-frequency=1s --hostname-override=node \
    --container-runtime=remote --container-runtime-endpoint="unix://$folder/socket" \
    --protect-kernel-defaults --fail-swap-on=false --make-iptables-util-chains=false --eviction-hard= \
    --cgroup-driver=cgroupfs --cgroup-root="/${folder##*/}" --volume-plugin-dir="$folder/volumes" \
    --resolv-conf="$folder/resolv.conf" --authorization-mode=AlwaysAllow --address=127.0.0.1 --read-only-port=10255 \
    "$@" >"$folder/kubelet.log" 2>&1 &
kubelet=$!
# The states of its pods are for nobody but who is in this network.
while sleep 0.2; do
    "$folder/busybox" wget -q -O "$folder/pods.new" http://127.0.0.1:10255/pods && mv "$folder/pods.new" "$folder/pods.json"
done >/dev/null 2>&1 &
{ read -r _ || kill -KILL "$kubelet"; } <&3 &
wait "$kubelet"
