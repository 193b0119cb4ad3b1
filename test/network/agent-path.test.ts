import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { canMakeNamespaces, NetworkNamespace } from '../fake/network-namespace.ts';

/*
 * A pod asks for a name and gets an answer from the Service of that name: pod network, proxy and DNS of one node
 * together, in one process in a namespace, over an API in memory.
 */
const AGENT = fileURLToPath(new URL('../fake/network-agent.ts', import.meta.url));
const CNI = '/usr/lib/cni';
const skip = canMakeNamespaces() && existsSync(`${CNI}/bridge`) ? false : 'needs root, ip, nft and CNI plugins';

void t.test('a pod finds a Service by its name', { skip, timeout: 60_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bramble-agent-'));
  const [node, lan, web, client] = ['node', 'lan', 'web', 'client'].map(
    (name) => new NetworkNamespace(`bpa${process.pid}-${name}`),
  ) as [NetworkNamespace, NetworkNamespace, NetworkNamespace, NetworkNamespace];
  node.connect({ device: 'eth0', address: '192.168.7.1/24' }, lan, { device: 'eth0', address: '192.168.7.9/24' });
  node.run('ip route add default via 192.168.7.9');
  const config = join(folder, '10-bramble.conflist');
  const start = (from: NetworkNamespace, script: string, ...args: string[]): ChildProcess => {
    const [program = '', ...rest] = [...from.prefix, process.execPath, script, ...args];
    return spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
  };
  const agent = start(node, AGENT, config);
  const server = start(web, fileURLToPath(new URL('../fake/echo.ts', import.meta.url)), 'serve', 'web', '8080');
  t.teardown(() => {
    for (const child of [agent, server]) child.kill('SIGKILL');
    for (const one of [node, lan, web, client]) one.delete();
    rmSync(folder, { recursive: true });
  });
  if (agent.stdout === null) throw new Error('a pipe');
  for await (const line of createInterface({ input: agent.stdout })) if (line === 'ready') break;

  const { plugins, ...rest } = JSON.parse(readFileSync(config, 'utf8')) as { plugins: { ipam: object }[] };
  for (const [name, pod] of [
    ['web', web],
    ['client', client],
  ] as const) {
    const env = ['CNI_COMMAND=ADD', `CNI_CONTAINERID=${name}`, `CNI_NETNS=/var/run/netns/${pod.name}`];
    const argv = [...node.prefix, 'env', ...env, 'CNI_IFNAME=eth0', `CNI_PATH=${CNI}`, `${CNI}/bridge`];
    const input = JSON.stringify({ ...rest, ...plugins[0], ipam: { ...plugins[0]?.ipam, dataDir: folder } });
    execFileSync('sh', ['-c', `cat | ${argv.join(' ')}`], { input, stdio: ['pipe', 'ignore', 'inherit'] });
  }

  const inPod = async (code: string): Promise<string> => {
    const [program, ...args] = [...client.prefix, process.execPath, '--input-type=module', '-e', code];
    return (await promisify(execFile)(program, args)).stdout.trim();
  };
  const asking = `
    import { Resolver } from 'node:dns/promises';
    const resolver = new Resolver({ timeout: 3000, tries: 1 });
    resolver.setServers(['10.96.0.10']);
    const [address] = await resolver.resolve4('web.default.svc.cluster.local');`;
  t.equal(
    await inPod(`${asking} console.log(address)`),
    '10.96.0.20',
    "its node's DNS server, by the ClusterIP of kube-dns",
  );
  const whole = `${asking}
    import { connect } from 'node:net';
    connect(80, address).on('data', (chunk) => console.log(String(chunk)));`;
  t.equal(await inPod(whole), 'web 10.244.1.3', 'and the Service by that name, which sees the pod itself');
  t.match(node.run('nft list map ip bramble service-ips'), '10.96.0.10 . udp . 53');
});
