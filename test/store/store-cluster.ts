import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClientTls } from '../../src/host/grpc/grpc-connection.ts';
import { GrpcChannel } from '../../src/host/grpc/grpc-channel.ts';
import { createAuthority, issue } from '../../src/host/pki.ts';
import { EtcdClient } from '../../src/store/client/etcd-client.ts';
import { MAINTENANCE } from '../../src/store/etcd-api/maintenance.ts';
import type { TlsPaths } from '../../src/store/tls-files.ts';

/** One member's process and how it is started again. */
export interface MemberProcess {
  readonly name: string;
  readonly clientUrl: string;
  readonly peerUrl: string;
  readonly dataDir: string;
  child: ChildProcess | undefined;
}

const PROGRAM = join(import.meta.dirname, 'store-process.ts');
const DAY_MS = 86_400_000;

/** Members of one store as processes on loopback with mutual TLS; `close` ends them and removes their files. */
export class StoreCluster {
  readonly directory = mkdtempSync(join(tmpdir(), 'store-'));
  readonly members: MemberProcess[] = [];
  readonly tls: TlsPaths;
  readonly #clients: EtcdClient[] = [];

  private constructor() {
    this.tls = {
      certFile: join(this.directory, 'store.crt'),
      keyFile: join(this.directory, 'store.key'),
      caFile: join(this.directory, 'ca.crt'),
    };
  }

  /** Makes keys and the places of the members; starts nothing. */
  static async create(names: readonly string[]): Promise<StoreCluster> {
    const cluster = new StoreCluster();
    await cluster.issueCertificates();
    for (const name of names) await cluster.addPlace(name);
    return cluster;
  }

  /** Makes a new authority and one certificate for everything. */
  async issueCertificates(): Promise<void> {
    const nowMs = Date.now();
    const authority = await createAuthority('store-ca', nowMs);
    const { certPem, keyPem } = await issue({
      authority,
      usages: ['server', 'client'],
      nowMs,
      lifetimeMs: DAY_MS,
      subject: { commonName: 'store' },
      altNames: ['localhost', '127.0.0.1'],
    });
    writeFileSync(this.tls.caFile, authority.certPem);
    writeFileSync(this.tls.certFile, certPem);
    writeFileSync(this.tls.keyFile, keyPem);
  }

  /** Makes a place for a member with ports of its own. */
  async addPlace(name: string): Promise<MemberProcess> {
    const [client, peer] = await freePorts(2);
    const member: MemberProcess = {
      name,
      clientUrl: `https://127.0.0.1:${client}`,
      peerUrl: `https://127.0.0.1:${peer}`,
      dataDir: join(this.directory, name),
      child: undefined,
    };
    this.members.push(member);
    return member;
  }

  /** Starts a member, again with its old files if it ran before; settles when its ports are open. */
  async start(member: MemberProcess, state: 'new' | 'existing' = 'new', founders = this.members): Promise<void> {
    const options = {
      name: member.name,
      dataDir: member.dataDir,
      listenClientUrls: [member.clientUrl],
      advertiseClientUrls: [member.clientUrl],
      listenPeerUrls: [member.peerUrl],
      advertisePeerUrls: [member.peerUrl],
      initialCluster: founders.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(),
      initialClusterState: state,
      initialClusterToken: 'test',
      clientTls: this.tls,
      peerTls: this.tls,
    };
    const child = spawn(process.execPath, [PROGRAM, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, BRAMBLE_LOG_LEVEL: process.env['BRAMBLE_LOG_LEVEL'] ?? 'silent' },
    });
    member.child = child;
    await new Promise<void>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`"${member.name}" ended with ${code}`)));
      child.stdout?.on('data', (chunk: Buffer) => {
        if (chunk.includes('listening\n')) resolve();
        if (process.env['BRAMBLE_LOG_LEVEL'] !== undefined) process.stderr.write(`${member.name}: ${chunk.toString()}`);
      });
    });
  }

  /** Ends a member at once, as a pulled plug does, and waits until it is gone. */
  async kill(member: MemberProcess): Promise<void> {
    const { child } = member;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  /** A client of all members, or of the given ones; closed with the cluster. */
  client(members: readonly MemberProcess[] = this.members, timeoutMs = 10_000): EtcdClient {
    const endpoints = members.map(({ clientUrl }) => clientUrl);
    const client = new EtcdClient({ endpoints, tls: () => this.clientTls(), timeoutMs, connectTimeoutMs: 1000 });
    this.#clients.push(client);
    return client;
  }

  clientTls(): ClientTls {
    const { caFile, certFile, keyFile } = this.tls;
    return { ca: readFileSync(caFile), cert: readFileSync(certFile), key: readFileSync(keyFile) };
  }

  /** The member that leads; waits for one. */
  async leader(): Promise<MemberProcess> {
    for (let i = 0; i < 200; i += 1) {
      for (const member of this.members) {
        if (member.child?.exitCode !== null || member.child.signalCode !== null) continue;
        const client = this.client([member], 500);
        const status = await client.status().catch(() => undefined);
        client.close();
        if (status !== undefined && status.leader !== 0n && status.leader === status.header.memberId) return member;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error('nobody leads');
  }

  /** The member's hash over its whole history. */
  async hashOf({ clientUrl }: MemberProcess): Promise<number> {
    const channel = new GrpcChannel({ url: clientUrl, tls: () => this.clientTls() });
    const { hash } = await channel.unary(MAINTENANCE.hashKv, {});
    channel.close();
    return hash;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    for (const member of this.members) await this.kill(member);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Waits until a condition holds; one that throws does not hold yet. */
export async function until(what: string, condition: () => Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  for (const endMs = performance.now() + timeoutMs; performance.now() < endMs;) {
    if (await condition().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not within ${timeoutMs} ms: ${what}`);
}

/** Ports that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  for (const server of servers) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return ports;
}
