import type { MessageType } from '../protobuf.ts';

/** One method of a gRPC service: where it is and what travels. Streaming is told by which call is made of it. */
export interface GrpcMethod<Req, Res> {
  /** `/package.Service/Method` */
  readonly path: string;
  readonly request: MessageType<Req>;
  readonly response: MessageType<Res>;
}

/** A method from its parts. */
export function grpcMethod<Req, Res>(
  path: string,
  request: MessageType<Req>,
  response: MessageType<Res>,
): GrpcMethod<Req, Res> {
  return { path, request, response };
}
