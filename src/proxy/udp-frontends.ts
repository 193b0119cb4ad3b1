import type { Flow } from '../host/conntrack.ts';
import type { UdpFrontend } from './ruleset.ts';

/** Every way into UDP Services, to tell which tracked flows lead where nobody answers any more. */
export class UdpFrontends {
  readonly #byService = new Map<string, readonly UdpFrontend[]>();
  #isChanged = false;

  set(service: string, frontends: readonly UdpFrontend[]): void {
    const before = this.#byService.get(service) ?? [];
    if (JSON.stringify(before) === JSON.stringify(frontends)) return;
    this.#isChanged = true;
    if (frontends.length === 0) this.#byService.delete(service);
    else this.#byService.set(service, frontends);
  }

  /** Whether anything changed since the last call. */
  takeChanged(): boolean {
    const isChanged = this.#isChanged;
    this.#isChanged = false;
    return isChanged;
  }

  /**
   * Flows that must be forgotten: to an endpoint that is no longer one of its frontend's, or begun before the frontend
   * had any and so not translated. The kernel would keep them for as long as the client goes on sending.
   *
   * @param nodeAddresses where NodePorts are open
   */
  stale(flows: readonly Flow[], nodeAddresses: readonly string[]): Flow[] {
    const targets = new Map<string, readonly string[]>();
    for (const { address, port, targets: own } of [...this.#byService.values()].flat())
      for (const one of address === undefined ? nodeAddresses : [address]) targets.set(`${one} ${port}`, own);
    return flows.filter(({ destination, destinationPort, replySource }) => {
      const own = targets.get(`${destination} ${destinationPort}`);
      if (own === undefined || own.includes(replySource)) return false;
      return own.length > 0 || replySource !== destination;
    });
  }
}
