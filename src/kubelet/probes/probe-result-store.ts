import type { ProbeKind, ProbeResult, ProbeResults, ProbeSubject } from './prober.ts';

type Handler = (kind: ProbeKind, subject: ProbeSubject, result: ProbeResult) => void;

/** Last results of all probes, in memory. */
export class ProbeResultStore implements ProbeResults {
  readonly #results: Record<ProbeKind, Map<string, ProbeResult>> = {
    liveness: new Map(),
    readiness: new Map(),
    startup: new Map(),
  };
  readonly #handlers = new Set<Handler>();

  get(kind: ProbeKind, containerId: string): ProbeResult | undefined {
    return this.#results[kind].get(containerId);
  }

  set(kind: ProbeKind, subject: ProbeSubject, result: ProbeResult): void {
    const results = this.#results[kind];
    if (results.get(subject.containerId) === result) return;
    results.set(subject.containerId, result);
    for (const handler of this.#handlers) handler(kind, subject, result);
  }

  remove(containerId: string): void {
    for (const results of Object.values(this.#results)) results.delete(containerId);
  }

  onChange(handler: Handler): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }
}
