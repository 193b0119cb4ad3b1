import type { CertificateSigningRequest, UnknownObject } from '../../api/objects.ts';
import { rfc3339 } from '../../api/time.ts';
import {
  validateCertificateRequest,
  validateCertificateRequestUpdate,
} from '../../api/validation/certificate-request.ts';
import type { Strategy } from '../registry/strategy.ts';

type Request = CertificateSigningRequest;
type Condition = NonNullable<NonNullable<Request['status']>['conditions']>[number];

/** Who asks is taken from the request, never from the object (pkg/registry/certificates/certificates). */
export const certificateRequestStrategy: Strategy = {
  prepareForCreate(object, { user }) {
    const request = object as unknown as Request;
    const extra = Object.fromEntries(Object.entries(user.extra).map(([key, values]) => [key, [...values]]));
    const { username: _name, uid: _uid, groups: _groups, extra: _extra, ...asked } = request.spec;
    request.spec = {
      ...asked,
      username: user.name,
      ...(user.uid === '' ? {} : { uid: user.uid }),
      groups: [...user.groups],
      ...(Object.keys(extra).length === 0 ? {} : { extra }),
    };
    request.status = {};
  },
  validate: (object) => validateCertificateRequest(object as unknown as Request),
  prepareForUpdate(object, old) {
    keep(object, old, 'spec');
  },
  validateUpdate: (object, old) =>
    validateCertificateRequestUpdate(object as unknown as Request, old as unknown as Request, false),
  subresources: {
    approval: {
      type: 'update',
      /** Only conditions change here; times are the server's where the client gave none. */
      prepareForUpdate(object, old, { nowMs }) {
        const request = object as unknown as Request;
        const conditions = withTimes(request.status?.conditions ?? [], old as unknown as Request, nowMs);
        keep(object, old, 'spec');
        const before = (old as unknown as Request).status ?? {};
        request.status = { ...before, conditions };
      },
      validateUpdate: (object, old) => {
        const now = object as unknown as Request;
        const before = old as unknown as Request;
        return [...validateCertificateRequest(now), ...validateCertificateRequestUpdate(now, before, true)];
      },
    },
    status: {
      type: 'update',
      prepareForUpdate(object, old, { nowMs }) {
        const request = object as unknown as Request;
        const before = old as unknown as Request;
        const isDecision = ({ type }: Condition): boolean => type === 'Approved' || type === 'Denied';
        // A signer issues or fails; whether the request is approved is not its to change (preserveConditionInstances).
        const conditions = [
          ...(before.status?.conditions ?? []).filter(isDecision),
          ...(request.status?.conditions ?? []).filter((condition) => !isDecision(condition)),
        ];
        if (conditions.length > 0)
          request.status = { ...request.status, conditions: withTimes(conditions, before, nowMs) };
      },
      validateUpdate: (object, old) => {
        const now = object as unknown as Request;
        const before = old as unknown as Request;
        return [...validateCertificateRequest(now), ...validateCertificateRequestUpdate(now, before, false)];
      },
    },
  },
};

function keep(object: UnknownObject, old: UnknownObject, field: string): void {
  object[field] = structuredClone(old[field]);
}

function withTimes(conditions: readonly Condition[], old: Request, nowMs: number): Condition[] {
  const now = rfc3339(nowMs);
  return conditions.map((condition) => {
    const before = old.status?.conditions?.find(({ type }) => type === condition.type);
    return {
      ...condition,
      lastUpdateTime: condition.lastUpdateTime ?? before?.lastUpdateTime ?? now,
      lastTransitionTime: condition.lastTransitionTime ?? before?.lastTransitionTime ?? now,
    };
  });
}
