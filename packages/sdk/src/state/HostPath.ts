/** The contents of a hostPath, by its path: data, a device, or files that every node has of its own. */

/** Paths without data. */
const scratch =
  /^\/(tmp|run|dev|proc|sys|var\/(tmp|run|log|cache|lock))(\/|$)|\/(tmp|temp|cache|caches|run|logs?|sockets?)(\/|$)/i

/** Directories that a program mounts for itself; a disk of a node may have a similar name. */
const temporary =
  /\/([^/]*[-_.])?(te?mp(fs)?|caches?|scratch|transcod(e|es|ed|ing)|ramdisk|spill|shuffle|(heap|core)[-_]?dumps?)([-_]?(dir|directory|files))?(\/|$)/i

/** True if a container keeps no data at this mount path. */
export const isScratch = (mountPath: string): boolean => scratch.test(mountPath) || temporary.test(mountPath)

/** Files of the node's system, such as its time zone, and what its kubelet and runtime keep: another node has its own. */
const system =
  /^\/(etc\/(localtime|timezone|machine-id|os-release|hosts|hostname|resolv\.conf|nsswitch\.conf|passwd|group|ssl|pki|ca-certificates)|usr\/(share\/(zoneinfo|ca-certificates)|src|bin|sbin|lib\/(modules|systemd))|lib|lib64|bin|sbin|boot|var\/lib\/(kubelet|containerd|docker|containers|cni)|etc\/cni|opt\/cni)(\/|$)/

/**
 * True if data that a pod writes there, mounted at this path, stays behind when it starts on another node.
 */
export const isHostData = (hostPath: string, mountPath: string): boolean =>
  !scratch.test(hostPath) && !isScratch(mountPath) && !system.test(hostPath)

/** Those that a node has whatever hardware it is are none. */
const device = /^\/dev\/(?!(log|shm|fuse|kmsg|net|null|zero|u?random|pts|mqueue|hugepages)(\/|$))./

/** A device of the node's hardware, which another node may lack. */
export const isHostDevice = (hostPath: string): boolean => device.test(hostPath)

/** A pod that has it is at home on its node: for its data there, or for a device that another one may lack. */
export const isOfItsNode = (hostPath: string, mountPath: string): boolean =>
  isHostDevice(hostPath) || isHostData(hostPath, mountPath)
