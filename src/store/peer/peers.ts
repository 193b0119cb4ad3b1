import type { ClientTls } from '../../host/grpc/grpc-connection.ts';
import type { Log } from '../../host/log.ts';
import type { Message } from '../../raft/message.ts';
import type { MemberInfo } from '../member-info.ts';
import { PeerLink } from './peer-link.ts';

/** What the links to all members need. */
export interface PeersOptions {
  readonly ownId: number;
  readonly clusterId: number;
  readonly tls?: () => ClientTls;
  readonly log: Log;
  readonly onUnreachable: (id: number) => void;
  /** The connection to a member was lost. */
  readonly onLost: (id: number) => void;
  readonly onSnapshotSent: (id: number, isSent: boolean) => void;
}

/** One link to every other member, following the membership. */
export class Peers {
  readonly #options: PeersOptions;
  readonly #links = new Map<number, PeerLink>();

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** Opens and closes links so that there is one per member, at its first peer URL. */
  update(members: ReadonlyMap<number, MemberInfo>): void {
    for (const [id, link] of this.#links)
      if (members.get(id)?.peerUrls[0] !== link.url) {
        link.close();
        this.#links.delete(id);
      }
    for (const { id, peerUrls } of members.values()) {
      const [url] = peerUrls;
      if (id === this.#options.ownId || url === undefined || this.#links.has(id)) continue;
      const { clusterId, tls } = this.#options;
      const onUnreachable = (): void => this.#options.onUnreachable(id);
      const onLost = (): void => this.#options.onLost(id);
      this.#links.set(
        id,
        new PeerLink({ url, clusterId, ...(tls === undefined ? {} : { tls }), onUnreachable, onLost }),
      );
    }
  }

  /** Connects to the members to which there is no connection; to be called now and then. */
  keepOpen(): void {
    for (const link of this.#links.values()) link.keepOpen();
  }

  link(id: number): PeerLink | undefined {
    return this.#links.get(id);
  }

  /** Sends what Raft handed out, each member's together. @param stateOf gives the state of a snapshot message */
  send(messages: readonly Message[], stateOf: (message: Message) => Iterable<Buffer>): void {
    const byMember = new Map<number, Message[]>();
    for (const message of messages) {
      if (message.type === 'MsgSnap') this.#sendSnapshot(message, stateOf(message));
      else {
        const list = byMember.get(message.to);
        if (list === undefined) byMember.set(message.to, [message]);
        else list.push(message);
      }
    }
    for (const [id, list] of byMember) this.#links.get(id)?.send(list);
  }

  close(): void {
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
  }

  #sendSnapshot(message: Message, state: Iterable<Buffer>): void {
    const { to } = message;
    const { log, onSnapshotSent } = this.#options;
    const link = this.#links.get(to);
    if (link === undefined) return onSnapshotSent(to, false);
    const index = message.snapshot?.index;
    link
      .sendSnapshot(message, state)
      .then(
        () => true,
        (error: unknown) => {
          log.warn('snapshot not sent', { to, index, reason: String(error) });
          return false;
        },
      )
      .then((isSent) => onSnapshotSent(to, isSent))
      .catch((error: unknown) => log.error('a sent snapshot could not be reported', { error }));
  }
}
