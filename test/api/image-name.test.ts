import t from 'tap';
import { defaultPullPolicy, fullImageName, splitImageName, withDefaultTag } from '../../src/api/image-name.ts';

void t.test('image names are taken apart as the registries do', (t) => {
  const tagged: readonly [string, string | undefined][] = [
    ['busybox', 'busybox:latest'],
    ['host:5000/a/b', 'host:5000/a/b:latest'],
    ['a:1', 'a:1'],
    [`a@sha256:${'0'.repeat(64)}`, `a@sha256:${'0'.repeat(64)}`],
    ['Upper', undefined],
    ['', undefined],
  ];
  for (const [image, expected] of tagged) t.equal(withDefaultTag(image), expected, image);
  t.same(splitImageName('busybox:1'), { registry: 'docker.io', repository: 'library/busybox' });
  t.same(splitImageName('me/app'), { registry: 'docker.io', repository: 'me/app' });
  t.same(splitImageName('localhost/app'), { registry: 'localhost', repository: 'app' });
  t.same(splitImageName('r.example:5000/a/b:2'), { registry: 'r.example:5000', repository: 'a/b' });
  t.end();
});

// pkg/apis/core/v1/defaults.go SetDefaults_Container
void t.test('defaultPullPolicy() is Always for latest, said or meant', (t) => {
  t.equal(defaultPullPolicy('busybox'), 'Always');
  t.equal(defaultPullPolicy('host:5000/a:latest'), 'Always');
  t.equal(defaultPullPolicy('busybox:1'), 'IfNotPresent');
  t.equal(defaultPullPolicy(`a@sha256:${'0'.repeat(64)}`), 'IfNotPresent');
  t.end();
});

for (const [name, full] of [
  ['busybox', 'docker.io/library/busybox:latest'],
  ['rancher/pause:3.6', 'docker.io/rancher/pause:3.6'],
  ['registry:5000/a/b', 'registry:5000/a/b:latest'],
  ['localhost/x:1', 'localhost/x:1'],
  ['busybox@sha256:0a', 'docker.io/library/busybox@sha256:0a'],
  ['quay.io/a/b:1@sha256:0a', 'quay.io/a/b@sha256:0a'],
] as const)
  void t.test(`fullImageName('${name}')`, (t) => {
    t.equal(fullImageName(name), full);
    t.end();
  });

// The scheduler reads the names of all pods' images, in the process that serves the API.
void t.test('fullImageName() takes time in proportion to the length of what is no name', (t) => {
  const startMs = performance.now();
  for (const text of ['@', ':', '/', 'a@\n']) fullImageName(`${text.repeat(50_000)}\n`);
  t.ok(performance.now() - startMs < 1000);
  t.end();
});
