import { GrpcError } from '../../host/grpc/grpc-error.ts';
import { serveBidi, serveUnary } from '../../host/grpc/grpc-service.ts';
import type { ServedMethod } from '../../host/grpc/grpc-service.ts';
import { EtcdError } from '../etcd-api/etcd-error.ts';
import type { Message } from '../../raft/message.ts';
import { answering } from '../server/answer-header.ts';
import { fromWire, PEER } from './peer-api.ts';
import type { ClusterInfo, LeaderRequest, LeaderResponse, PeerMessages } from './peer-api.ts';

/** What a member does with what other members send. */
export interface PeerHandler {
  readonly clusterId: number;
  readonly info: ClusterInfo;
  /** Takes in a message; it may be dropped. */
  receive(message: Message): void;
  /** Takes in a snapshot and its state, in chunks as they were sent; settles when Raft has it. */
  receiveSnapshot(message: Message, state: readonly Buffer[]): Promise<void>;
  /** Answers as the leader. @throws EtcdError NotLeader */
  answerAsLeader(request: LeaderRequest): Promise<Partial<LeaderResponse>>;
}

/** Larger states are refused: they would not fit into a board's memory twice. */
const STATE_BYTES_MAX = 1 << 30;

/** Takes in Raft's messages; false when they are another cluster's. */
export function receiveMessages(handler: PeerHandler, { clusterId, messages }: PeerMessages): boolean {
  if (clusterId !== handler.clusterId) return false;
  for (const wire of messages) {
    const message = fromWire(wire);
    if (message !== undefined) handler.receive(message);
  }
  return true;
}

/** The methods of the peer port. */
export function peerService(handler: PeerHandler): ServedMethod[] {
  return [
    serveBidi(PEER.snapshot, async (requests, responses) => {
      let message: Message | undefined;
      const chunks: Buffer[] = [];
      let bytes = 0;
      for await (const piece of requests) {
        checkCluster(handler, piece.clusterId);
        if (piece.message !== undefined) message = fromWire(piece.message);
        bytes += piece.state.length;
        if (bytes > STATE_BYTES_MAX) throw new GrpcError('RESOURCE_EXHAUSTED', 'the snapshot is too large');
        if (piece.state.length > 0) chunks.push(piece.state);
      }
      if (message === undefined) throw new GrpcError('INVALID_ARGUMENT', 'the snapshot has no message');
      await handler.receiveSnapshot(message, chunks);
      await responses.send({});
    }),
    serveUnary(PEER.info, () => handler.info),
    serveUnary(PEER.askLeader, (request) => answering(() => handler.answerAsLeader(request))),
  ];
}

function checkCluster(handler: PeerHandler, clusterId: number): void {
  if (clusterId !== handler.clusterId) throw new EtcdError('ClusterIdMismatch').toGrpcError();
}
