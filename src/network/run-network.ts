import { runDns, type DnsOptions } from './dns/run-dns.ts';
import { runPodNetwork, type PodNetworkOptions } from './pod-network.ts';

/** What the agent gives the network: both parts' options, but for what one learns from the other. */
export type NetworkOptions = Omit<PodNetworkOptions, 'onGateway'> & Omit<DnsOptions, 'listenAddress'>;

/** Runs the pod network, and the DNS server on the bridge's address as soon as there is one, until aborted. */
export async function runNetwork(options: NetworkOptions, signal: AbortSignal): Promise<void> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  let dns = Promise.resolve();
  let leave = new AbortController();
  const failed = Promise.withResolvers<never>();
  const onGateway = (listenAddress: string): void => {
    leave.abort();
    leave = new AbortController();
    const own = AbortSignal.any([both, leave.signal]);
    dns = dns.then(() => runDns({ ...options, listenAddress }, own));
    dns.catch((error: unknown) => failed.reject(error));
  };
  try {
    await Promise.race([runPodNetwork({ ...options, onGateway }, both), failed.promise]);
  } finally {
    stop.abort();
    await Promise.allSettled([dns]);
  }
}
