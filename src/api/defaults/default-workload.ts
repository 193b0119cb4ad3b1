import type { DaemonSet, Deployment, ReplicaSet, ReplicationController, StatefulSet } from '../objects.ts';
import { defaultPodTemplate } from './default-pod.ts';
import { defaultClaim } from './default-storage.ts';

/** Fills in a Deployment (pkg/apis/apps/v1/defaults.go, SetDefaults_Deployment). */
export function defaultDeployment(deployment: Deployment): void {
  deployment.status ??= {};
  const { spec } = deployment;
  if (spec === undefined) return;
  spec.replicas ??= 1;
  spec.strategy ??= {};
  spec.strategy.type ||= 'RollingUpdate';
  if (spec.strategy.type === 'RollingUpdate') {
    spec.strategy.rollingUpdate ??= {};
    spec.strategy.rollingUpdate.maxUnavailable ??= '25%';
    spec.strategy.rollingUpdate.maxSurge ??= '25%';
  }
  spec.revisionHistoryLimit ??= 10;
  spec.progressDeadlineSeconds ??= 600;
  defaultPodTemplate(spec.template);
}

/** Fills in a ReplicaSet. */
export function defaultReplicaSet(replicaSet: ReplicaSet): void {
  replicaSet.status ??= { replicas: 0 };
  const { spec } = replicaSet;
  if (spec === undefined) return;
  spec.replicas ??= 1;
  defaultPodTemplate(spec.template);
}

/** Fills in a ReplicationController: what its selector and labels do not say, its template does. */
export function defaultReplicationController(controller: ReplicationController): void {
  controller.status ??= { replicas: 0 };
  const { spec } = controller;
  if (spec === undefined) return;
  spec.replicas ??= 1;
  const labels = spec.template?.metadata?.labels;
  if (labels !== undefined) {
    spec.selector ??= { ...labels };
    if (controller.metadata !== undefined) controller.metadata.labels ??= { ...labels };
  }
  defaultPodTemplate(spec.template);
}

/** Fills in a DaemonSet (SetDefaults_DaemonSet). */
export function defaultDaemonSet(daemonSet: DaemonSet): void {
  daemonSet.status ??= { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 };
  const { spec } = daemonSet;
  if (spec === undefined) return;
  spec.updateStrategy ??= {};
  spec.updateStrategy.type ||= 'RollingUpdate';
  if (spec.updateStrategy.type === 'RollingUpdate') {
    spec.updateStrategy.rollingUpdate ??= {};
    spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
    spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
  }
  spec.revisionHistoryLimit ??= 10;
  defaultPodTemplate(spec.template);
}

/** Fills in a StatefulSet (SetDefaults_StatefulSet). */
export function defaultStatefulSet(statefulSet: StatefulSet): void {
  statefulSet.status ??= { replicas: 0, availableReplicas: 0 };
  const { spec } = statefulSet;
  if (spec === undefined) return;
  spec.replicas ??= 1;
  spec.podManagementPolicy ||= 'OrderedReady';
  spec.updateStrategy ??= {};
  spec.updateStrategy.type ||= 'RollingUpdate';
  if (spec.updateStrategy.type === 'RollingUpdate') {
    spec.updateStrategy.rollingUpdate ??= {};
    spec.updateStrategy.rollingUpdate.partition ??= 0;
  }
  spec.persistentVolumeClaimRetentionPolicy ??= {};
  spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= 'Retain';
  spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= 'Retain';
  spec.revisionHistoryLimit ??= 10;
  for (const claim of spec.volumeClaimTemplates ?? []) defaultClaim(claim);
  defaultPodTemplate(spec.template);
}
