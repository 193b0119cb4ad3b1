import { spawn } from 'node:child_process';
import { createServer, connect } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** In the other namespace: each connection's first line is the port on the loopback that it is for. */
const RELAY = `
require('node:net').createServer((client) => {
  client.on('error', () => client.destroy());
  client.once('readable', function read() {
    const first = client.read();
    if (first === null) return client.once('readable', read);
    const end = first.indexOf(10);
    const backend = require('node:net').connect(Number(first.subarray(0, end).toString()), '127.0.0.1');
    backend.on('error', () => client.destroy());
    client.on('close', () => backend.destroy());
    backend.write(first.subarray(end + 1));
    client.pipe(backend).pipe(client);
  });
}).listen(process.argv[1]);
`;

/** Ways into the loopback of a network namespace: the private containerd streams there. */
export interface NetnsRelay {
  /** The same URL, with a port that leads there. */
  map(url: string): Promise<string>;
  close(): Promise<void>;
}

/** @param namespace name as of `ip netns`; `folder` where a socket may be put */
export async function openNetnsRelay(namespace: string, folder: string): Promise<NetnsRelay> {
  const path = join(folder, 'relay.sock');
  const argv = [`--net=/run/netns/${namespace}`, process.execPath, '-e', RELAY, path];
  const child = spawn('nsenter', argv, { stdio: 'inherit' });
  for (let i = 0; i < 100 && !existsSync(path); i += 1) await sleep(50);
  const servers = new Map<string, Server>();
  const sockets = new Set<Socket>();
  const listen = async (port: string): Promise<Server> => {
    const server = createServer((client) => {
      const backend = connect(path);
      for (const one of [client, backend]) {
        sockets.add(one);
        one.on('error', () => one.destroy());
      }
      client.on('close', () => backend.destroy());
      backend.write(`${port}\n`);
      client.pipe(backend).pipe(client);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return server;
  };
  return {
    async map(url) {
      const parsed = new URL(url);
      const server = servers.get(parsed.port) ?? (await listen(parsed.port));
      servers.set(parsed.port, server);
      parsed.port = String((server.address() as AddressInfo).port);
      return parsed.toString();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      for (const server of servers.values()) server.close();
      child.kill('SIGKILL');
    },
  };
}
