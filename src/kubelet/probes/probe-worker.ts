import type { Container, ContainerStatus, Pod, Probe } from '../../api/objects.ts';
import type { ProbeHost, ProbeKind, ProbeResult, ProbeSubject } from './prober.ts';
import { type ProbeOutcome, runProbe } from './run-probe.ts';

/** Tries in a row before an error counts as a failure (upstream's maxProbeRetries). */
const TRIES = 3;

const INITIAL: Record<ProbeKind, ProbeResult> = { liveness: 'success', readiness: 'failure', startup: 'unknown' };
const TITLE: Record<ProbeKind, string> = { liveness: 'Liveness', readiness: 'Readiness', startup: 'Startup' };

/** One probe of one container of one pod: when to ask, and what to make of the answers (upstream prober/worker.go). */
export class ProbeWorker {
  readonly #host: ProbeHost;
  readonly #pod: Pod;
  readonly #container: Container;
  readonly #kind: ProbeKind;
  readonly #probe: Probe;
  /** The container asked about last; another one starts anew. */
  #containerId = '';
  #last: ProbeResult | undefined;
  #sameInARow = 0;
  /** A container that has failed is to be replaced: nothing more is asked of it. */
  #onHold = false;

  constructor(host: ProbeHost, target: { pod: Pod; container: Container; kind: ProbeKind; probe: Probe }) {
    this.#host = host;
    this.#pod = target.pod;
    this.#container = target.container;
    this.#kind = target.kind;
    this.#probe = target.probe;
  }

  get periodMs(): number {
    return (this.#probe.periodSeconds ?? 10) * 1000;
  }

  /** Forgets the container that it asked about. */
  close(): void {
    if (this.#containerId !== '') this.#host.results.remove(this.#containerId);
  }

  /** Asks once, if it is time. Gives whether to go on asking. */
  async tick(signal: AbortSignal): Promise<boolean> {
    const status = this.#host.podStatus(this.#pod.metadata?.uid ?? '');
    if (status === undefined) return true;
    if (status.phase === 'Failed' || status.phase === 'Succeeded') return false;
    const all = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])];
    const own = all.find(({ name }) => name === this.#container.name);
    const containerId = own?.containerID?.replace(/^[^:]*:\/\//, '') ?? '';
    if (own === undefined || containerId === '') return true;
    this.#follow(containerId);
    if (this.#onHold) return true;
    if (own.state?.running === undefined) return this.#notRunning(own);
    if (!this.#isDue(own)) return true;
    const { outcome, output } = await this.#ask(containerId, status.podIP ?? '', signal);
    if (signal.aborted) return false;
    this.#count(outcome, output);
    return true;
  }

  #follow(containerId: string): void {
    if (containerId === this.#containerId) return;
    this.close();
    this.#containerId = containerId;
    this.#host.results.set(this.#kind, this.#subject(), INITIAL[this.#kind]);
    this.#onHold = false;
    this.#last = undefined;
    this.#sameInARow = 0;
  }

  #subject(): ProbeSubject {
    return { podUid: this.#pod.metadata?.uid ?? '', container: this.#container.name, containerId: this.#containerId };
  }

  #notRunning(own: ContainerStatus): boolean {
    this.#host.results.set(this.#kind, this.#subject(), 'failure');
    return (
      own.state?.terminated === undefined ||
      this.#pod.spec?.restartPolicy !== 'Never' ||
      this.#container.restartPolicy === 'Always'
    );
  }

  /** After the initial delay; startup probes until the container has started, the others from then on. */
  #isDue(own: ContainerStatus): boolean {
    const startedMs = Date.parse(own.state?.running?.startedAt ?? '');
    if (this.#host.clock.nowMs() - startedMs < (this.#probe.initialDelaySeconds ?? 0) * 1000) return false;
    return own.started === true
      ? this.#kind !== 'startup'
      : this.#kind === 'startup' || this.#container.startupProbe === undefined;
  }

  async #ask(containerId: string, podIp: string, signal: AbortSignal): Promise<ProbeOutcome> {
    const target = { probe: this.#probe, container: this.#container, containerId, podIp };
    let last: ProbeOutcome = { outcome: 'error', output: '' };
    for (let tries = 0; tries < TRIES && !signal.aborted; tries += 1) {
      last = await runProbe(this.#host, target, signal);
      if (last.outcome !== 'error') return last;
    }
    return last;
  }

  #count(outcome: ProbeOutcome['outcome'], output: string): void {
    const result: ProbeResult = outcome === 'success' || outcome === 'warning' ? 'success' : 'failure';
    this.#report(outcome, output);
    this.#sameInARow = result === this.#last ? this.#sameInARow + 1 : 1;
    this.#last = result;
    const { failureThreshold = 3, successThreshold = 1 } = this.#probe;
    if (this.#sameInARow < (result === 'failure' ? failureThreshold : successThreshold)) return;
    this.#host.results.set(this.#kind, this.#subject(), result);
    if (this.#kind !== 'readiness' && result === 'failure') {
      this.#onHold = true;
      this.#sameInARow = 0;
    }
  }

  #report(outcome: ProbeOutcome['outcome'], output: string): void {
    const container = this.#container.name;
    const event = (reason: string, message: string): void =>
      this.#host.events.emit(this.#pod, { type: 'Warning', reason, message, container });
    if (outcome === 'failure') event('Unhealthy', `${TITLE[this.#kind]} probe failed: ${output}`);
    else if (outcome === 'error')
      event('Unhealthy', `${TITLE[this.#kind]} probe errored and resulted in unknown state: ${output}`);
    else if (outcome === 'warning') event('ProbeWarning', `${TITLE[this.#kind]} probe warning: ${output}`);
  }
}
