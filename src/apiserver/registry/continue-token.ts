import { errorText } from '../../api/error-text.ts';
import { badRequest, StatusError } from '../../api/status.ts';

/** Where a list in pages goes on (apiserver storage/continue.go). */
export interface ContinueToken {
  /** The revision of the first page; -1: whatever is now, the list is not consistent. */
  readonly revision: number;
  /** The first key of the next page, without the list's prefix. */
  readonly start: string;
}

/** The token as upstream writes it, so that a page may be continued on another server. */
export function encodeContinue({ revision, start }: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start })).toString('base64url');
}

/** @throws StatusError BadRequest */
export function decodeContinue(text: string): ContinueToken {
  let token: unknown;
  try {
    token = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch (error) {
    throw notValid(`: ${errorText(error)}`);
  }
  if (typeof token !== 'object' || token === null) throw notValid(': not an object');
  const { v, rv, start } = token as { v?: unknown; rv?: unknown; start?: unknown };
  if (v !== 'meta.k8s.io/v1') throw notValid(`: server does not recognize this encoded version ${String(v)}`);
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv) || rv === 0)
    throw notValid(': incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  if (typeof start !== 'string' || start === '') throw notValid(': encoded start key empty (version meta.k8s.io/v1)');
  const relative = start.startsWith('/') ? start.slice(1) : start;
  // A start that climbs out of its prefix would read other people's objects.
  if (relative.split('/').some((part) => part === '' || part === '.' || part === '..')) throw notValid(`: ${start}`);
  return { revision: rv, start: relative };
}

function notValid(why: string): StatusError {
  return badRequest(`invalid continue token: continue key is not valid${why}`);
}

const TOO_OLD =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter';

/** 410 for a page whose revision is compacted, with a token that goes on from what there is now. */
export class ContinueExpired extends StatusError {
  readonly #start: string;

  /** @param start of the page that could not be read */
  constructor(start: string) {
    super(
      'Expired',
      `${TOO_OLD}, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.`,
    );
    this.#start = start;
  }

  override toJSON(): object {
    return { ...super.toJSON(), metadata: { continue: encodeContinue({ revision: -1, start: this.#start }) } };
  }
}
