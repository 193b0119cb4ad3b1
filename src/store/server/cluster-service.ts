import { serveUnary } from '../../host/grpc/grpc-service.ts';
import type { ServedMethod } from '../../host/grpc/grpc-service.ts';
import type { Backend } from '../backend.ts';
import { CLUSTER } from '../etcd-api/cluster.ts';
import { answerHeader, answering } from './answer-header.ts';

/** The methods of etcdserverpb.Cluster. */
export function clusterService(backend: Backend): ServedMethod[] {
  const answer = () => ({ header: answerHeader(backend), members: backend.members });
  return [
    serveUnary(CLUSTER.memberAdd, ({ peerUrls, isLearner }) =>
      answering(async () => {
        const member = await backend.changeMembers({ add: peerUrls, isLearner });
        return { ...answer(), member };
      }),
    ),
    serveUnary(CLUSTER.memberRemove, ({ id }) =>
      answering(async () => {
        await backend.changeMembers({ remove: id });
        return answer();
      }),
    ),
    serveUnary(CLUSTER.memberUpdate, ({ id, peerUrls }) =>
      answering(async () => {
        await backend.changeMembers({ update: id, peerUrls });
        return answer();
      }),
    ),
    serveUnary(CLUSTER.memberPromote, ({ id }) =>
      answering(async () => {
        await backend.changeMembers({ promote: id });
        return answer();
      }),
    ),
    serveUnary(CLUSTER.memberList, ({ linearizable }) =>
      answering(async () => {
        if (linearizable) await backend.readBarrier();
        return answer();
      }),
    ),
  ];
}
