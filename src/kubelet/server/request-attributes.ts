/** What a request asks of the node, for authorization (upstream pkg/kubelet/server/auth.go). */
export interface RequestAttributes {
  readonly verb: string;
  /** Of the resource `nodes`; whoever may do one of these may go on. */
  readonly subresources: readonly string[];
}

const VERBS: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** First path element to the finer subresource that is enough (KEP-2862); without one, it is `proxy`. */
const SUBRESOURCES: Readonly<Record<string, readonly string[]>> = {
  stats: ['stats'],
  metrics: ['metrics'],
  logs: ['log'],
  spec: ['spec'],
  pods: ['pods', 'proxy'],
  runningpods: ['pods', 'proxy'],
  healthz: ['healthz', 'proxy'],
  configz: ['configz', 'proxy'],
};

/** These run or change something, whatever the method: a WebSocket always begins with GET. */
const STREAMS = new Set(['exec', 'attach', 'portForward', 'run', 'cri']);

/** @param first the path's first element */
export function requestAttributes(method: string, first: string): RequestAttributes {
  const verb = STREAMS.has(first) ? 'create' : (VERBS[method] ?? '');
  return { verb, subresources: SUBRESOURCES[first] ?? ['proxy'] };
}
