import type { Lease, LeaseSpec } from '../api/objects.ts';
import { rfc3339Micro } from '../api/time.ts';

/**
 * Leader election's decisions (client-go tools/leaderelection). Times are the observer's own monotonic milliseconds: the
 * clocks of the boards are never compared.
 */

/** What a candidate saw of the Lease, and when it last saw it change. */
export interface Observed {
  readonly holder: string;
  /** Changes with each renewal: whatever moves in it, somebody lives. */
  readonly fingerprint: string;
  readonly atMs: number;
  readonly durationMs: number;
}

/** What is known after reading `lease`: an unchanged Lease keeps the moment of the first look at it. */
export function observe(before: Observed | undefined, lease: Lease, nowMs: number, defaultMs: number): Observed {
  const { holderIdentity = '', leaseDurationSeconds, renewTime, acquireTime, leaseTransitions } = lease.spec ?? {};
  const fingerprint = [holderIdentity, leaseDurationSeconds, renewTime, acquireTime, leaseTransitions].join(' ');
  if (before?.fingerprint === fingerprint) return before;
  const durationMs = leaseDurationSeconds === undefined ? defaultMs : leaseDurationSeconds * 1000;
  return { holder: holderIdentity, fingerprint, atMs: nowMs, durationMs };
}

/** Whether the candidate may write itself in: nobody holds it, it holds it itself, or its holder let it run out. */
export function mayTake(observed: Observed, identity: string, nowMs: number): boolean {
  if (observed.holder === '' || observed.holder === identity) return true;
  return nowMs - observed.atMs >= observed.durationMs;
}

/** The Lease's spec when `identity` acquires or renews it. @param wallMs for the people who read it */
export function claimed(spec: LeaseSpec | undefined, identity: string, durationMs: number, wallMs: number): LeaseSpec {
  const now = rfc3339Micro(wallMs);
  const isRenewal = spec?.holderIdentity === identity;
  const transitions = spec?.leaseTransitions ?? 0;
  const acquireTime = isRenewal ? spec.acquireTime : undefined;
  return {
    ...spec,
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(durationMs / 1000),
    acquireTime: acquireTime ?? now,
    renewTime: now,
    leaseTransitions: isRenewal || spec === undefined ? transitions : transitions + 1,
  };
}

/** The Lease's spec when its holder goes: anybody may have it at once. */
export function released(spec: LeaseSpec, wallMs: number): LeaseSpec {
  const now = rfc3339Micro(wallMs);
  return { ...spec, holderIdentity: '', leaseDurationSeconds: 1, acquireTime: now, renewTime: now };
}
