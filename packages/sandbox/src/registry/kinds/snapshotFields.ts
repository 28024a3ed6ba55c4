/** The fields that the definitions of snapshots and of groups name. */
import type { FieldTable } from "../../apimachinery/ResourceType.ts"

const any = "any"

const error: FieldTable = { message: any, time: any }

const reference: FieldTable = {
  apiVersion: any,
  fieldPath: any,
  kind: any,
  name: any,
  namespace: any,
  resourceVersion: any,
  uid: any
}

export const volumeSnapshot: FieldTable = {
  spec: {
    source: { persistentVolumeClaimName: any, volumeSnapshotContentName: any },
    volumeSnapshotClassName: any
  },
  status: {
    boundVolumeSnapshotContentName: any,
    creationTime: any,
    error,
    readyToUse: any,
    restoreSize: any,
    volumeGroupSnapshotName: any
  }
}

export const volumeSnapshotContent: FieldTable = {
  spec: {
    deletionPolicy: any,
    driver: any,
    source: { snapshotHandle: any, volumeHandle: any },
    sourceVolumeMode: any,
    volumeSnapshotClassName: any,
    volumeSnapshotRef: reference
  },
  status: {
    creationTime: any,
    error,
    readyToUse: any,
    restoreSize: any,
    snapshotHandle: any,
    volumeGroupSnapshotHandle: any
  }
}

/** Of a snapshot and of a group. */
export const snapshotClass: FieldTable = { deletionPolicy: any, driver: any, parameters: any }

export const volumeGroupSnapshot: FieldTable = {
  spec: {
    source: {
      selector: { matchExpressions: [{ key: any, operator: any, values: any }], matchLabels: any },
      volumeGroupSnapshotContentName: any
    },
    volumeGroupSnapshotClassName: any
  },
  status: { boundVolumeGroupSnapshotContentName: any, creationTime: any, error, readyToUse: any }
}

export const volumeGroupSnapshotContent: FieldTable = {
  spec: {
    deletionPolicy: any,
    driver: any,
    source: {
      groupSnapshotHandles: { volumeGroupSnapshotHandle: any, volumeSnapshotHandles: any },
      volumeHandles: any
    },
    volumeGroupSnapshotClassName: any,
    volumeGroupSnapshotRef: reference
  },
  status: {
    creationTime: any,
    error,
    readyToUse: any,
    volumeGroupSnapshotHandle: any,
    // Until v1beta1, and since.
    volumeSnapshotHandlePairList: [{ snapshotHandle: any, volumeHandle: any }],
    volumeSnapshotInfoList: [
      { creationTime: any, readyToUse: any, restoreSize: any, snapshotHandle: any, volumeHandle: any }
    ]
  }
}
