import { systemClock } from '../host/clock.ts';
import { CriImages } from '../host/cri/cri-images.ts';
import { CriRuntime } from '../host/cri/cri-runtime.ts';
import type { GrpcChannel } from '../host/grpc/grpc-channel.ts';
import type { Log } from '../host/log.ts';
import type { KubeletParts } from './kubelet-parts.ts';
import { runHttpHandler } from './probes/http-handler.ts';
import { createProbeRunner } from './probes/probe-runner.ts';
import { runKubeletServer } from './server/run-kubelet-server.ts';
import { createPodVolumes } from './volumes/pod-volumes.ts';

/** The real parts, over a channel to the container runtime; its owner closes it. */
export function defaultParts(channel: GrpcChannel, log: Log): KubeletParts {
  return {
    runtime: new CriRuntime(channel),
    images: new CriImages(channel),
    clock: systemClock,
    log,
    createVolumes: createPodVolumes,
    createProbes: createProbeRunner,
    httpHook: runHttpHandler,
    runServer: runKubeletServer,
  };
}
