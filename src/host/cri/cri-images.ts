import type { FilesystemUsage, Images, PullAuth, RuntimeImage } from './cri.ts';
import { callCri } from './cri-call.ts';
import { imageSpecMessage, int64ValueMessage, sandboxConfigMessage } from './cri-config.ts';
import type { ImageSpec, Int64Value, SandboxConfig } from './cri-config.ts';
import { empty } from './cri-messages.ts';
import { filesystemMessage, readUint } from './cri-stats.ts';
import type { GrpcChannel } from '../grpc/grpc-channel.ts';
import { field, message, repeated } from '../protobuf.ts';
import type { MessageType } from '../protobuf.ts';

interface WireImage {
  id: string;
  repoTags: string[];
  repoDigests: string[];
  size: number;
  uid: Int64Value | undefined;
  username: string;
  pinned: boolean;
}
const image = message<WireImage>('Image', {
  id: field(1, 'string'),
  repoTags: repeated(2, 'string'),
  repoDigests: repeated(3, 'string'),
  size: field(4, 'uint64'),
  uid: field(5, int64ValueMessage),
  username: field(6, 'string'),
  pinned: field(8, 'bool'),
});
const listResponse = message<{ images: WireImage[] }>('ListImagesResponse', { images: repeated(1, image) });
const imageRequest = message<{ image: ImageSpec }>('ImageStatusRequest', { image: field(1, imageSpecMessage) });
const statusResponse = message<{ image: WireImage | undefined }>('ImageStatusResponse', { image: field(1, image) });

const auth = message<PullAuth>('AuthConfig', {
  username: field(1, 'string'),
  password: field(2, 'string'),
  auth: field(3, 'string'),
  serverAddress: field(4, 'string'),
  identityToken: field(5, 'string'),
  registryToken: field(6, 'string'),
});
interface PullRequest {
  image: ImageSpec;
  auth: PullAuth | undefined;
  sandbox: SandboxConfig | undefined;
}
const pullRequest = message<PullRequest>('PullImageRequest', {
  image: field(1, imageSpecMessage),
  auth: field(2, auth),
  sandbox: field(3, sandboxConfigMessage),
});
const pullResponse = message<{ imageRef: string }>('PullImageResponse', { imageRef: field(1, 'string') });

type WireFilesystem = ReturnType<typeof filesystemMessage.decode>;
const filesystemsResponse = message<{ images: WireFilesystem[] }>('ImageFsInfoResponse', {
  images: repeated(1, filesystemMessage),
});

/** The image store behind a CRI v1 socket. */
export class CriImages implements Images {
  readonly #channel: GrpcChannel;

  constructor(channel: GrpcChannel) {
    this.#channel = channel;
  }

  async list(signal: AbortSignal): Promise<readonly RuntimeImage[]> {
    const answer = await this.#call('ListImages', empty, listResponse, {}, signal);
    return answer.images.map(readImage);
  }

  async status(name: string, signal: AbortSignal): Promise<RuntimeImage | undefined> {
    const answer = await this.#call('ImageStatus', imageRequest, statusResponse, { image: { image: name } }, signal);
    return answer.image === undefined ? undefined : readImage(answer.image);
  }

  async pull(
    name: string,
    auth: PullAuth | undefined,
    sandbox: SandboxConfig | undefined,
    signal: AbortSignal,
  ): Promise<string> {
    const method = { name: 'ImageService/PullImage', request: pullRequest, response: pullResponse };
    // No deadline: a large image over a slow line takes what it takes; containerd ends pulls that make no progress.
    return (await callCri(this.#channel, method, { image: { image: name }, auth, sandbox }, signal, 0)).imageRef;
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    await this.#call('RemoveImage', imageRequest, empty, { image: { image: name } }, signal);
  }

  async filesystems(signal: AbortSignal): Promise<readonly FilesystemUsage[]> {
    const answer = await this.#call('ImageFsInfo', empty, filesystemsResponse, {}, signal);
    return answer.images.map((one) => ({
      mountpoint: one.id?.mountpoint ?? '',
      usedBytes: readUint(one.used) ?? 0,
      usedInodes: readUint(one.inodes) ?? 0,
    }));
  }

  async #call<Req, Res>(
    name: string,
    request: MessageType<Req>,
    response: MessageType<Res>,
    body: Partial<Req>,
    signal: AbortSignal,
  ): Promise<Res> {
    return callCri(this.#channel, { name: `ImageService/${name}`, request, response }, body, signal);
  }
}

function readImage(wire: WireImage): RuntimeImage {
  return {
    id: wire.id,
    repoTags: wire.repoTags,
    repoDigests: wire.repoDigests,
    sizeBytes: wire.size,
    uid: wire.uid?.value,
    username: wire.username,
    isPinned: wire.pinned,
  };
}
