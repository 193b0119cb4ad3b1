import type { MetricRegistry } from '../host/metrics.ts';
import type { AdmissionPlugin } from './admission/admission.ts';
import type { Authorizer } from './authorization/authorizer.ts';
import type { ConnectHandlers } from './connect.ts';
import type { ServerLimits } from './server-limits.ts';

/** Settings of the API server; the names are those of kube-apiserver's flags. */
export interface ApiServerOptions {
  /** `https://127.0.0.1:2379`; the first is preferred. */
  readonly etcdServers: readonly string[];
  /** Present: the store's other members are found by asking it, and used when none of `etcdServers` serves. */
  readonly etcdMembers?: {
    /** Where the member behind `etcdServers` serves the others' clients. */
    readonly ownUrl: string;
    /** Told of the others, to be had at the next start. */
    readonly onChange: (urls: readonly string[]) => void;
  };
  /** Absent with plain `http://` servers, in tests. */
  readonly etcdTls?: { readonly caFile: string; readonly certFile: string; readonly keyFile: string };
  readonly bindAddress: string;
  readonly securePort: number;
  readonly tlsCertFile: string;
  readonly tlsPrivateKeyFile: string;
  readonly clientCaFile: string;
  readonly serviceAccountIssuer: string;
  readonly serviceAccountSigningKeyFile: string;
  /** Further keys whose tokens are believed; the signing key's own always is. */
  readonly serviceAccountKeyFiles: readonly string[];
  /** Audiences of the API server; empty: the issuer. */
  readonly apiAudiences: readonly string[];
  /** Identity towards kubelets, and the CA that their serving certificates come from. */
  readonly kubelet?: { readonly caFile: string; readonly certFile: string; readonly keyFile: string };
  readonly requestHeader?: { readonly clientCaFile: string; readonly allowedNames: readonly string[] };
  /** Address under which the other boards reach this server; published in the `kubernetes` Service. */
  readonly advertiseAddress: string;
  readonly serviceClusterIpRange: string;
  /** Default 30000-32767. */
  readonly serviceNodePortRange?: { readonly first: number; readonly last: number };
  /** How long pods bear with a node that is not ready, or silent; default-toleration-seconds.ts has the defaults. */
  readonly defaultNotReadyTolerationSeconds?: number;
  readonly defaultUnreachableTolerationSeconds?: number;
  /** In the place of those of a board. */
  readonly limits?: Partial<ServerLimits>;
  /** In the place of Node and RBAC: for tests. */
  readonly authorizer?: Authorizer;
  /** In the place of the built-in plugins: for tests. */
  readonly admissionPlugins?: readonly AdmissionPlugin[];
  /** In addition to the built-in handlers of exec, log and so on. */
  readonly connectHandlers?: ConnectHandlers;
  /** What other parts of this process count, to be shown at /metrics too. */
  readonly moreMetrics?: MetricRegistry;
  /** Called with the port once requests are taken. */
  readonly onListening?: (port: number) => void;
}
