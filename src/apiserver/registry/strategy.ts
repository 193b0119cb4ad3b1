import type { FieldError } from '../../api/field-error.ts';
import type { DeleteOptions, UnknownObject } from '../../api/objects.ts';
import type { Kind } from '../../api/kinds/kind.ts';
import type { UserInfo } from '../authentication/authenticator.ts';
import type { RegistryAccess } from './registry-access.ts';

/** What a strategy knows of the request it serves. */
export interface StrategyContext {
  readonly kind: Kind;
  /** The empty string for the object itself. */
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly user: UserInfo;
  readonly isDryRun: boolean;
  readonly registry: RegistryAccess;
  /** Wall clock of this request, milliseconds since 1970. */
  readonly nowMs: number;
  /** Adds a Warning header to the answer. */
  readonly warn: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Something taken for a write that may still fail, such as a cluster IP: kept by commit, given back by rollback. */
export interface Reservation {
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

/** The rules of writing an existing object, or one subresource of it (`status`, `approval`, `finalize`, ...). */
export interface UpdateRules {
  /** Takes over from `old` what this path may not change (a status write keeps spec, a spec write keeps status). In place. */
  prepareForUpdate?(object: UnknownObject, old: UnknownObject, context: StrategyContext): void | Promise<void>;
  validateUpdate?(object: UnknownObject, old: UnknownObject, context: StrategyContext): readonly FieldError[];
}

/** A subresource whose POST does something other than storing its body: binding, eviction, token. */
export interface CreateSubresource {
  /** The answer's body and code (default 201). `object` is the decoded, schema-checked body. */
  create(object: UnknownObject, context: StrategyContext): Promise<UnknownObject>;
}

/** A subresource that is another view of the object: scale. */
export interface ViewSubresource {
  view(object: UnknownObject, context: StrategyContext): UnknownObject;
  /** Carries the view's changes into `object`, in place. Errors of the view's own fields are returned. */
  apply(view: UnknownObject, object: UnknownObject, context: StrategyContext): readonly FieldError[];
}

export type SubresourceStrategy =
  | ({ readonly type: 'update' } & UpdateRules)
  | ({ readonly type: 'create' } & CreateSubresource)
  | ({ readonly type: 'view' } & ViewSubresource);

/** How an object with a grace period goes: how long, counted from now, and what to change on it meanwhile. */
export interface GracefulDeletion {
  /** 0: at once. */
  readonly graceSeconds: number;
}

/**
 * What is special about a kind; everything absent is as for the generic kind (registry/generic-strategy.ts): status is
 * reset on create, kept on update when the kind has a status subresource, `generation` counts spec changes, metadata is
 * validated, names are DNS subdomains.
 *
 * Order on create: defaults, (mutating admission, defaults again,) prepareForCreate, metadata filled, validate,
 * canonicalize, (validating admission,) beginCreate, store. On update: defaults, mutating admission, defaults again,
 * prepareForUpdate, metadata checked, validate, validateUpdate, canonicalize, validating admission, beginUpdate, store.
 */
export interface Strategy extends UpdateRules {
  /** Fills the defaults of the kind's schema, in place and idempotent; also run on what is read back from the store. */
  defaults?(object: UnknownObject): void;
  prepareForCreate?(object: UnknownObject, context: StrategyContext): void | Promise<void>;
  /** Errors apart from those of metadata, in upstream's order. Called on create and (before validateUpdate) on update. */
  validate?(object: UnknownObject, context: StrategyContext): readonly FieldError[];
  /** Errors in a name, without the field: upstream's ValidateNameFunc. Default: DNS subdomain. */
  validateName?(name: string, isPrefix: boolean): readonly string[];
  /** Brings equal objects to equal bytes, in place. */
  canonicalize?(object: UnknownObject): void;
  /** Whether a create keeps the status that came with it (nodes). */
  readonly keepsStatusOnCreate?: boolean;
  /** Whether DELETE answers with the object instead of a Status (pods, services, ...). */
  readonly returnsDeletedObject?: boolean;
  /** Whether PUT on a name that is not there creates it. Default false. */
  readonly allowCreateOnUpdate?: boolean;
  /** Whether PUT without a resourceVersion overwrites. Default true; false: 'metadata.resourceVersion: must be specified for an update'. */
  readonly allowUnconditionalUpdate?: boolean;
  /** Reservations for the write, taken after validation. Alters the object in place (clusterIP, nodePort). */
  beginCreate?(object: UnknownObject, context: StrategyContext): Promise<Reservation>;
  beginUpdate?(object: UnknownObject, old: UnknownObject, context: StrategyContext): Promise<Reservation>;
  /** After the object is stored, or gone. A failure is logged, it does not undo. */
  afterCreate?(object: UnknownObject, context: StrategyContext): Promise<void>;
  afterDelete?(object: UnknownObject, context: StrategyContext): Promise<void>;
  /** Present: this kind is deleted gracefully (pods). */
  gracefulDeletion?(object: UnknownObject, options: DeleteOptions): GracefulDeletion;
  /** Whether the object may be removed now that nothing of metadata holds it (namespaces: spec.finalizers empty). */
  isRemovable?(object: UnknownObject): boolean;
  /** Marks a deletion on the object, in place, when it cannot be removed at once (namespaces: status.phase). */
  markDeleting?(object: UnknownObject): void;
  /** Present: the kind is never stored; POST answers with this (TokenReview, access reviews, Binding). */
  review?(object: UnknownObject, context: StrategyContext): Promise<UnknownObject>;
  /** Seconds an object lives in the store (Events: 3600). Absent: for ever. */
  ttlSeconds?(object: UnknownObject): number | undefined;
  /** Value of a selectable field that is not simply found at its path (Event `source`, Pod `spec.hostNetwork`). */
  selectableField?(object: UnknownObject, path: string): string | undefined;
  /** By subresource name. `status` has a generic one when the row names it; an entry here replaces it. */
  readonly subresources?: Readonly<Record<string, SubresourceStrategy>>;
}
