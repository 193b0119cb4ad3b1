/** An object that a token is bound to: with it the token ends. */
export interface BoundObject {
  readonly name: string;
  readonly uid: string;
}

/** The claims of a bound service-account token (pkg/serviceaccount/claims.go). Times are seconds since 1970. */
export interface TokenClaims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: readonly string[];
  readonly exp: number;
  readonly iat: number;
  readonly nbf: number;
  readonly jti: string;
  readonly 'kubernetes.io': {
    readonly namespace: string;
    readonly serviceaccount: BoundObject;
    readonly pod?: BoundObject;
    readonly secret?: BoundObject;
    readonly node?: BoundObject;
  };
}

/** Reads claims whose signature was verified; null for a token without what every bound token has. */
export function readClaims(payload: unknown): TokenClaims | null {
  if (!isRecord(payload)) return null;
  const { iss, sub, aud, exp, iat, nbf, jti, 'kubernetes.io': bound } = payload;
  if (typeof iss !== 'string' || typeof sub !== 'string' || typeof exp !== 'number' || !isRecord(bound)) return null;
  const serviceaccount = readBound(bound['serviceaccount']);
  const { namespace } = bound;
  if (serviceaccount === null || typeof namespace !== 'string') return null;
  if (sub !== `system:serviceaccount:${namespace}:${serviceaccount.name}`) return null;
  const audiences =
    typeof aud === 'string' ? [aud] : Array.isArray(aud) ? aud.filter((one) => typeof one === 'string') : [];
  const objects: Record<string, BoundObject> = {};
  for (const kind of ['pod', 'secret', 'node']) {
    if (bound[kind] === undefined) continue;
    const object = readBound(bound[kind]);
    if (object === null) return null;
    objects[kind] = object;
  }
  return {
    iss,
    sub,
    aud: audiences,
    exp,
    iat: typeof iat === 'number' ? iat : 0,
    nbf: typeof nbf === 'number' ? nbf : 0,
    jti: typeof jti === 'string' ? jti : '',
    'kubernetes.io': { namespace, serviceaccount, ...objects },
  };
}

function readBound(value: unknown): BoundObject | null {
  if (!isRecord(value)) return null;
  const { name, uid } = value;
  return typeof name === 'string' && typeof uid === 'string' ? { name, uid } : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
