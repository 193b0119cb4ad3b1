import type { ControllerRevision, Deployment, ReplicaSet } from '../../api/objects.ts';
import { invalid } from '../../api/field-error.ts';
import { immutable } from '../../api/validation/object-meta.ts';
import {
  validateDeployment,
  validateReplicaSet,
  validateReplicaStatus,
  validateWorkloadUpdate,
} from '../../api/validation/workload.ts';
import type { Strategy } from '../registry/strategy.ts';
import { scaleSubresource } from './scale.ts';

const COUNTS = ['replicas', 'readyReplicas', 'availableReplicas', 'observedGeneration'];

/** Deployments (pkg/registry/apps/deployment). */
export const deploymentStrategy: Strategy = {
  validate: (object) => validateDeployment(object as Deployment),
  validateUpdate: (object, old) => validateWorkloadUpdate(object as Deployment, old as Deployment),
  subresources: {
    scale: scaleSubresource,
    status: {
      type: 'update',
      validateUpdate(object, old) {
        const { status = {} } = object as Deployment;
        const errors = validateReplicaStatus({ ...status }, [
          ...COUNTS,
          'updatedReplicas',
          'unavailableReplicas',
          'collisionCount',
        ]);
        const before = (old as Deployment).status?.collisionCount ?? 0;
        if ((status.collisionCount ?? 0) < before)
          errors.push(invalid('status.collisionCount', status.collisionCount, 'cannot be decremented'));
        return errors;
      },
    },
  },
};

/** ReplicaSets (pkg/registry/apps/replicaset). */
export const replicaSetStrategy: Strategy = {
  validate: (object) => validateReplicaSet(object as ReplicaSet),
  validateUpdate: (object, old) => validateWorkloadUpdate(object as ReplicaSet, old as ReplicaSet),
  subresources: {
    scale: scaleSubresource,
    status: {
      type: 'update',
      validateUpdate: (object) =>
        validateReplicaStatus({ ...(object as ReplicaSet).status }, [...COUNTS, 'fullyLabeledReplicas']),
    },
  },
};

/** ControllerRevisions: history does not change, only its numbering (pkg/registry/apps/controllerrevision). */
export const controllerRevisionStrategy: Strategy = {
  validate(object) {
    const { revision = 0 } = object as Partial<ControllerRevision>;
    return revision < 0 ? [invalid('revision', revision, 'must be greater than or equal to 0')] : [];
  },
  validateUpdate: (object, old) => immutable('data', object['data'], old['data']),
};
