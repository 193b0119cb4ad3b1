import { randomInt } from 'node:crypto';

/**
 * What a new board holds to join: `<cluster authority's hash>.<id>.<secret>`. The hash lets the board know its cluster
 * before it says anything; id and secret are an ordinary bootstrap token (kubeadm's form).
 */
export interface JoinToken {
  /** `sha256:<64 hex digits>` of the cluster authority's public key. */
  readonly caHash: string;
  readonly id: string;
  readonly secret: string;
}

const SHAPE = /^bramble1\.([0-9a-f]{64})\.([a-z0-9]{6})\.([a-z0-9]{16})$/;
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** A fresh token for the cluster of this authority. */
export function createToken(caHash: string): JoinToken {
  return { caHash, id: randomText(6), secret: randomText(16) };
}

/** The one line that goes into a board's configuration. */
export function formatToken({ caHash, id, secret }: JoinToken): string {
  return `bramble1.${caHash.replace('sha256:', '')}.${id}.${secret}`;
}

/** Undefined where the text is no token. */
export function parseToken(text: string): JoinToken | undefined {
  const match = SHAPE.exec(text.trim());
  if (match === null) return undefined;
  const [, hash = '', id = '', secret = ''] = match;
  return { caHash: `sha256:${hash}`, id, secret };
}

/** `id.secret`: what goes into the Authorization header. */
export function bearerOf({ id, secret }: JoinToken): string {
  return `${id}.${secret}`;
}

function randomText(length: number): string {
  return Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}
