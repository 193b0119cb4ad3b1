import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConfigMap, Pod, Secret, TokenRequest } from '../../../src/api/objects.ts';
import { notFound } from '../../../src/api/status.ts';
import { unmountBelow } from '../../../src/host/mount.ts';
import { silentLog } from '../../../src/host/log.ts';
import type { VolumeHost } from '../../../src/kubelet/volumes/volume-plugin.ts';
import { FakeApiClient } from '../../fake/api-client.ts';
import { createFakeClock } from '../../fake/clock.ts';
import type { FakeClock } from '../../fake/clock.ts';

/** A kubelet's surroundings for volumes: objects that a test sets, a clock moved by hand, a folder of its own. */
export interface VolumeWorld {
  readonly host: VolumeHost;
  readonly clock: FakeClock;
  readonly configMaps: Map<string, ConfigMap>;
  readonly secrets: Map<string, Secret>;
  readonly pods: Pod[];
  /** Requests for tokens so far. */
  readonly tokenRequests: TokenRequest[];
  /** What asking for a token does. */
  onToken: () => void;
  close(): Promise<void>;
}

/** Tokens last this long unless asked otherwise. */
const TOKEN_SECONDS = 3600;

export async function openVolumeWorld(): Promise<VolumeWorld> {
  const rootDir = await mkdtemp(join(tmpdir(), 'bramble-volumes-'));
  const clock = createFakeClock();
  const configMaps = new Map<string, ConfigMap>();
  const secrets = new Map<string, Secret>();
  const pods: Pod[] = [];
  const tokenRequests: TokenRequest[] = [];
  const find = async <T>(all: ReadonlyMap<string, T>, what: string, name: string): Promise<T> => {
    const found = all.get(name);
    if (found === undefined) throw notFound(what, name);
    return found;
  };
  const world: VolumeWorld = {
    clock,
    configMaps,
    secrets,
    pods,
    tokenRequests,
    onToken: () => undefined,
    host: {
      rootDir,
      nodeName: 'w1',
      client: new FakeApiClient(() => new Date()),
      clock,
      log: silentLog,
      getConfigMap: async (_namespace, name) => find(configMaps, 'configmaps', name),
      getSecret: async (_namespace, name) => find(secrets, 'secrets', name),
      createToken: async (_namespace, _account, request) => {
        world.onToken();
        tokenRequests.push(request);
        const lifeMs = (request.spec?.expirationSeconds ?? TOKEN_SECONDS) * 1000;
        const expirationTimestamp = new Date(clock.nowMs() + lifeMs).toISOString();
        return { ...request, status: { token: `token-${tokenRequests.length}`, expirationTimestamp } };
      },
      pods: () => pods,
      downwardValue: (pod, { fieldRef }) => (fieldRef?.fieldPath === 'metadata.name' ? (pod.metadata?.name ?? '') : ''),
    },
    async close() {
      await unmountBelow(rootDir);
      await rm(rootDir, { recursive: true, force: true });
    },
  };
  return world;
}

/** A pod with these volumes. */
export function podWith(
  volumes: NonNullable<Pod['spec']>['volumes'],
  spec: Partial<NonNullable<Pod['spec']>> = {},
): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default', uid: 'uid-1' },
    spec: {
      serviceAccountName: 'app',
      containers: [{ name: 'main', image: 'i' }],
      ...spec,
      ...(volumes && { volumes }),
    },
  };
}
