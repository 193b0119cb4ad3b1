import type { ClusterEvent } from './cluster-event.ts';
import type { ExtensionPoint, ProfileConfig } from './config.ts';
import type { Clock } from '../host/clock.ts';
import type { Cycle, Plugin, Queued, Rejection } from './framework.ts';
import type { PluginHandle } from './plugin-handle.ts';
import type { PodInfo } from './pod-info.ts';
import { PLUGINS } from './registry.ts';

/** A plugin at one extension point, and how much its scores count there. */
export interface WeightedPlugin {
  readonly plugin: Plugin;
  readonly weight: number;
}

/** The status of an extension point in metrics. */
export function codeOf(rejection: Rejection | undefined): string {
  return rejection?.code ?? 'Success';
}

/** Which of a plugin's methods each extension point calls. */
const METHODS: Readonly<Record<ExtensionPoint, keyof Plugin>> = {
  preEnqueue: 'preEnqueue',
  queueSort: 'compare',
  preFilter: 'preFilter',
  filter: 'filter',
  postFilter: 'postFilter',
  preScore: 'preScore',
  score: 'score',
  reserve: 'reserve',
  permit: 'permit',
  preBind: 'preBind',
  bind: 'bind',
  postBind: 'postBind',
};

/** The plugins of one scheduler name, by extension point. */
export class Profile {
  readonly schedulerName: string;
  readonly percentageOfNodesToScore: number;
  readonly #points: ReadonlyMap<ExtensionPoint, readonly WeightedPlugin[]>;
  readonly #plugins = new Map<string, Plugin>();
  readonly #clock: Clock;
  /** Told how long an extension point took, and with which status. */
  onRun: ((point: string, status: string, seconds: number) => void) | undefined;

  /** @throws Error when an argument is wrong or no plugin binds or sorts */
  constructor(config: ProfileConfig, handle: PluginHandle) {
    this.schedulerName = config.schedulerName;
    this.#clock = handle.clock;
    this.percentageOfNodesToScore = config.percentageOfNodesToScore;
    const points = new Map<ExtensionPoint, readonly WeightedPlugin[]>();
    for (const [point, method] of Object.entries(METHODS) as [ExtensionPoint, keyof Plugin][]) {
      const enabled = config.plugins[point].map(({ name, weight }) => ({
        plugin: this.#make(name, config, handle),
        weight,
      }));
      points.set(
        point,
        enabled.filter(({ plugin }) => plugin[method] !== undefined),
      );
    }
    this.#points = points;
    if (this.at('bind').length === 0) throw new Error(`profile ${this.schedulerName} has no plugin that binds`);
    if (this.at('queueSort').length !== 1)
      throw new Error(
        `profile ${this.schedulerName} must have one queueSort plugin: has ${this.at('queueSort').length}`,
      );
  }

  at(point: ExtensionPoint): readonly WeightedPlugin[] {
    return this.#points.get(point) ?? [];
  }

  compare(a: Queued, b: Queued): number {
    return this.at('queueSort')[0]?.plugin.compare?.(a, b) ?? 0;
  }

  /** Runs and measures what belongs to an extension point. @param statusOf the result, as `Success` or a rejection's code */
  measure<T>(point: string, run: () => T, statusOf: (result: T) => string = () => 'Success'): T {
    if (this.onRun === undefined) return run();
    const startMs = this.#clock.monotonicMs();
    const result = run();
    this.onRun(point, statusOf(result), (this.#clock.monotonicMs() - startMs) / 1000);
    return result;
  }

  /** The first rejection, with who gave it. */
  preEnqueue(pod: PodInfo): { readonly plugin: string; readonly rejection: Rejection } | undefined {
    for (const { plugin } of this.at('preEnqueue')) {
      const rejection = plugin.preEnqueue?.(pod);
      if (rejection !== undefined) return { plugin: plugin.name, rejection };
    }
    return undefined;
  }

  /** Whether the event may lift the rejection that this plugin gave. */
  mayHelp(pluginName: string, pod: PodInfo, event: ClusterEvent): boolean {
    const plugin = this.#plugins.get(pluginName);
    return plugin?.mayHelp === undefined || plugin.mayHelp(pod, event);
  }

  /** Reserves; on a rejection everything is undone. */
  reserve(cycle: Cycle, nodeName: string): Rejection | undefined {
    const reserve = (): Rejection | undefined => {
      for (const { plugin } of this.at('reserve')) {
        const rejection = plugin.reserve?.(cycle, nodeName);
        if (rejection !== undefined) return rejection;
      }
      return undefined;
    };
    const rejection = this.measure('Reserve', reserve, codeOf);
    if (rejection !== undefined) this.unreserve(cycle, nodeName);
    return rejection;
  }

  unreserve(cycle: Cycle, nodeName: string): void {
    for (const { plugin } of this.at('reserve').toReversed()) plugin.unreserve?.(cycle, nodeName);
  }

  /** All permits together; settles when the last has decided. */
  async permit(cycle: Cycle, nodeName: string): Promise<Rejection | undefined> {
    for (const { plugin } of this.at('permit')) {
      const rejection = await plugin.permit?.(cycle, nodeName);
      if (rejection !== undefined) return rejection;
    }
    return undefined;
  }

  async #measured(point: string, run: () => Promise<boolean>): Promise<boolean> {
    const startMs = this.#clock.monotonicMs();
    let status = 'Error';
    try {
      const isDone = await run();
      if (isDone) status = 'Success';
      return isDone;
    } finally {
      this.onRun?.(point, status, (this.#clock.monotonicMs() - startMs) / 1000);
    }
  }

  /** Binds by the first plugin that takes the pod. @throws what the plugins throw */
  async bind(cycle: Cycle, nodeName: string, signal: AbortSignal): Promise<void> {
    await this.#measured('PreBind', async () => {
      for (const { plugin } of this.at('preBind')) await plugin.preBind?.(cycle, nodeName, signal);
      return true;
    });
    const isBound = await this.#measured('Bind', async () => {
      for (const { plugin } of this.at('bind'))
        if ((await plugin.bind?.(cycle, nodeName, signal)) === true) return true;
      return false;
    });
    if (!isBound) throw new Error(`no plugin of profile ${this.schedulerName} bound ${cycle.pod.key}`);
    for (const { plugin } of this.at('postBind')) plugin.postBind?.(cycle, nodeName);
  }

  #make(name: string, config: ProfileConfig, handle: PluginHandle): Plugin {
    let plugin = this.#plugins.get(name);
    if (plugin !== undefined) return plugin;
    const factory = PLUGINS[name];
    if (factory === undefined) throw new Error(`there is no scheduler plugin "${name}"`);
    plugin = factory(config.args.get(name) ?? {}, handle);
    this.#plugins.set(name, plugin);
    return plugin;
  }
}
