import { generateName } from '../registry/object-meta.ts';
import type { Container, Pod, ServiceAccount, Volume } from '../../api/objects.ts';
import { forbidden, isReason } from '../../api/status.ts';
import type { Clock } from '../../host/clock.ts';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.ts';

const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const VOLUME_PREFIX = 'kube-api-access-';
/** An hour, and seven seconds by which upstream knows these tokens again. */
const TOKEN_SECONDS = 3607;
const MIRROR = 'kubernetes.io/config.mirror';
/** A namespace's default account is made by a controller just after the namespace: upstream waits for it as long. */
const DEFAULT_ATTEMPTS = 10;
const ATTEMPT_MS = 150;

/** Gives a pod its service account, the account's token to read, and its pull secrets (plugin/pkg/admission/serviceaccount). */
export function serviceAccount(clock: Clock): AdmissionPlugin {
  return {
    name: 'ServiceAccount',
    handles: (operation, kind, subresource) => operation === 'CREATE' && kind.plural === 'pods' && subresource === '',
    async mutate(attributes, signal) {
      const pod = attributes.object as Pod;
      if (pod.spec === undefined || isMirror(pod)) return;
      pod.spec.serviceAccountName ||= pod.spec.serviceAccount || 'default';
      pod.spec.serviceAccount = pod.spec.serviceAccountName;
      const account = await findAccount(attributes, pod.spec.serviceAccountName, clock, signal);
      const automount = pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
      if (automount) mountToken(pod, generateName(VOLUME_PREFIX));
      if ((pod.spec.imagePullSecrets ?? []).length === 0 && (account.imagePullSecrets ?? []).length > 0)
        pod.spec.imagePullSecrets = structuredClone(account.imagePullSecrets ?? []);
    },
    async validate(attributes) {
      const pod = attributes.object as Pod;
      if (!isMirror(pod)) return Promise.resolve();
      const refuse = (why: string): never => {
        throw forbidden('pods', attributes.name, why);
      };
      if (pod.spec?.serviceAccountName) refuse('a mirror pod may not reference service accounts');
      if ((pod.spec?.volumes ?? []).some(({ projected }) => projected?.sources?.some((one) => one.serviceAccountToken)))
        refuse('a mirror pod may not use ServiceAccountToken volume projections');
      return Promise.resolve();
    },
  };
}

function isMirror(pod: Pod): boolean {
  return pod.metadata?.annotations?.[MIRROR] !== undefined;
}

async function findAccount(
  { registry, namespace, name: podName }: AdmissionAttributes,
  name: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<ServiceAccount> {
  const attempts = name === 'default' ? DEFAULT_ATTEMPTS : 1;
  for (let attempt = 0; ; attempt += 1) {
    try {
      const freshness = attempt === 0 ? 'cache' : 'latest';
      return await registry.get<ServiceAccount>('serviceaccounts', namespace, name, { freshness });
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
      if (attempt >= attempts) {
        const why = `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`;
        throw forbidden('pods', podName, why);
      }
      if (attempt > 0) await clock.sleepMs(ATTEMPT_MS, signal);
    }
  }
}

/** Adds the token's volume, and its mount to each container that has nothing there yet. In place. */
function mountToken(pod: Pod, volumeName: string): void {
  const { spec } = pod;
  if (spec === undefined) return;
  const existing = (spec.volumes ?? []).find(({ name }) => name.startsWith(VOLUME_PREFIX))?.name;
  const name = existing ?? volumeName;
  let isNeeded = false;
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    if (!mount(container, name)) continue;
    isNeeded = true;
  }
  if (isNeeded && existing === undefined) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)];
}

function mount(container: Container, name: string): boolean {
  if ((container.volumeMounts ?? []).some(({ mountPath }) => mountPath === TOKEN_PATH)) return false;
  container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: TOKEN_PATH }];
  return true;
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
    },
  };
}
