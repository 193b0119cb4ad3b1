import type { ApiClient } from '../client/api-client.ts';
import { createEventRecorder } from '../client/event-recorder.ts';
import { createInformerSet } from '../client/informer-set.ts';
import { type LeaderElectionOptions, runLeaderElection } from '../client/leader-election.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { Authority } from '../host/pki.ts';
import { runTogether } from '../host/run-together.ts';
import { createBootstrapTokenCleaner } from './bootstrap-token-cleaner.ts';
import { createCertificateController } from './certificates.ts';
import type { ControllerContext, CreateController } from './controller.ts';
import { createDeploymentController } from './deployment.ts';
import { createEndpointSliceController } from './endpoint-slice.ts';
import { createEndpointsController } from './endpoints.ts';
import { createGarbageCollector } from './garbage-collector.ts';
import { createNamespaceController } from './namespace.ts';
import { createNodeIpamController } from './node-ipam.ts';
import { createNodeLifecycleController } from './node-lifecycle.ts';
import type { Probe } from './node-monitor.ts';
import { createPodGarbageCollector } from './pod-gc.ts';
import { createReplicaSetController } from './replica-set.ts';
import { createRootCaController } from './root-ca.ts';
import { createServiceAccountController } from './service-account.ts';
import { createTaintEvictionController } from './taint-eviction.ts';

/** What runControllers() works with. */
export interface ControllersOptions {
  readonly client: ApiClient;
  /** Whom each controller writes as, by its service account in kube-system; `client` unless set. */
  readonly clientOf?: (serviceAccount: string) => ApiClient;
  /** Unique per process start. */
  readonly identity: string;
  /** The cluster's authority: published to pods, and the signer of boards' certificates. */
  readonly authority: Authority;
  /** Names and addresses of the API as a whole: no board gets a certificate for one. */
  readonly apiNames?: ReadonlySet<string>;
  /** The pods' network, from which each Node gets its part. */
  readonly clusterCidr: string;
  /** How boards that do not renew their Lease are asked after; a knock at their kubelet's port unless set. */
  readonly probe?: Probe;
  /** Other times than the lease's usual ones. */
  readonly leaderElection?: Pick<LeaderElectionOptions, 'leaseDurationMs' | 'renewDeadlineMs' | 'retryPeriodMs'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Runs all controllers while this process leads; the others stand by. */
export async function runControllers(options: ControllersOptions, signal: AbortSignal): Promise<void> {
  const { client, identity, clock, log } = options;
  const election: LeaderElectionOptions = {
    ...options.leaderElection,
    client,
    lease: { namespace: 'kube-system', name: 'kube-controller-manager' },
    identity,
    clock,
    log,
  };
  await runLeaderElection(election, async (leading) => runAll(options, leading), signal);
}

async function runAll(options: ControllersOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, log, authority, apiNames, clusterCidr } = options;
  const informers = createInformerSet(client, { clock, log });
  const contextOf = (own: ApiClient): ControllerContext => ({
    client: own,
    reader: client,
    informers,
    recorder: (component) => createEventRecorder({ client: own, component, clock, log }),
    clock,
    log,
  });
  /** Each with the name of its service account upstream (bootstrappolicy/controller_policy.go). */
  const all: readonly (readonly [name: string, create: CreateController])[] = [
    ['replicaset-controller', createReplicaSetController],
    ['deployment-controller', createDeploymentController],
    ['endpointslice-controller', createEndpointSliceController],
    ['endpoint-controller', createEndpointsController],
    ['namespace-controller', createNamespaceController],
    ['service-account-controller', createServiceAccountController],
    ['root-ca-cert-publisher', createRootCaController(authority.certPem)],
    ['node-controller', createNodeIpamController(clusterCidr)],
    ['node-controller', createNodeLifecycleController(options.probe)],
    ['node-controller', createTaintEvictionController],
    ['pod-garbage-collector', createPodGarbageCollector],
    ['generic-garbage-collector', createGarbageCollector],
    ['certificate-controller', createCertificateController(authority, apiNames)],
    ['token-cleaner', createBootstrapTokenCleaner],
  ];
  const clientOf = options.clientOf ?? (() => client);
  // Made before the informers run: each asks for the caches and indexes that it needs.
  const controllers = all.map(([name, create]) => create(contextOf(clientOf(name))));
  await runTogether([informers, ...controllers], signal);
}
