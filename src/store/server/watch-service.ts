import { serveBidi } from '../../host/grpc/grpc-service.ts';
import type { ServedMethod } from '../../host/grpc/grpc-service.ts';
import type { ServerCall } from '../../host/grpc/grpc-server-call.ts';
import type { Backend } from '../backend.ts';
import { EtcdError } from '../etcd-api/etcd-error.ts';
import { WATCH } from '../etcd-api/watch.ts';
import { answering, requireLeader } from './answer-header.ts';
import { WatchStream } from './watch-stream.ts';

/** Times of the watch service. */
export interface WatchTimes {
  /** How often a silent watch that asked for it is told how far it is (etcd --watch-progress-notify-interval). */
  readonly progressNotifyMs: number;
  /** How long a stream that asks for a leader outlives the loss of it (etcd: three election timeouts). */
  readonly leaderlessMs: number;
}

/** The methods of etcdserverpb.Watch. */
export function watchService(backend: Backend, times: WatchTimes): ServedMethod[] {
  return [
    serveBidi(WATCH.watch, (requests, responses, call) =>
      answering(async () => {
        requireLeader(backend, call.headers);
        const stream = new WatchStream(backend, responses);
        const ended = new AbortController();
        const timer = setInterval(() => stream.reportProgress(), times.progressNotifyMs);
        const leaderLost = untilLeaderless(backend, call, times.leaderlessMs, ended.signal);
        try {
          const reading = (async () => {
            for await (const request of requests) stream.handle(request);
          })();
          const sending = stream.run(AbortSignal.any([call.signal, ended.signal]));
          await Promise.race([reading, sending, leaderLost]);
        } finally {
          clearInterval(timer);
          ended.abort();
        }
      }),
    ),
  ];
}

/** Rejects once there has been no leader for too long, if the call asks for one; else settles with `signal`. */
async function untilLeaderless(
  backend: Backend,
  call: ServerCall,
  afterMs: number,
  signal: AbortSignal,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const look = (): void => {
      if (backend.status.leader !== 0n) {
        clearTimeout(timer);
        timer = undefined;
      } else timer ??= setTimeout(() => reject(new EtcdError('NoLeader')), afterMs);
    };
    const unsubscribe = call.headers['hasleader'] === 'true' ? backend.onProgress(look) : () => undefined;
    signal.addEventListener(
      'abort',
      () => {
        unsubscribe();
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
