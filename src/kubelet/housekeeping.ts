import { readdir, readlink, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Pod } from '../api/objects.ts';
import { findGarbage, removeGarbage } from './container/container-garbage.ts';
import { podDir } from './kubelet-paths.ts';
import type { KubeletDeps } from './kubelet-deps.ts';
import type { PodStore } from './pod-store.ts';
import type { PodSyncer } from './pod-syncer.ts';
import type { PodWorkers } from './pod-workers.ts';
import type { StatusWriter } from './status/status-writer.ts';

interface HousekeepingOptions {
  readonly deps: KubeletDeps;
  readonly store: PodStore;
  readonly workers: PodWorkers;
  readonly statuses: StatusWriter;
  readonly syncer: PodSyncer;
  readonly activePods: () => readonly Pod[];
}

const EVERY_MS = 5000;
/** Dead containers are looked at every so many rounds (upstream: once a minute). */
const GARBAGE_ROUNDS = 12;

/**
 * Tidies up behind pods that are gone: workers, statuses, folders and logs; sandboxes and containers that only the
 * runtime still knows, such as those of pods deleted while the board was off. Only to be run once the API's pods are
 * known: before, everything would look like an orphan.
 */
export class Housekeeping {
  readonly #options: HousekeepingOptions;
  readonly #ending = new Map<string, Promise<void>>();

  constructor(options: HousekeepingOptions) {
    this.#options = options;
  }

  /** Tidies up until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options.deps;
    for (let round = 0; !signal.aborted; round += 1) {
      try {
        await this.tidy(round % GARBAGE_ROUNDS === 0, signal);
      } catch (error) {
        if (!signal.aborted) log.warn('tidying up failed', { error });
      }
      await clock.sleepMs(EVERY_MS, signal).catch(() => undefined);
    }
    await Promise.all(this.#ending.values());
  }

  /** One round. */
  async tidy(withGarbage: boolean, signal: AbortSignal): Promise<void> {
    const { deps, store, workers, statuses, activePods } = this.#options;
    await deps.cgroups.balance(activePods());
    for (const uid of workers.uids()) {
      if (store.get(uid) !== undefined || !workers.isFinished(uid)) continue;
      workers.forget(uid);
      statuses.forget(uid);
    }
    const sandboxes = await deps.runtime.listSandboxes(signal);
    const isGone = (uid: string): boolean => store.get(uid) === undefined && !workers.has(uid);
    for (const { metadata } of sandboxes) {
      const { uid, namespace, name } = metadata;
      if (uid !== '' && isGone(uid)) this.#endOrphan({ uid, namespace, name }, signal);
    }
    const inRuntime = new Set(sandboxes.map(({ metadata }) => metadata.uid));
    await this.#removeFolders((uid) => isGone(uid) && !inRuntime.has(uid), signal);
    if (!withGarbage) return;
    const garbage = findGarbage(sandboxes, await deps.runtime.listContainers({}, signal), isGone);
    const failed = await removeGarbage(deps.runtime, garbage, signal);
    if (failed > 0) deps.log.debug('garbage could not be removed', { count: failed });
    await this.#removeDeadLinks();
  }

  /** Removes from the runtime what is left of pods that are over, logs included: the card is full. */
  async removeFinished(signal: AbortSignal): Promise<void> {
    const { deps, store, workers } = this.#options;
    const isOver = (uid: string): boolean =>
      workers.isFinished(uid) || (store.get(uid) === undefined && !workers.has(uid));
    const [sandboxes, containers] = [
      await deps.runtime.listSandboxes(signal),
      await deps.runtime.listContainers({}, signal),
    ];
    await removeGarbage(deps.runtime, findGarbage(sandboxes, containers, isOver), signal);
  }

  #endOrphan(identity: { uid: string; namespace: string; name: string }, signal: AbortSignal): void {
    const { deps, syncer } = this.#options;
    if (this.#ending.has(identity.uid)) return;
    deps.log.info('a pod that the API no longer has is ended', identity);
    const ending = syncer
      .endOrphan(identity, signal)
      .catch((error: unknown) => {
        if (!signal.aborted) deps.log.warn('an orphaned pod cannot be ended', { ...identity, error });
      })
      .finally(() => this.#ending.delete(identity.uid));
    this.#ending.set(identity.uid, ending);
  }

  async #removeFolders(isGone: (uid: string) => boolean, signal: AbortSignal): Promise<void> {
    const { deps } = this.#options;
    for (const uid of await readdir(join(deps.paths.rootDir, 'pods')).catch(() => [])) {
      if (!isGone(uid)) continue;
      await deps.volumes.teardownPod(uid, signal);
      // What is still mounted must not be deleted with its contents.
      if (!(await deps.volumes.hasVolumes(uid))) await rm(podDir(deps.paths, uid), { recursive: true, force: true });
    }
    for (const name of await readdir(deps.paths.podLogsDir).catch(() => [])) {
      const uid = name.split('_')[2] ?? '';
      if (uid !== '' && isGone(uid)) await rm(join(deps.paths.podLogsDir, name), { recursive: true, force: true });
    }
  }

  async #removeDeadLinks(): Promise<void> {
    const folder = this.#options.deps.paths.containerLogsDir;
    for (const name of await readdir(folder).catch(() => [])) {
      const target = await readlink(join(folder, name)).catch(() => undefined);
      if (target !== undefined && !existsSync(target)) await rm(join(folder, name), { force: true });
    }
  }
}
