import { Socket } from 'node:net';
import t from 'tap';
import { Connections } from '../../src/apiserver/connections.ts';

const MANY = 1000;

function filled(isActive: boolean): { connections: Connections; sockets: Socket[] } {
  const connections = new Connections(MANY);
  const sockets = Array.from({ length: MANY }, () => new Socket());
  for (const socket of sockets) {
    connections.add(socket);
    if (isActive) connections.use(socket);
  }
  return { connections, sockets };
}

void t.test('add() drops the connection that has been idle for longest when there are too many', (t) => {
  const { connections, sockets } = filled(false);
  const newest = new Socket();

  connections.add(newest);

  t.equal(sockets[0]?.destroyed, true);
  t.equal(sockets[1]?.destroyed, false);
  t.equal(newest.destroyed, false);
  t.end();
});

void t.test('add() lets a client in though all others have watches', (t) => {
  const { connections, sockets } = filled(true);
  const newest = new Socket();

  connections.add(newest);

  t.equal(newest.destroyed, false);
  t.ok(sockets.every((socket) => !socket.destroyed));
  t.end();
});
