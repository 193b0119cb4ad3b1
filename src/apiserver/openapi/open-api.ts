import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { apiVersionOf } from '../../api/kinds/kind.ts';
import type { KindTable } from '../../api/kinds/kind-table.ts';
import { loadDefinitions } from '../../api/schema/load.ts';
import { StatusError } from '../../api/status.ts';
import { groupVersions, kindsOf } from '../discovery/resource-list.ts';
import type { Exchange } from '../exchange.ts';
import { parseAccept } from '../negotiation/response-format.ts';
import { VERSION } from '../version.ts';
import { documentV2 } from './document-v2.ts';
import { documentV3 } from './document-v3.ts';
import { encodeGnostic } from './gnostic.ts';

const JSON_TYPE = 'application/json';
const PROTOBUF_TYPE = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
/** Old clients ask for the first spelling, but cannot parse it as a media type: the answer always says the second. */
const PROTOBUF_TYPES = ['application/com.github.proto-openapi.spec.v2@v1.0+protobuf', PROTOBUF_TYPE];
/** Documents with a hash in their URL never change. */
const IMMUTABLE = 'public, immutable';

interface Made {
  readonly gzipped: Buffer;
  readonly etag: string;
}

/** Serves `/openapi/v2` and `/openapi/v3`. A document is made when it is first asked for and kept compressed. */
export class OpenApi {
  readonly #kinds: KindTable;
  readonly #made = new Map<string, Made>();
  #generation = -1;

  constructor(kinds: KindTable) {
    this.#kinds = kinds;
  }

  /** Answers; false when the path is none of OpenAPI's. */
  async handle(exchange: Exchange): Promise<boolean> {
    const [root, version, ...rest] = exchange.path.split('/').filter((part) => part !== '');
    if (root !== 'openapi') return false;
    if (this.#generation !== this.#kinds.generation) {
      this.#made.clear();
      this.#generation = this.#kinds.generation;
    }
    if (version === 'v2' && rest.length === 0) return this.#v2(exchange);
    if (version !== 'v3') return false;
    return rest.length === 0 ? this.#index(exchange) : this.#v3(exchange, rest.join('/'));
  }

  async #v2(exchange: Exchange): Promise<boolean> {
    const wanted = typeOf(exchange.headers.accept);
    const build = (): Buffer => {
      const document = documentV2([...this.#kinds.all()], loadDefinitions());
      return wanted === JSON_TYPE ? Buffer.from(JSON.stringify(document)) : encodeGnostic(document);
    };
    await send(exchange, this.#document(wanted === JSON_TYPE ? 'v2' : 'v2 protobuf', build), wanted);
    return true;
  }

  async #index(exchange: Exchange): Promise<boolean> {
    const paths = groupVersions(this.#kinds).map(({ group, version }) => {
      const path = group === '' ? `api/${version}` : `apis/${apiVersionOf({ group, version })}`;
      return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${this.#hash(group, version)}` }];
    });
    await exchange.send(200, JSON_TYPE, JSON.stringify({ paths: Object.fromEntries(paths) }));
    return true;
  }

  async #v3(exchange: Exchange, path: string): Promise<boolean> {
    const match = /^(?:api\/([^/]+)|apis\/([^/]+)\/([^/]+))$/.exec(path);
    if (match === null) return false;
    const [, core, group = '', version = core ?? ''] = match;
    const kinds = kindsOf(this.#kinds, group, version);
    if (kinds.length === 0) return false;
    const hash = exchange.query.get('hash');
    const own = this.#hash(group, version);
    if (hash !== null && hash !== own) {
      await exchange.send(301, 'text/plain; charset=utf-8', '', { location: `/openapi/v3/${path}?hash=${own}` });
      return true;
    }
    if (!isJsonAccepted(exchange.headers.accept))
      throw new StatusError('NotAcceptable', `only the following media types are accepted: ${JSON_TYPE}`);
    const build = (): Buffer => Buffer.from(JSON.stringify(documentV3(kinds, loadDefinitions())));
    await send(exchange, this.#document(`v3 ${path}`, build), JSON_TYPE, hash === null ? undefined : IMMUTABLE);
    return true;
  }

  #document(name: string, build: () => Buffer): Made {
    let made = this.#made.get(name);
    if (made === undefined) {
      const bytes = build();
      made = { gzipped: gzipSync(bytes), etag: `"${hashOf(bytes)}"` };
      this.#made.set(name, made);
    }
    return made;
  }

  /** Of the rows: the schemas change only with the program, and with it the version. */
  #hash(group: string, version: string): string {
    return hashOf(JSON.stringify(kindsOf(this.#kinds, group, version)) + VERSION.gitVersion).slice(0, 64);
  }
}

function hashOf(content: string | Buffer): string {
  return createHash('sha512').update(content).digest('hex').toUpperCase();
}

function typeOf(accept: string | undefined): string {
  for (const { mediaType } of parseAccept(accept ?? JSON_TYPE)) {
    if (PROTOBUF_TYPES.includes(mediaType)) return PROTOBUF_TYPE;
    if (mediaType === JSON_TYPE || mediaType === '*/*' || mediaType === 'application/*') return JSON_TYPE;
  }
  throw new StatusError(
    'NotAcceptable',
    `only the following media types are accepted: ${[JSON_TYPE, ...PROTOBUF_TYPES].join(', ')}`,
  );
}

function isJsonAccepted(accept: string | undefined): boolean {
  return parseAccept(accept ?? JSON_TYPE).some(({ mediaType }) =>
    [JSON_TYPE, '*/*', 'application/*'].includes(mediaType),
  );
}

async function send(
  exchange: Exchange,
  { gzipped, etag }: Made,
  contentType: string,
  cacheControl?: string,
): Promise<void> {
  const headers = {
    etag,
    vary: 'Accept-Encoding, Accept',
    ...(cacheControl === undefined ? {} : { 'cache-control': cacheControl }),
  };
  if (exchange.headers['if-none-match'] === etag) return exchange.send(304, contentType, '', headers);
  const takesGzip = /\bgzip\b/.test(exchange.headers['accept-encoding']?.toString() ?? '');
  if (takesGzip) return exchange.send(200, contentType, gzipped, { ...headers, 'content-encoding': 'gzip' });
  return exchange.send(200, contentType, gunzipSync(gzipped), headers);
}
