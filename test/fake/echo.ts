/**
 * A program for network tests: `serve <name> <port>` answers each TCP connection and each UDP packet with
 * `<name> <client's address>`; `ask tcp|udp <address> <port> <times>` asks and prints a line per answer, or per failure
 * its code. `ask` binds one local port for UDP, so that its packets are one flow.
 */
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';

const [, , verb, ...args] = process.argv;
/** Long for a packet on one machine; a dropped one takes this long. A fifth argument of `ask` sets another. */
const PATIENCE_MS = Number(args[4] ?? 700);

if (verb === 'serve') {
  const [name, port] = args;
  createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(`${name} ${socket.remoteAddress}`);
  }).listen(Number(port), '0.0.0.0');
  const udp = createSocket('udp4');
  udp.on('message', (_, { address, port }) => udp.send(`${name} ${address}`, port, address));
  udp.bind(Number(port), () => process.stdout.write('ready\n'));
} else {
  const [transport, address = '', port, times] = args;
  const socket = createSocket('udp4').bind(0);
  for (let i = 0; i < Number(times); i += 1) {
    const answer = await (transport === 'tcp' ? askTcp(address, Number(port)) : askUdp(address, Number(port)));
    process.stdout.write(`${answer}\n`);
  }
  socket.close();

  function askUdp(host: string, port: number): Promise<string> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve('timeout'), PATIENCE_MS);
      socket.removeAllListeners('message');
      socket.once('message', (message) => {
        clearTimeout(timer);
        resolve(message.toString());
      });
      socket.send('?', port, host);
    });
  }
}

function askTcp(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ host, port, timeout: PATIENCE_MS });
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('timeout', () => {
      socket.destroy();
      resolve('timeout');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
    socket.on('close', () => resolve(text));
  });
}
