import { globSync, readFileSync } from 'node:fs';
import t from 'tap';

/** Each folder of src/, bottom up, and the folders it may import. This table is the diagram in src/README.md. */
const LAYERS: Record<string, readonly string[]> = {
  api: [],
  raft: [],
  nft: [],
  host: ['api', 'nft'],
  store: ['raft', 'host'],
  apiserver: ['api', 'store', 'host'],
  client: ['api', 'host'],
  scheduler: ['api', 'client', 'host'],
  controller: ['api', 'client', 'host'],
  kubelet: ['api', 'client', 'host'],
  proxy: ['api', 'client', 'nft', 'host'],
  network: ['api', 'client', 'nft', 'host'],
  bootstrap: ['api', 'client', 'store', 'host'],
  rack: ['host'],
};

/** Files of the store that the API server and bootstrap may import: the client side of its seam, nothing of the server. */
const STORE_CLIENT = /store\/(client\/|etcd-api)/;

/** Files of host/ that scheduler and controllers may import: they act through the API, not on a machine. */
const HOST_OF_DECIDERS = /host\/(clock|log|metrics|pki|run-together|tcp-probe|until-aborted)\.ts$/;

/** Code that only decides: no disk, network, clock, process or chance. */
const PURE = [
  'api/**/*.ts',
  'raft/**/*.ts',
  'nft/**/*.ts',
  'store/mvcc/*.ts',
  'apiserver/authorization/bootstrap/{bootstrap-policy,plan-role,policy,*-roles}.ts',
  'apiserver/openapi/{document-v2,document-v3,gnostic,operations,reachable}.ts',
  'scheduler/plugin/*.ts',
  'scheduler/{config,group-selector,node-info,node-selector,pod-info,topology-constraint}.ts',
  'controller/*-{plan,rules,graph,health,status}.ts',
  'kubelet/{pod,init,resize}-actions.ts',
  'kubelet/status/{pod-phase,pod-conditions,pod-status,container-statuses}.ts',
  'kubelet/{node/node-object,container/container-config}.ts',
  'proxy/{base-table,endpoint-choice,ruleset}.ts',
  'network/{cni-config,masquerade-table,pod-routes}.ts',
  'network/dns/{cluster-zone,packet,reverse-name,service-record,wire}.ts',
];
const PURE_EXCEPT = ['src/api/schema/generate.ts', 'src/api/schema/load.ts', 'src/api/protobuf/generate.ts'];
const IMPURE = /from 'node:(?!assert|buffer|util')|Date\.now|Math\.random|setTimeout|process\./;

/** Libraries that more than one file may know: the command line is spread over the commands. */
const LIBRARIES_OF_MANY = ['commander'];

void t.test('src/ imports only downwards', (t) => {
  for (const file of globSync('src/*/**/*.ts')) {
    const layer = file.split('/')[1] ?? '';
    const text = readFileSync(file, 'utf8');
    for (const [, path = '', target = ''] of text.matchAll(/from '((?:\.\.\/)+([a-z]+)\/[^']+)'/g)) {
      const inside = target === layer || !(target in LAYERS) || !(layer in LAYERS);
      if (!inside) t.ok(LAYERS[layer]?.includes(target), `${file} may import ${target}`);
      if (target === 'store' && layer !== 'store' && layer in LAYERS)
        t.match(path, STORE_CLIENT, `${file} imports of the store only its client`);
      if (target === 'host' && (layer === 'scheduler' || layer === 'controller'))
        t.match(path, HOST_OF_DECIDERS, `${file} acts through the API`);
    }
  }
  t.end();
});

void t.test('what only decides touches nothing', (t) => {
  for (const pattern of PURE) {
    const files = globSync(`src/${pattern}`).filter((file) => !PURE_EXCEPT.includes(file));
    t.ok(files.length > 0, `${pattern} names files that exist`);
    for (const file of files) t.notMatch(readFileSync(file, 'utf8'), IMPURE, `${file} is pure`);
  }
  t.end();
});

void t.test('a library is known to one file', (t) => {
  const users = new Map<string, string[]>();
  for (const file of globSync('src/**/*.ts')) {
    const text = readFileSync(file, 'utf8');
    const names = [...text.matchAll(/from '((?:@[^/']+\/)?[a-z][^/':]*)[^':]*'/g)].map(([, name = '']) => name);
    for (const name of new Set(names)) users.set(name, [...(users.get(name) ?? []), file]);
  }
  for (const [name, files] of users)
    if (!LIBRARIES_OF_MANY.includes(name)) t.equal(files.length, 1, `${name}: ${files.join(' ')}`);
  t.ok(users.has('pino'));
  t.end();
});

void t.test('src/ never imports test/', (t) => {
  for (const file of globSync('src/**/*.ts')) t.notMatch(readFileSync(file, 'utf8'), /from '.*\/test\//, file);
  t.end();
});
