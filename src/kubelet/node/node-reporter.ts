import type { Node, NodeStatus, Taint } from '../../api/objects.ts';
import { isReason } from '../../api/status.ts';
import type { ApiClient } from '../../client/api-client.ts';
import { nodes } from '../../client/resources.ts';
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import { nodeEvents } from './node-events.ts';
import type { NodeEvent } from './node-events.ts';
import { hasStatusChanged, newNode, nodeLabels, nodeStatus } from './node-object.ts';
import type { NodeFacts } from './node-object.ts';

interface NodeReporterOptions {
  readonly client: ApiClient;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  /** How the board is now. @throws when it cannot be told */
  readonly facts: (signal: AbortSignal) => Promise<NodeFacts>;
  readonly emit: (event: NodeEvent) => void;
  /** How often the board is looked at, and how often it reports though nothing changed. */
  readonly checkMs: number;
  readonly reportMs: number;
}

const RETRY_MS = 1000;
const CALL_MS = 5000;

/** Registers the Node and keeps its status true: written when it changed, and now and then when not. */
export class NodeReporter {
  readonly #options: NodeReporterOptions;
  #node: Node | undefined;
  #reportedMs = Number.NEGATIVE_INFINITY;
  #wake: () => void = () => undefined;

  constructor(options: NodeReporterOptions) {
    this.#options = options;
  }

  /** As last read; undefined before the first time. */
  get node(): Node | undefined {
    return this.#node;
  }

  /** Something that the status tells has changed. */
  poke(): void {
    this.#wake();
  }

  /** Reports until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, checkMs } = this.#options;
    this.#options.emit({ type: 'Normal', reason: 'Starting', message: 'Starting kubelet.' });
    while (!signal.aborted) {
      let delayMs = checkMs;
      try {
        await this.#report(AbortSignal.any([signal, AbortSignal.timeout(CALL_MS)]));
      } catch (error) {
        if (signal.aborted) return;
        delayMs = RETRY_MS;
        log.warn('the node cannot be reported', { error });
      }
      const stop = new AbortController();
      this.#wake = () => stop.abort();
      await clock.sleepMs(delayMs, AbortSignal.any([signal, stop.signal])).catch(() => undefined);
      this.#wake = () => undefined;
    }
  }

  async #report(signal: AbortSignal): Promise<void> {
    const { client, clock, nodeName, reportMs } = this.#options;
    const facts = await this.#options.facts(signal);
    const found = await client.get(nodes, '', nodeName, { signal }).catch((error: unknown) => {
      if (isReason(error, 'NotFound')) return undefined;
      throw error;
    });
    const node = found ?? (await this.#register(facts, signal));
    this.#node = await this.#reconcileLabels(node, facts, signal);
    const before = this.#node.status;
    const status = nodeStatus(facts, before);
    const isDue = clock.monotonicMs() - this.#reportedMs >= reportMs;
    if (!isDue && !hasStatusChanged(before, status)) return;
    await this.#patchStatus(status, signal);
    for (const event of nodeEvents(nodeName, found === undefined ? undefined : before, status))
      this.#options.emit(event);
    this.#reportedMs = clock.monotonicMs();
  }

  async #register(facts: NodeFacts, signal: AbortSignal): Promise<Node> {
    const { client, labels, taints, log, nodeName } = this.#options;
    const node = await client.create(nodes, newNode(facts, { labels, taints }), { signal });
    log.info('registered the node', { node: nodeName });
    this.#reportedMs = Number.NEGATIVE_INFINITY;
    return node;
  }

  /** Labels that the board has anew; those of others stay. */
  async #reconcileLabels(node: Node, facts: NodeFacts, signal: AbortSignal): Promise<Node> {
    const { client, nodeName, labels } = this.#options;
    const wanted = nodeLabels(nodeName, facts.board.architecture, labels);
    const changed = Object.entries(wanted).filter(([key, value]) => node.metadata?.labels?.[key] !== value);
    if (changed.length === 0) return node;
    const body = { metadata: { labels: Object.fromEntries(changed) } };
    return client.patch(nodes, { namespace: '', name: nodeName }, { type: 'merge', body }, { signal });
  }

  async #patchStatus(status: NodeStatus, signal: AbortSignal): Promise<void> {
    const { client, nodeName } = this.#options;
    // Addresses merge by type: two of one type would be taken for one, so the list is replaced.
    const addresses = [...(status.addresses ?? []), { $patch: 'replace' }];
    const body = { status: { ...status, addresses } };
    const key = { namespace: '', name: nodeName };
    this.#node = await client.patch(nodes, key, { type: 'strategic', body }, { subresource: 'status', signal });
  }
}
