import { KindTable } from '../../../src/api/kinds/kind-table.ts';
import { KINDS } from '../../../src/api/kinds/rows.ts';
import type { UnknownObject } from '../../../src/api/objects.ts';
import { systemClock } from '../../../src/host/clock.ts';
import { silentLog } from '../../../src/host/log.ts';
import { AdmissionChain } from '../../../src/apiserver/admission/admission.ts';
import { SYSTEM_USER } from '../../../src/apiserver/authentication/authenticator.ts';
import type { ObjectRequest } from '../../../src/apiserver/registry/core.ts';
import { Registry } from '../../../src/apiserver/registry/registry.ts';
import type { Strategy } from '../../../src/apiserver/registry/strategy.ts';
import { MemoryStorage } from '../memory-storage.ts';

export interface TestRegistry {
  readonly registry: Registry;
  readonly storage: MemoryStorage;
  /** A request for a ConfigMap of namespace x. */
  readonly request: (name: string, more?: Partial<ObjectRequest>) => ObjectRequest;
}

/** A registry over memory, without admission. */
export function testRegistry(strategy: Strategy = {}): TestRegistry {
  const storage = new MemoryStorage();
  const registry = new Registry({
    storage,
    kinds: new KindTable(KINDS),
    strategies: new Map([['configmaps', strategy]]),
    admission: new AdmissionChain([]),
    clock: systemClock,
    log: silentLog,
  });
  const kind = registry.kinds.byResource('configmaps');
  if (kind === undefined) throw new Error('no ConfigMap row');
  return {
    registry,
    storage,
    request: (name, more = {}) => ({
      view: registry.view(kind),
      subresource: '',
      namespace: 'x',
      name,
      user: SYSTEM_USER,
      isDryRun: false,
      options: {},
      warn: () => undefined,
      signal: new AbortController().signal,
      isAdmitted: true,
      ...more,
    }),
  };
}

export function configMap(name: string, more: Partial<UnknownObject> = {}): UnknownObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', ...more, metadata: { name, ...more.metadata } };
}
