import { errorText } from '../../api/error-text.ts';
import type { Container, Pod, Secret } from '../../api/objects.ts';
import type { Clock } from '../../host/clock.ts';
import type { Images, RuntimeImage } from '../../host/cri/cri.ts';
import type { SandboxConfig } from '../../host/cri/cri-config.ts';
import { goMilliseconds } from '../go-duration.ts';
import { GoBackoff } from '../go-backoff.ts';
import { defaultPullPolicy, withDefaultTag } from '../../api/image-name.ts';
import type { EventSink } from '../pod-events.ts';
import { podUid } from '../pod-identity.ts';
import { pullCredentials } from './pull-credentials.ts';
import { StartError } from '../container/start-error.ts';

/** Failed pulls are tried again after 10 s, doubling to 5 min. */
const BACKOFF_INITIAL_MS = 10_000;
const BACKOFF_MAX_MS = 300_000;
/** Messages of failed pulls kept for the back-off's text. */
const MESSAGES_MAX = 1000;

/** A pulled image: what to run it by, and what is known of it. */
export interface PresentImage {
  readonly ref: string;
  readonly image: RuntimeImage | undefined;
}

interface PullerOptions {
  readonly images: Images;
  readonly clock: Clock;
  readonly events: EventSink;
}

/** Gets images, one pull at a time: an SD card that writes two at once is slower than one after the other. */
export class ImagePuller {
  readonly #options: PullerOptions;
  readonly #backoff: GoBackoff;
  readonly #messages = new Map<string, string>();
  #lastPull: Promise<unknown> = Promise.resolve();

  constructor(options: PullerOptions) {
    this.#options = options;
    this.#backoff = new GoBackoff(options.clock, BACKOFF_INITIAL_MS, BACKOFF_MAX_MS);
  }

  /**
   * Makes sure that the container's image is here, by its pull policy (upstream EnsureImageExists).
   *
   * @throws StartError ErrImagePull, ImagePullBackOff, ErrImageNeverPull, InvalidImageName, ImageInspectError
   */
  async ensure(
    pod: Pod,
    container: Container,
    secrets: readonly Secret[],
    sandbox: SandboxConfig,
    signal: AbortSignal,
  ): Promise<PresentImage> {
    const wanted = container.image ?? '';
    const name = withDefaultTag(wanted);
    if (name === undefined) {
      const message = `Failed to apply default image tag "${wanted}": couldn't parse image name "${wanted}": invalid reference format`;
      this.#emit(pod, container, 'Warning', 'InspectFailed', message);
      throw new StartError('InvalidImageName', message);
    }
    const present = await this.#inspect(pod, container, name, signal);
    const policy = container.imagePullPolicy ?? defaultPullPolicy(wanted);
    if (present !== undefined && policy !== 'Always') {
      const message = `Container image "${wanted}" already present on machine and can be accessed by the pod`;
      this.#emit(pod, container, 'Normal', 'Pulled', message);
      return { ref: present.id, image: present };
    }
    if (policy === 'Never') {
      const message = `Container image "${wanted}" is not present with pull policy of Never`;
      this.#emit(pod, container, 'Warning', 'ErrImageNeverPull', message);
      throw new StartError('ErrImageNeverPull', message);
    }
    return this.#pull({ pod, container, name, secrets, sandbox }, signal);
  }

  /** When the back-off of the container's image ends, in ms from now; 0 when it is not held back. */
  backoffMs(pod: Pod, container: Container): number {
    return this.#backoff.remainingSinceLastMs(keyOf(pod, container));
  }

  async #inspect(pod: Pod, container: Container, name: string, signal: AbortSignal): Promise<RuntimeImage | undefined> {
    try {
      return await this.#options.images.status(name, signal);
    } catch (error) {
      signal.throwIfAborted();
      const message = `Failed to inspect image "${name}": ${errorText(error)}`;
      this.#emit(pod, container, 'Warning', 'InspectFailed', message);
      throw new StartError('ImageInspectError', message, { cause: error });
    }
  }

  async #pull(request: PullRequest, signal: AbortSignal): Promise<PresentImage> {
    const { pod, container, name } = request;
    const { clock, images } = this.#options;
    const key = keyOf(pod, container);
    const shown = container.image ?? '';
    if (this.#backoff.isInBackoff(key)) {
      const message = `Back-off pulling image "${shown}"`;
      this.#emit(pod, container, 'Normal', 'BackOff', message);
      const former = this.#messages.get(key);
      throw new StartError('ImagePullBackOff', former === undefined ? message : `${message}: ${former}`);
    }
    const askedMs = clock.monotonicMs();
    this.#emit(pod, container, 'Normal', 'Pulling', `Pulling image "${shown}"`);
    const turn = this.#lastPull;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#lastPull = promise;
    try {
      await orAborted(turn, signal);
      const beganMs = clock.monotonicMs();
      const ref = await this.#pullWithCredentials(request, signal);
      const endMs = clock.monotonicMs();
      const image = await images.status(name, signal);
      this.#backoff.reset(key);
      this.#messages.delete(key);
      const took = `${goMilliseconds(endMs - beganMs)} (${goMilliseconds(endMs - askedMs)} including waiting)`;
      const message = `Successfully pulled image "${shown}" in ${took}. Image size: ${image?.sizeBytes ?? 0} bytes.`;
      this.#emit(pod, container, 'Normal', 'Pulled', message);
      return { ref, image };
    } catch (error) {
      signal.throwIfAborted();
      throw this.#failed(pod, container, key, error);
    } finally {
      // One that gave up while it waited does not let those behind it overtake.
      void turn.finally(() => resolve(undefined));
    }
  }

  #failed(pod: Pod, container: Container, key: string, error: unknown): StartError {
    const text = errorText(error);
    const shown = container.image ?? '';
    this.#emit(pod, container, 'Warning', 'Failed', `Failed to pull image "${shown}": ${text}`);
    this.#backoff.next(key, this.#options.clock.nowMs());
    this.#messages.set(key, `ErrImagePull: ${text}`);
    const [oldest] = this.#messages.keys();
    if (this.#messages.size > MESSAGES_MAX && oldest !== undefined) this.#messages.delete(oldest);
    return new StartError('ErrImagePull', text, { cause: error });
  }

  /** Each credential in turn, as upstream; without any, as anyone. */
  async #pullWithCredentials({ name, secrets, sandbox }: PullRequest, signal: AbortSignal): Promise<string> {
    const credentials = pullCredentials(name, secrets);
    let failure: unknown;
    for (const auth of credentials.length === 0 ? [undefined] : credentials) {
      try {
        return await this.#options.images.pull(name, auth, sandbox, signal);
      } catch (error) {
        signal.throwIfAborted();
        failure = error;
      }
    }
    throw failure;
  }

  #emit(pod: Pod, container: Container, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#options.events.emit(pod, { type, reason, message, container: container.name });
  }
}

/** Waits for the turn; rejects with the signal's reason when that comes first. */
async function orAborted(turn: Promise<unknown>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  await Promise.race([turn, promise]).finally(() => signal.removeEventListener('abort', onAbort));
}

interface PullRequest {
  readonly pod: Pod;
  readonly container: Container;
  /** With its tag. */
  readonly name: string;
  readonly secrets: readonly Secret[];
  readonly sandbox: SandboxConfig;
}

function keyOf(pod: Pod, container: Container): string {
  return `${podUid(pod)}_${container.image ?? ''}`;
}
