import type { Selector } from '../api/selector.ts';
import type { ApiClient } from '../client/api-client.ts';
import type { EventRecorder } from '../client/event-recorder.ts';
import type { Clock } from '../host/clock.ts';
import type { Plugin, Rejection, Snapshot } from './framework.ts';
import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';

/** What plugins may use of the scheduler around them. */
export interface PluginHandle {
  readonly client: ApiClient;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  /** 0 up to 1 */
  readonly random: () => number;
  /** Labels of a namespace; undefined when it is not known. */
  readonly namespaceLabels: (namespace: string) => Readonly<Record<string, string>> | undefined;
  /** What groups a pod with its like: selectors of its Services and of its owner. Null when there is none. */
  groupSelector(pod: PodInfo): Selector | null;
  /** The pods that wait for a place on this node after preemption. */
  nominated(nodeName: string): readonly PodInfo[];
  /** Runs the pod's profile's PreFilter and Filter on one node of a hypothetical snapshot. */
  tryOn(pod: PodInfo, snapshot: Snapshot, node: NodeInfo): Rejection | undefined;
}

/** Makes a plugin. @param args its `pluginConfig` args, unchecked. @throws Error saying which argument is wrong */
export type PluginFactory = (args: Readonly<Record<string, unknown>>, handle: PluginHandle) => Plugin;
