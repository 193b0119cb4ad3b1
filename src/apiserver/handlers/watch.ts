import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { freshCache, listObjects, select } from '../registry/list-objects.ts';
import { listParameters, type ListParameters } from '../registry/list-parameters.ts';
import type { CachedObject } from '../storage/cached-object.ts';
import { ObjectFilter } from '../watch/object-filter.ts';
import { errorEvent, tooOld, WatchStream, type WatchSink } from '../watch/watch-stream.ts';
import type { Exchange } from '../exchange.ts';
import { encoderOf, formatOf, type Endpoint } from './endpoint.ts';
import { StatusError } from '../../api/status.ts';

/** How long a watch runs when its client does not say (minRequestTimeout and twice that). */
const TIMEOUT_MIN_SECONDS = 1800;
const TIMEOUT_MAX_SECONDS = 3600;

interface Begin {
  readonly objects: readonly CachedObject[];
  readonly revision: number;
}

/** GET with watch=true. */
export async function handleWatch(endpoint: Endpoint): Promise<void> {
  const { api, exchange, info, view } = endpoint;
  const format = formatOf(endpoint);
  if (format.encoding !== 'json')
    throw new StatusError('NotAcceptable', 'only the following media types are accepted: application/json');
  const encoder = encoderOf(endpoint, { ...format, isPretty: false });
  const parameters = listParameters(exchange.query, view, true);
  const { labels, fields, name, timeoutSeconds, sendInitialEvents, allowWatchBookmarks } = parameters;
  const { namespace } = info;
  const filter = new ObjectFilter(view, { namespace, name: name || info.name, labels, fields });
  const cache = api.registry.caches.of(view.prefix);
  await cache.waitFor(0, exchange.signal);
  const initial = await begin(endpoint, filter, parameters);
  exchange.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  const { response, signal } = exchange;
  exchange.flushHead();
  if (initial.revision < cache.ring.floor) {
    response.end(errorEvent(tooOld(initial.revision, cache.ring.floor)));
    return;
  }
  const seconds = timeoutSeconds > 0 ? timeoutSeconds : randomInt(TIMEOUT_MIN_SECONDS, TIMEOUT_MAX_SECONDS);
  const stream = new WatchStream({
    cache,
    filter,
    encoder,
    sink: sinkOf(exchange),
    initial,
    hasInitialEnd: sendInitialEvents === true && allowWatchBookmarks,
    hasBookmarks: allowWatchBookmarks,
    timeoutMs: seconds * 1000,
  });
  try {
    await stream.run(signal);
    response.end();
  } catch {
    response.destroy(); // gone, or so slow that its events are no longer kept
  }
}

/** What the watch begins with: the present objects, or only the revision after which events follow. */
async function begin(endpoint: Endpoint, filter: ObjectFilter, parameters: ListParameters): Promise<Begin> {
  const { api, exchange, info, view } = endpoint;
  const { resourceVersion, sendInitialEvents } = parameters;
  const isFromNow = resourceVersion === undefined || resourceVersion === 0;
  if (sendInitialEvents === undefined ? !isFromNow : !sendInitialEvents && !isFromNow)
    return { objects: [], revision: resourceVersion ?? 0 };
  const wanted = sendInitialEvents === true ? resourceVersion : (resourceVersion ?? 0);
  const cache = await freshCache(api.registry, view, wanted, exchange.signal);
  if (cache !== null)
    return { objects: sendInitialEvents === false ? [] : select(cache, filter), revision: cache.revision };
  const list = await listObjects(
    api.registry,
    view,
    info.namespace,
    { ...parameters, limit: 0, match: undefined },
    exchange.signal,
  );
  return { objects: sendInitialEvents === false ? [] : list.items, revision: list.revision };
}

function sinkOf(exchange: Exchange): WatchSink {
  return {
    write: (bytes) => exchange.write(bytes),
    drained: async (signal) => {
      await once(exchange.response, 'drain', { signal });
    },
  };
}
