import type { Container, Pod } from '../../api/objects.ts';
import type { RuntimeImage } from '../../host/cri/cri.ts';
import type { ContainerConfig, CriMount } from '../../host/cri/cri-config.ts';
import { containerResources } from './container-resources.ts';
import type { LimitFacts } from './container-resources.ts';
import { containerAnnotations, containerLabels } from '../runtime/cri-labels.ts';
import { expandVariables } from './expand-variables.ts';
import { containerLogPath } from '../kubelet-paths.ts';
import { containerSecurity } from './security-context.ts';

/** What a container needs beyond its spec. */
export interface ContainerFacts {
  readonly restartCount: number;
  /** Reference of the pulled image. */
  readonly imageRef: string;
  readonly image: RuntimeImage | undefined;
  readonly environment: ReadonlyMap<string, string>;
  readonly mounts: readonly CriMount[];
  readonly limits: LimitFacts;
  /** Of an ephemeral container: whose processes it sees. */
  readonly targetId?: string;
}

/** The CRI configuration of a container (upstream generateContainerConfig). @throws StatusError of containerSecurity */
export function containerConfig(pod: Pod, container: Container, facts: ContainerFacts): ContainerConfig {
  const lookup = (name: string): string | undefined => facts.environment.get(name);
  const expand = (texts: readonly string[] | undefined): readonly string[] =>
    (texts ?? []).map((text) => expandVariables(text, lookup));
  return {
    metadata: { name: container.name, attempt: facts.restartCount },
    image: { image: facts.imageRef, userSpecifiedImage: container.image ?? '' },
    command: expand(container.command),
    args: expand(container.args),
    workingDir: container.workingDir ?? '',
    envs: [...facts.environment].map(([key, value]) => ({ key, value })),
    mounts: facts.mounts,
    devices: [],
    labels: containerLabels(pod, container),
    annotations: containerAnnotations(pod, container, facts.restartCount),
    logPath: containerLogPath(container.name, facts.restartCount),
    stdin: container.stdin === true,
    stdinOnce: container.stdinOnce === true,
    tty: container.tty === true,
    linux: {
      resources: containerResources(pod, container, facts.limits),
      securityContext: containerSecurity(pod, container, facts.image, facts.targetId),
    },
  };
}
