import type { Kind } from '../../api/kinds/kind.ts';
import type { UnknownObject } from '../../api/objects.ts';
import type { UserInfo } from '../authentication/authenticator.ts';
import type { RegistryAccess } from '../registry/registry-access.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

/** What is about to happen to an object (admission.k8s.io/v1 AdmissionRequest). */
export interface AdmissionAttributes {
  readonly operation: Operation;
  readonly kind: Kind;
  /** The empty string for the object itself. */
  readonly subresource: string;
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  /** Empty on a create with generateName until the name is made. */
  readonly name: string;
  /** Null on DELETE. A mutating plugin alters it in place. On CONNECT the options (PodExecOptions, ...). */
  readonly object: UnknownObject | null;
  /** Null on CREATE and CONNECT. Not to be altered. */
  readonly oldObject: UnknownObject | null;
  /** CreateOptions, UpdateOptions, PatchOptions or DeleteOptions. */
  readonly options: UnknownObject;
  readonly isDryRun: boolean;
  readonly user: UserInfo;
  /** Adds a Warning header to the answer. */
  readonly warn: (text: string) => void;
  readonly registry: RegistryAccess;
}

/**
 * A step of admission. Has `mutate`, `validate` or both. A refusal is a throw, usually of `forbidden(...)`.
 * Mutation runs after defaulting and before validation; defaults are applied again after it. `validate` sees the object
 * as it will be stored, after the strategy's own validation.
 */
export interface AdmissionPlugin {
  readonly name: string;
  /** Whether this plugin wants to see such a request; asked before anything is read. */
  handles(operation: Operation, kind: Kind, subresource: string): boolean;
  mutate?(attributes: AdmissionAttributes, signal: AbortSignal): Promise<void>;
  validate?(attributes: AdmissionAttributes, signal: AbortSignal): Promise<void>;
}

/** The plugins in upstream's order; one that throws ends the request. */
export class AdmissionChain {
  readonly #plugins: readonly AdmissionPlugin[];

  constructor(plugins: readonly AdmissionPlugin[]) {
    this.#plugins = plugins;
  }

  async mutate(attributes: AdmissionAttributes, signal: AbortSignal): Promise<void> {
    for (const plugin of this.#interested(attributes)) await plugin.mutate?.(attributes, signal);
  }

  async validate(attributes: AdmissionAttributes, signal: AbortSignal): Promise<void> {
    for (const plugin of this.#interested(attributes)) await plugin.validate?.(attributes, signal);
  }

  #interested({ operation, kind, subresource }: AdmissionAttributes): readonly AdmissionPlugin[] {
    return this.#plugins.filter((plugin) => plugin.handles(operation, kind, subresource));
  }
}
