import type { Disk } from '../host/disk.ts';
import type { MemberAttributes } from './command.ts';
import type { MemberInfo } from './member-info.ts';
import { writeIdentity } from './open-member.ts';
import type { Identity } from './open-member.ts';

/** What this member says of itself, and where it keeps what the others say. */
export interface OwnRecordOptions {
  readonly identity: Identity;
  readonly name: string;
  readonly clientUrls: readonly string[];
  readonly disk: Disk;
  /** Makes it known to all. */
  readonly publish: (attributes: MemberAttributes) => Promise<unknown>;
  /** The disk failed: the process is to end. */
  readonly onFailed: (error: unknown) => void;
}

/** This member in the list of members: tells the cluster its name, and keeps the list at hand outside of the log. */
export class OwnRecord {
  readonly #options: OwnRecordOptions;
  #contacts: string;
  #writing = Promise.resolve();
  #isPublishing = false;

  constructor(options: OwnRecordOptions) {
    this.#options = options;
    this.#contacts = JSON.stringify(options.identity.contacts ?? []);
  }

  /** Tells the cluster our name and where clients find us, unless it knows. To be called again and again. */
  publish(members: ReadonlyMap<number, MemberInfo>): void {
    const { identity, name, clientUrls, publish } = this.#options;
    const known = members.get(identity.memberId);
    if (this.#isPublishing || known === undefined) return;
    if (known.name === name && known.clientUrls.join() === clientUrls.join()) return;
    this.#isPublishing = true;
    publish({ id: identity.memberId, name, clientUrls })
      .catch(() => undefined) // the next call tries again
      .finally(() => {
        this.#isPublishing = false;
      });
  }

  /** Notes whom to ask should the log be damaged, in a file that is written at a change of the members alone. */
  remember(members: ReadonlyMap<number, MemberInfo>): void {
    const contacts = [...members.values()];
    const text = JSON.stringify(contacts);
    if (text === this.#contacts) return;
    this.#contacts = text;
    const { identity, disk, onFailed } = this.#options;
    const { clusterId, memberId } = identity;
    this.#writing = this.#writing
      .then(async () => writeIdentity(disk, { clusterId, memberId, contacts }))
      .catch(onFailed);
  }

  /** Settles when nothing is being written. */
  async idle(): Promise<void> {
    await this.#writing;
  }
}
