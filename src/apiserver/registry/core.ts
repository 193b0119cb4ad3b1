import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import type { KindTable } from '../../api/kinds/kind-table.ts';
import type { Kind } from '../../api/kinds/kind.ts';
import type { UnknownObject } from '../../api/objects.ts';
import type { AdmissionAttributes, AdmissionChain, Operation } from '../admission/admission.ts';
import type { UserInfo } from '../authentication/authenticator.ts';
import type { Storage } from '../storage/storage.ts';
import type { WatchCaches } from '../watch/watch-caches.ts';
import type { KindView } from './kind-view.ts';
import type { RegistryAccess } from './registry-access.ts';
import type { Turns } from './turns.ts';
import type { StrategyContext } from './strategy.ts';

/** What every operation of the registry works with. */
export interface RegistryCore {
  readonly storage: Storage;
  readonly caches: WatchCaches;
  readonly kinds: KindTable;
  readonly admission: AdmissionChain;
  /** The registry as inner parts see it. */
  readonly access: RegistryAccess;
  readonly clock: Clock;
  readonly log: Log;
  /** For writers who have lost a race for a key. */
  readonly turns: Turns;
  view(kind: Kind): KindView;
}

/** One operation on one object or collection. */
export interface ObjectRequest {
  readonly view: KindView;
  /** The empty string for the object itself. */
  readonly subresource: string;
  /** Empty for cluster-scoped kinds. */
  readonly namespace: string;
  /** Empty on create. */
  readonly name: string;
  readonly user: UserInfo;
  readonly isDryRun: boolean;
  /** CreateOptions, UpdateOptions, PatchOptions, DeleteOptions. */
  readonly options: UnknownObject;
  readonly warn: (text: string) => void;
  readonly signal: AbortSignal;
  /** False for the API server's own writes. */
  readonly isAdmitted: boolean;
}

/** What a strategy is told of the request. */
export function strategyContext(core: RegistryCore, request: ObjectRequest): StrategyContext {
  const { view, subresource, namespace, name, user, isDryRun, warn, signal } = request;
  const nowMs = core.clock.nowMs();
  return { kind: view.kind, subresource, namespace, name, user, isDryRun, warn, signal, nowMs, registry: core.access };
}

/** What admission plugins are told of the request; `object` is null on delete, `oldObject` on create. */
export function admissionAttributes(
  core: RegistryCore,
  request: ObjectRequest,
  operation: Operation,
  object: UnknownObject | null,
  oldObject: UnknownObject | null,
): AdmissionAttributes {
  const { view, subresource, namespace, user, isDryRun, options, warn } = request;
  const name = request.name === '' ? (object?.metadata?.name ?? '') : request.name;
  const registry = core.access;
  return {
    operation,
    kind: view.kind,
    subresource,
    namespace,
    name,
    object,
    oldObject,
    options,
    isDryRun,
    user,
    warn,
    registry,
  };
}
