import { chmod, mkdir, realpath, stat, writeFile } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import { randomBytes } from 'node:crypto';
import type { Container, Pod, VolumeMount } from '../../api/objects.ts';
import { StatusError } from '../../api/status.ts';
import { PROPAGATION } from '../../host/cri/cri-config.ts';
import type { CriMount } from '../../host/cri/cri-config.ts';
import { expandVariables } from './expand-variables.ts';
import { containerDir, hostsPath } from '../kubelet-paths.ts';
import type { KubeletPaths } from '../kubelet-paths.ts';
import { podUid } from '../pod-identity.ts';
import type { MountedVolume } from '../volumes/volume-plugin.ts';

const ETC_HOSTS = '/etc/hosts';

/** What mounts are made from. */
export interface MountFacts {
  readonly paths: KubeletPaths;
  readonly volumes: ReadonlyMap<string, MountedVolume>;
  readonly environment: ReadonlyMap<string, string>;
}

/**
 * The container's mounts: its volumes, /etc/hosts, and a fresh file for its last words.
 *
 * @throws StatusError BadRequest for a subPath that leaves its volume or a volume that is not there
 */
export async function containerMounts(pod: Pod, container: Container, facts: MountFacts): Promise<CriMount[]> {
  const mounts: CriMount[] = [];
  for (const mount of container.volumeMounts ?? []) mounts.push(await volumeMount(mount, facts));
  const isTaken = (path: string): boolean => mounts.some(({ containerPath }) => containerPath === path);
  if (!isTaken(ETC_HOSTS)) mounts.push({ containerPath: ETC_HOSTS, hostPath: hostsPath(facts.paths, podUid(pod)) });
  const messagePath = container.terminationMessagePath ?? '/dev/termination-log';
  if (messagePath !== '' && !isTaken(messagePath)) {
    const hostPath = await terminationFile(facts.paths, pod, container);
    mounts.push({ containerPath: messagePath, hostPath });
  }
  return mounts;
}

async function volumeMount(mount: VolumeMount, facts: MountFacts): Promise<CriMount> {
  const volume = facts.volumes.get(mount.name);
  if (volume === undefined)
    throw new StatusError('BadRequest', `cannot find volume "${mount.name}" to mount into container`);
  if (mount.recursiveReadOnly === 'Enabled') {
    const what = `volume "${mount.name}" requested recursive read-only mode`;
    throw new StatusError('BadRequest', `${what}, but it is not supported by the runtime`);
  }
  const lookup = (name: string): string | undefined => facts.environment.get(name);
  const subPath = mount.subPathExpr === undefined ? (mount.subPath ?? '') : expandVariables(mount.subPathExpr, lookup);
  return {
    containerPath: isAbsolute(mount.mountPath) ? mount.mountPath : join('/', mount.mountPath),
    hostPath: subPath === '' ? volume.hostPath : await safeSubPath(volume.hostPath, subPath),
    readonly: mount.readOnly === true || volume.readOnly,
    propagation: propagationOf(mount.mountPropagation),
  };
}

function propagationOf(mode: string | undefined): number {
  if (mode === 'Bidirectional') return PROPAGATION.bidirectional;
  return mode === 'HostToContainer' ? PROPAGATION.hostToContainer : PROPAGATION.none;
}

/** The path below the volume, made if absent; a link in the volume must not lead out of it (CVE-2017-1002101). */
async function safeSubPath(volumePath: string, subPath: string): Promise<string> {
  const parts = subPath.split('/');
  if (isAbsolute(subPath))
    throw new StatusError('BadRequest', `error SubPath "${subPath}" must not be an absolute path`);
  if (parts.includes('..'))
    throw new StatusError('BadRequest', `unable to provision SubPath "${subPath}": must not contain '..'`);
  const base = await realpath(volumePath);
  const wanted = join(base, subPath);
  await makeBelow(base, parts);
  const real = await realpath(wanted);
  if (isBelow(base, real)) return real;
  throw new StatusError(
    'BadRequest',
    `failed to prepare subPath for volumeMount: "${subPath}" leads outside of its volume`,
  );
}

function isBelow(base: string, path: string): boolean {
  const way = relative(base, path);
  // The volume's own folders may begin with two dots: content volumes keep their files in `..2026_11_20_…`.
  return way !== '..' && !way.startsWith('../') && !isAbsolute(way);
}

/** Makes each missing folder, following what is there only while it stays inside. */
async function makeBelow(base: string, parts: readonly string[]): Promise<void> {
  const { mode } = await stat(base);
  let at = base;
  for (const part of parts.filter((one) => one !== '' && one !== '.')) {
    const next = join(at, part);
    const real = await realpath(next).catch(() => undefined);
    if (real === undefined) {
      await mkdir(next);
      await chmod(next, mode & 0o7777);
      at = next;
      continue;
    }
    if (!isBelow(base, real)) throw new StatusError('BadRequest', `"${parts.join('/')}" leads outside of its volume`);
    at = real;
  }
}

/** Writable by whoever runs in the container. */
async function terminationFile(paths: KubeletPaths, pod: Pod, container: Container): Promise<string> {
  const folder = containerDir(paths, podUid(pod), container.name);
  await mkdir(folder, { recursive: true, mode: 0o750 });
  const path = join(folder, randomBytes(4).toString('hex'));
  await writeFile(path, '');
  await chmod(path, 0o666);
  return path;
}
