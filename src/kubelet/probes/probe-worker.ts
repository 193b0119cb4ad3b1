import type { Container, ContainerStatus, Pod, Probe } from '../../api/objects.ts';
import { isTerminalPhase } from '../../api/pod-facts.ts';
import type { ProbeHost, ProbeKind, ProbeResult, ProbeSubject } from './prober.ts';
import { type ProbeOutcome, runProbe } from './run-probe.ts';

/** Tries in a row before an error counts as a failure (upstream's maxProbeRetries). */
const TRIES = 3;

/** How soon to look again while a container does not run yet: so that a pod is ready as soon as it serves. */
const WAITING_MS = 250;

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

  /** The container that it asks about now; empty before there is one. */
  get containerId(): string {
    return this.#containerId;
  }

  /** Asks once, if it is time. Gives in how many milliseconds to come back; undefined when there is nothing more to ask. */
  async tick(signal: AbortSignal): Promise<number | undefined> {
    const next = await this.#step(signal);
    if (next === 'done') return undefined;
    return next === 'waiting' ? Math.min(WAITING_MS, this.periodMs) : this.periodMs;
  }

  async #step(signal: AbortSignal): Promise<'asked' | 'waiting' | 'done'> {
    const status = this.#host.podStatus(this.#pod.metadata?.uid ?? '');
    if (status === undefined) return 'waiting';
    if (isTerminalPhase(status.phase)) return 'done';
    const all = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])];
    const own = all.find(({ name }) => name === this.#container.name);
    const containerId = own?.containerID?.replace(/^[^:]*:\/\//, '') ?? '';
    if (own === undefined || containerId === '') return 'waiting';
    this.#follow(containerId);
    if (this.#onHold) return 'waiting';
    if (own.state?.running === undefined) return this.#notRunning(own);
    if (!this.#isDue(own)) return 'waiting';
    const { outcome, output } = await this.#ask(containerId, status.podIP ?? '', signal);
    if (signal.aborted) return 'done';
    this.#count(outcome, output);
    return 'asked';
  }

  #follow(containerId: string): void {
    if (containerId === this.#containerId) return;
    if (this.#containerId !== '') this.#host.results.remove(this.#containerId);
    this.#containerId = containerId;
    this.#host.results.set(this.#kind, this.#subject(), INITIAL[this.#kind]);
    this.#onHold = false;
    this.#last = undefined;
    this.#sameInARow = 0;
  }

  #subject(): ProbeSubject {
    return { podUid: this.#pod.metadata?.uid ?? '', container: this.#container.name, containerId: this.#containerId };
  }

  #notRunning(own: ContainerStatus): 'waiting' | 'done' {
    this.#host.results.set(this.#kind, this.#subject(), 'failure');
    const isSidecar = this.#container.restartPolicy === 'Always';
    const comesBack = own.state?.terminated === undefined || this.#pod.spec?.restartPolicy !== 'Never' || isSidecar;
    return comesBack ? 'waiting' : 'done';
  }

  /** After the initial delay; startup probes until the container has started, the others from then on. */
  #isDue(own: ContainerStatus): boolean {
    const startedMs = Date.parse(own.state?.running?.startedAt ?? '');
    const elapsedMs = this.#host.clock.nowMs() - startedMs;
    // A board without a clock of its own may be set back: nobody is to wait for the old time to come again.
    if (elapsedMs >= 0 && elapsedMs < (this.#probe.initialDelaySeconds ?? 0) * 1000) return false;
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
    const counted = outcome === 'error' ? 'unknown' : result === 'success' ? 'successful' : 'failed';
    this.#host.counts.add(this.#pod, this.#container.name, this.#kind, counted);
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
