import { X509Certificate } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { issue, readCertificate } from '../../src/host/pki.ts';
import { boardPaths } from '../../src/rack/rack-paths.ts';
import type { Rack } from './harness.ts';

/** Certificates on a board's card, handled from outside: the plug may be out. */

const DAY_MS = 86_400_000;
const AUTHORITIES = ['ca', 'store-ca', 'front-proxy-ca'] as const;
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/** One certificate that is no authority's. */
export interface Leaf {
  readonly board: string;
  /** File name without its ending. */
  readonly name: string;
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

function folder(rack: Rack, board: string): string {
  return join(boardPaths(rack.paths, board).persistent, 'bramble/pki');
}

/** All leaf certificates of a board. */
export async function leavesOf(rack: Rack, board: string): Promise<Leaf[]> {
  const dir = folder(rack, board);
  const names = (await readdir(dir))
    .filter((file) => file.endsWith('.crt'))
    .map((file) => file.slice(0, -'.crt'.length))
    .filter((name) => !AUTHORITIES.some((authority) => authority === name));
  return Promise.all(
    names.map(async (name) => {
      const pem = await readFile(join(dir, `${name}.crt`), 'utf8');
      const { notBeforeMs, notAfterMs } = readCertificate(pem);
      return { board, name, serial: new X509Certificate(pem).serialNumber, notBeforeMs, notAfterMs };
    }),
  );
}

/**
 * Puts in the place of a board's certificate one that differs in its dates and key alone, signed by the authority that
 * signed it, whose key `founder` has: as if the board had been off since `madeMs`.
 */
export async function remake(rack: Rack, founder: string, leaf: Leaf, madeMs: number, days: number): Promise<void> {
  const dir = folder(rack, leaf.board);
  const pem = await readFile(join(dir, `${leaf.name}.crt`), 'utf8');
  const old = new X509Certificate(pem);
  const { subject, altNames } = readCertificate(pem);
  for (const name of AUTHORITIES) {
    const from = join(folder(rack, founder), name);
    const authority = { certPem: await readFile(`${from}.crt`, 'utf8'), keyPem: await readFile(`${from}.key`, 'utf8') };
    if (!old.verify(new X509Certificate(authority.certPem).publicKey)) continue;
    const usages = [
      ...(old.keyUsage.includes(SERVER_AUTH) ? (['server'] as const) : []),
      ...(old.keyUsage.includes(CLIENT_AUTH) ? (['client'] as const) : []),
    ];
    const made = await issue({ authority, subject, altNames, usages, nowMs: madeMs, lifetimeMs: days * DAY_MS });
    const chain = pem.split('-----BEGIN CERTIFICATE-----').length > 2 ? authority.certPem : '';
    await writeFile(join(dir, `${leaf.name}.key`), made.keyPem);
    await writeFile(join(dir, `${leaf.name}.crt`), made.certPem + chain);
    return;
  }
  throw new Error(`${leaf.board}: no authority of the cluster has signed ${leaf.name}.crt`);
}

/** The serial number of the certificate that a server shows; its dates are for the caller to judge. */
export async function shownSerial(host: string, port: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({ host, port, rejectUnauthorized: false, timeout: 2_000, ALPNProtocols: ['h2', 'http/1.1'] });
  socket.once('secureConnect', () => resolve(socket.getPeerCertificate().serialNumber));
  socket.once('timeout', () => reject(new Error(`${host}:${port} does not answer`)));
  socket.once('error', reject);
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}
