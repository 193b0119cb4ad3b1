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

/** Code that only decides: no disk, network, clock, process or chance. */
const PURE = ['api/', 'raft/', 'nft/', 'proxy/ruleset.ts', 'kubelet/pod-actions.ts', 'store/mvcc/'];
const PURE_EXCEPT = ['api/schema/generate.ts', 'api/schema/load.ts'];
const IMPURE = /from 'node:(?!assert|buffer)|Date\.now|Math\.random|setTimeout|process\./;

void t.test('src/ imports only downwards', (t) => {
  for (const file of globSync('src/*/**/*.ts')) {
    const layer = file.split('/')[1] ?? '';
    const text = readFileSync(file, 'utf8');
    for (const [, path = '', target = ''] of text.matchAll(/from '((?:\.\.\/)+([a-z]+)\/[^']+)'/g)) {
      const inside = target === layer || !(target in LAYERS) || !(layer in LAYERS);
      if (!inside) t.ok(LAYERS[layer]?.includes(target), `${file} may import ${target}`);
      if (target === 'store' && layer !== 'store' && layer in LAYERS)
        t.match(path, STORE_CLIENT, `${file} imports of the store only its client`);
    }
    if (PURE.some((path) => file.startsWith(`src/${path}`)) && !PURE_EXCEPT.some((path) => file === `src/${path}`))
      t.notMatch(text, IMPURE, `${file} is pure`);
  }
  t.end();
});

void t.test('src/ never imports test/', (t) => {
  for (const file of globSync('src/**/*.ts')) t.notMatch(readFileSync(file, 'utf8'), /from '.*\/test\//, file);
  t.end();
});
