"""What kubelets and containerd use outside of the cluster's folder."""

# Each is a tmpfs in the cluster's mount namespace. A folder that the machine does not have is created for the mount.
PRIVATE_FOLDERS = (
    "/run/containerd",
    "/run/netns",
    "/var/log/containers",
    "/var/log/pods",
    "/var/lib/kubelet",
    "/var/lib/cni",
    "/usr/libexec/kubernetes",
    "/opt/containerd",
)
# A kubelet sets these for the whole machine.
SYSCTLS = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)
