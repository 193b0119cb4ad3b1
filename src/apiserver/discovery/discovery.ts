import { createHash } from 'node:crypto';
import { apiVersionOf } from '../../api/kinds/kind.ts';
import type { KindTable } from '../../api/kinds/kind-table.ts';
import { negotiate, parseAccept } from '../negotiation/response-format.ts';
import { answer } from '../handlers/endpoint.ts';
import type { Exchange } from '../exchange.ts';
import { groupDiscoveryList } from './aggregated.ts';
import { groupVersions, resourceList } from './resource-list.ts';

interface GroupVersion {
  readonly groupVersion: string;
  readonly version: string;
}

/** Says what is served, in the old form (a document per group and version) and the aggregated one (KEP-3352). */
export class Discovery {
  readonly #kinds: KindTable;
  /** `host:port` that clients inside the cluster may use. */
  readonly #serverAddress: string;

  constructor(kinds: KindTable, serverAddress: string) {
    this.#kinds = kinds;
    this.#serverAddress = serverAddress;
  }

  /** The paths below `/apis`. */
  paths(): string[] {
    return this.#groups().flatMap(({ name, versions }) => [
      `/apis/${name}`,
      ...versions.map(({ version }) => `/apis/${name}/${version}`),
    ]);
  }

  /** Answers; false when the path is none of discovery's. */
  async handle(exchange: Exchange): Promise<boolean> {
    const [first, second, third, ...more] = exchange.path.split('/').filter((part) => part !== '');
    if (more.length > 0 || (first !== 'api' && first !== 'apis')) return false;
    if (second === undefined) return this.#root(exchange, first === 'api');
    const [group, version] = first === 'api' ? ['', second] : [second, third];
    if (first === 'api' && third !== undefined) return false;
    if (version === undefined) return this.#group(exchange, group);
    if (!this.#kinds.hasGroupVersion(group, version)) return false;
    await send(exchange, resourceList(this.#kinds, group, version));
    return true;
  }

  async #root(exchange: Exchange, isCore: boolean): Promise<boolean> {
    exchange.response.setHeader('vary', 'Accept');
    const version = aggregatedVersion(exchange.headers.accept);
    if (version !== null) return this.#aggregated(exchange, isCore, version);
    const clientCIDR = '0.0.0.0/0';
    const addresses = [{ clientCIDR, serverAddress: this.#serverAddress }];
    const document = isCore
      ? { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: addresses }
      : { kind: 'APIGroupList', apiVersion: 'v1', groups: this.#groups() };
    await send(exchange, document);
    return true;
  }

  async #aggregated(exchange: Exchange, isCore: boolean, version: string): Promise<boolean> {
    const body = JSON.stringify(groupDiscoveryList(this.#kinds, isCore, version));
    const etag = `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"`;
    const contentType = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
    const isKnown = exchange.headers['if-none-match']
      ?.split(',')
      .some((tag) => tag.trim().replace(/^W\//, '') === etag);
    if (isKnown) await exchange.send(304, contentType, '', { etag, 'cache-control': 'public' });
    else await exchange.send(200, contentType, body, { etag, 'cache-control': 'public' });
    return true;
  }

  async #group(exchange: Exchange, name: string): Promise<boolean> {
    const found = this.#groups().find((group) => group.name === name);
    if (found === undefined) return false;
    await send(exchange, { kind: 'APIGroup', apiVersion: 'v1', ...found });
    return true;
  }

  #groups(): { name: string; versions: GroupVersion[]; preferredVersion: GroupVersion | undefined }[] {
    const groups = new Map<string, GroupVersion[]>();
    for (const { group, version } of groupVersions(this.#kinds)) {
      if (group === '') continue;
      groups.set(group, [...(groups.get(group) ?? []), { groupVersion: apiVersionOf({ group, version }), version }]);
    }
    return [...groups].map(([name, versions]) => ({ name, versions, preferredVersion: versions[0] }));
  }
}

/** The version of aggregated discovery that the client wants before the old form; null for the old form. */
function aggregatedVersion(accept: string | undefined): string | null {
  for (const { mediaType, parameters } of parseAccept(accept ?? '')) {
    if (mediaType !== 'application/json') continue;
    if (parameters.get('as') !== 'APIGroupDiscoveryList') return null;
    const version = parameters.get('v');
    if (parameters.get('g') === 'apidiscovery.k8s.io' && (version === 'v2' || version === 'v2beta1')) return version;
  }
  return null;
}

async function send(exchange: Exchange, document: object): Promise<void> {
  const format = negotiate(withoutTransforms(exchange.headers.accept), { hasTransforms: false });
  await answer(exchange, 200, JSON.stringify(document), format);
}

/** A group's document has no aggregated form: a client that prefers one gets what there is. */
function withoutTransforms(accept: string | undefined): string | undefined {
  return accept?.replaceAll(/;(?:g|v|as)=[^;,]*/g, '');
}
