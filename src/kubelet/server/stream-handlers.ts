import { badRequest, StatusError } from '../../api/status.ts';
import type { StreamChoice } from '../../host/cri/cri.ts';
import { acceptByteStream, acceptWebSocket, isWebSocket, offeredProtocols } from './accept-websocket.ts';
import { chooseProtocol } from './channel-protocol.ts';
import { checkContainer, podOf } from './container-logs.ts';
import { dialStream } from './dial-stream.ts';
import type { Handler, KubeletCall, Upgrade, UpgradeHandler } from './kubelet-call.ts';
import { sendText } from './kubelet-call.ts';
import { passBytes, passStream, keepAlive } from './pass-stream.ts';
import { bridgeRemoteCommand, SPDY_HEADERS } from './remote-command.ts';

const PORT_FORWARD = 'portforward.k8s.io';
/** SPDY inside of WebSocket messages (KEP-4006). */
const TUNNEL = `SPDY/3.1+${PORT_FORWARD}`;
const PORTS_MAX = 100;

/** `/exec/{namespace}/{pod}/{container}` or `/exec/{namespace}/{pod}/{uid}/{container}` */
export const exec: UpgradeHandler = async (call, upgrade) => {
  const command = call.query.getAll('command');
  if (command.length === 0) throw badRequest('you must specify at least one command for the container');
  const streams = streamsOf(call.query);
  const { runtime } = call.view;
  const id = await runningContainer(call);
  await streamCommand(call, upgrade, streams, await runtime.exec(id, command, streams, call.signal));
};

/** `/attach/...`, as exec, to what runs already. */
export const attach: UpgradeHandler = async (call, upgrade) => {
  const streams = streamsOf(call.query);
  const id = await runningContainer(call);
  await streamCommand(call, upgrade, streams, await call.view.runtime.attach(id, streams, call.signal));
};

/** `/portForward/{namespace}/{pod}` or `/portForward/{namespace}/{pod}/{uid}` */
export const portForward: UpgradeHandler = async (call, upgrade) => {
  const { view, request, path, query, signal } = call;
  const [namespace = '', name = '', uid] = path;
  const sandbox = await view.findSandbox(podOf(view, namespace, name, uid));
  const url = await view.runtime.portForward(sandbox, portsOf(query), signal);
  if (!isWebSocket(request) || !offeredProtocols(request).includes(TUNNEL)) return passStream(call, url, upgrade);
  const headers = { ...SPDY_HEADERS, 'X-Stream-Protocol-Version': PORT_FORWARD };
  const dialled = await dialStream(url, 'POST', headers, signal);
  keepAlive(upgrade.socket);
  const client = await acceptByteStream(request, upgrade, TUNNEL).catch((error: unknown) => {
    dialled.socket.destroy();
    throw error;
  });
  if (dialled.head.length > 0) client.write(dialled.head);
  await passBytes(client, dialled.socket, signal);
};

/** `/run/{namespace}/{pod}/{container}?cmd=...`: all output at once, when the command has ended. */
export const run: Handler = async (call, response) => {
  const { query, view, signal } = call;
  const command = (query.get('cmd') ?? '').split(' ').filter((word) => word !== '');
  if (command.length === 0) throw badRequest('cmd is missing');
  const { exitCode, stdout, stderr } = await view.runtime.execSync(await runningContainer(call), command, 0, signal);
  const output = Buffer.concat([stdout, stderr]).toString('utf8');
  if (exitCode === 0) return sendText(response, 200, output);
  throw new StatusError('InternalError', `command '${command.join(' ')}' exited with ${exitCode}: ${output}`);
};

/** SPDY goes to the runtime as it is, WebSockets are translated. */
async function streamCommand(call: KubeletCall, upgrade: Upgrade, streams: StreamChoice, url: string): Promise<void> {
  const { request, signal } = call;
  if (!isWebSocket(request)) return passStream(call, url, upgrade);
  const offered = offeredProtocols(request);
  const protocol = chooseProtocol(offered);
  // kubectl takes this for an older server and comes again with SPDY.
  if (protocol === undefined)
    throw badRequest(`unable to upgrade: none of the protocols [${offered.join(' ')}] is known`);
  const dialled = await dialStream(url, 'POST', SPDY_HEADERS, signal);
  for (const one of [upgrade.socket, dialled.socket]) keepAlive(one);
  const webSocket = await acceptWebSocket(request, upgrade, protocol.name).catch((error: unknown) => {
    dialled.socket.destroy();
    throw error;
  });
  await bridgeRemoteCommand(webSocket, dialled, { protocol, streams });
}

/** @throws StatusError with upstream's texts */
async function runningContainer({ view, path }: KubeletCall): Promise<string> {
  const [namespace = '', name = ''] = path;
  const [uid, container = ''] = path.length > 3 ? [path[2], path[3]] : [undefined, path[2]];
  const pod = podOf(view, namespace, name, uid);
  checkContainer(pod, container);
  const { containerId, isRunning } = await view.findContainer(pod, container);
  if (!isRunning) throw new StatusError('InternalError', `container not found ("${container}")`);
  return containerId;
}

/** As the API server translates its clients' stdin, stdout, stderr. @throws StatusError BadRequest */
function streamsOf(query: URLSearchParams): StreamChoice {
  const isSet = (name: string): boolean => ['1', 'true'].includes(query.get(name) ?? '');
  const tty = isSet('tty');
  // A terminal has one output.
  const streams = { stdin: isSet('input'), stdout: isSet('output'), stderr: isSet('error') && !tty, tty };
  if (streams.stdin || streams.stdout || streams.stderr) return streams;
  throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
}

/** For WebSockets of the old kind; SPDY names a port per stream. @throws StatusError BadRequest */
function portsOf(query: URLSearchParams): number[] {
  const ports = query.getAll('port').flatMap((text) => text.split(','));
  if (ports.length > PORTS_MAX) throw badRequest(`at most ${PORTS_MAX} ports at once`);
  return ports.map((text) => {
    const port = Number(text);
    if (/^\d+$/.test(text) && port > 0 && port < 65_536) return port;
    throw badRequest(`invalid port "${text}"`);
  });
}
