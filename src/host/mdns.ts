import { Bonjour, type Browser, type Service } from 'bonjour-service';
import { setTimeout as sleep } from 'node:timers/promises';

/** Boards find each other by multicast DNS service discovery (RFC 6762, RFC 6763). The one file that knows bonjour-service. */

/** What a board says of itself on the local network. Nothing here is secret, and nothing heard is believed without TLS. */
export interface Announcement {
  /** Instance name, unique on the network. */
  readonly name: string;
  readonly port: number;
  /** The address to reach it at: the library would give out every interface's, bridges of pods among them. */
  readonly address: string;
  readonly txt: Readonly<Record<string, string>>;
}

const TYPE = 'bramble';
/** Asked again after this: answers get lost, boards come back with other addresses. */
const QUERY_MS = 2_000;
/** Announcements remembered, the latest: anybody on the network may make up as many as they like. */
const FOUND_MAX = 64;
/** The library remembers all; beyond this it starts afresh. */
const SERVICES_MAX = 256;

interface MdnsOptions {
  /** The own address on the network to speak on. */
  readonly address: string;
  readonly onError: (error: unknown) => void;
}

interface BrowserOptions extends MdnsOptions {
  /**
   * The pause between questions doubles up to this (RFC 6762 section 5.2), since each wakes every board; without, it stays
   * as short as at first. Boards announce themselves unasked when they start.
   */
  readonly pauseMsMax?: number;
}

function open({ address, onError }: MdnsOptions): Bonjour {
  // The library's type leaves out what it hands on to multicast-dns.
  const options: object = { interface: address, bind: '0.0.0.0', reuseAddr: true };
  return new Bonjour(options, onError);
}

async function close(bonjour: Bonjour): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  bonjour.destroy(() => resolve());
  await promise;
}

/** Announces until aborted, then says goodbye. */
export async function runAnnouncer(
  announcement: Announcement,
  options: MdnsOptions,
  signal: AbortSignal,
): Promise<void> {
  const bonjour = open(options);
  const { name, port, txt, address } = announcement;
  const service = bonjour.publish({ name, type: TYPE, port, txt, host: `${name}.local`, disableIPv6: true });
  // It is probing for its name now; the records are asked for only after that.
  const all = service.records.bind(service);
  service.records = () => [
    ...all().filter((record) => record.type !== 'A' && record.type !== 'AAAA'),
    { name: service.host, type: 'A', ttl: 120, data: address },
  ];
  await sleep(2 ** 31 - 1, undefined, { signal }).catch(() => undefined);
  const { promise, resolve } = Promise.withResolvers<void>();
  bonjour.unpublishAll(() => resolve());
  await promise;
  await close(bonjour);
}

/** Tells of each announcement heard, again whenever it changes, until aborted. */
export async function runBrowser(
  onFound: (announcement: Announcement) => void,
  options: BrowserOptions,
  signal: AbortSignal,
): Promise<void> {
  const bonjour = open(options);
  const found = new Map<string, string>();
  const tell = (service: Service): void => {
    const announcement = read(service);
    if (announcement === undefined) return;
    const text = JSON.stringify(announcement);
    if (found.get(announcement.name) === text) return;
    found.set(announcement.name, text);
    const [oldest = ''] = found.keys();
    if (found.size > FOUND_MAX) found.delete(oldest);
    onFound(announcement);
  };
  const browse = (): Browser => {
    const made = bonjour.find({ type: TYPE });
    made.on('up', tell);
    made.on('txt-update', tell);
    made.on('srv-update', tell);
    return made;
  };
  let browser = browse();
  try {
    for (let pauseMs = QUERY_MS; !signal.aborted; pauseMs = Math.min(2 * pauseMs, options.pauseMsMax ?? QUERY_MS)) {
      if (browser.services.length > SERVICES_MAX) {
        browser.stop();
        browser = browse();
      }
      browser.update();
      await sleep(pauseMs, undefined, { signal });
    }
  } catch {
    // aborted
  }
  browser.stop();
  await close(bonjour);
}

/** Undefined where what was heard is not whole. */
function read(service: Service): Announcement | undefined {
  const address = service.addresses?.find((one) => !one.includes(':')) ?? service.referer?.address;
  if (address === undefined || !Number.isInteger(service.port)) return undefined;
  const txt: Record<string, string> = {};
  for (const [key, value] of Object.entries((service.txt ?? {}) as Record<string, unknown>)) txt[key] = String(value);
  return { name: service.name, port: service.port, address, txt };
}
