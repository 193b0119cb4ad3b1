import type {
  Binding,
  ConfigMap,
  CoreEvent,
  EndpointSlice,
  Endpoints,
  KubeObject,
  Lease,
  Node,
  Secret,
} from '../../api/objects.ts';
import {
  validateConfigMap,
  validateConfigMapUpdate,
  validateSecret,
  validateSecretUpdate,
} from '../../api/validation/config.ts';
import {
  validateEndpoints,
  validateEndpointSlice,
  validateEndpointSliceUpdate,
} from '../../api/validation/endpoints.ts';
import { validateEvent, validateEventUpdate, validateNewEvent } from '../../api/validation/event.ts';
import { validateLease } from '../../api/validation/lease.ts';
import { validateNode, validateNodeUpdate } from '../../api/validation/node.ts';
import { toStoredEvent } from '../registry/event-conversion.ts';
import type { Strategy } from '../registry/strategy.ts';
import { bindPod } from './pod-binding.ts';
import { SUCCESS } from './success.ts';

/** Events live so long, as upstream's --event-ttl. */
const EVENT_TTL_SECONDS = 3600;

export const configMapStrategy: Strategy = {
  validate: (object) => validateConfigMap(object as ConfigMap),
  validateUpdate: (object, old) => validateConfigMapUpdate(object as ConfigMap, old as ConfigMap),
};

export const secretStrategy: Strategy = {
  validate: (object) => validateSecret(object as Secret),
  validateUpdate: (object, old) => validateSecretUpdate(object as Secret, old as Secret),
};

/** A kubelet registers its Node with its status. */
export const nodeStrategy: Strategy = {
  keepsStatusOnCreate: true,
  validate: (object) => validateNode(object as Node),
  validateUpdate: (object, old) => validateNodeUpdate(object as Node, old as Node),
  selectableField: (object, path) =>
    path === 'spec.unschedulable' ? String((object as Node).spec?.unschedulable ?? false) : undefined,
  subresources: {
    status: {
      type: 'update',
      validateUpdate: (object) => validateNode(object as Node).filter(({ field }) => field.startsWith('status.')),
    },
  },
};

export const endpointsStrategy: Strategy = {
  allowCreateOnUpdate: true,
  validate: (object) => validateEndpoints(object as Endpoints),
};

export const endpointSliceStrategy: Strategy = {
  validate: (object) => validateEndpointSlice(object as unknown as EndpointSlice),
  validateUpdate: (object, old) =>
    validateEndpointSliceUpdate(object as unknown as EndpointSlice, old as unknown as EndpointSlice),
};

export const leaseStrategy: Strategy = {
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
  validate: (object) => validateLease(object as Lease),
};

/** Events, in whichever of their two groups: the rules are those of the form that is stored. */
export const eventStrategy: Strategy = {
  allowCreateOnUpdate: true,
  ttlSeconds: () => EVENT_TTL_SECONDS,
  validate: (object) => {
    const isNew = object.apiVersion !== 'v1' && !object.metadata?.resourceVersion;
    const stored = storedForm(object);
    return [...validateEvent(stored), ...(isNew ? validateNewEvent(stored) : [])];
  },
  validateUpdate: (object, old) => validateEventUpdate(storedForm(object), storedForm(old)),
  selectableField(object, path) {
    if (path !== 'source') return undefined;
    const { source, reportingComponent } = object as unknown as CoreEvent;
    return source?.component ?? reportingComponent ?? '';
  },
};

function storedForm(object: KubeObject): CoreEvent {
  if (object.apiVersion === 'v1') return object as CoreEvent;
  return toStoredEvent({ ...object }) as unknown as CoreEvent;
}

/** POST bindings: the older way of POST pods/binding. */
export const bindingsStrategy: Strategy = {
  async review(object, context) {
    await bindPod(object as unknown as Binding, context);
    return SUCCESS;
  },
};
