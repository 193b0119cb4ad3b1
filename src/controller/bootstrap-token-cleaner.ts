import type { Secret } from '../api/objects.ts';
import { ignoring } from '../api/status.ts';
import { createInformer } from '../client/informer.ts';
import { secrets } from '../client/resources.ts';
import { runTogether } from '../host/run-together.ts';
import { type CreateController, keyOf, queuedController, splitKey } from './controller.ts';

const NAMESPACE = 'kube-system';
/** Looked at again after this at most: timers do not notice when the wall clock is set. */
const LOOK_MAX_MS = 86_400_000;
const TYPE = 'bootstrap.kubernetes.io/token';

/** Deletes bootstrap tokens when they expire. */
export const createBootstrapTokenCleaner: CreateController = (context) => {
  // Of its own and narrow: no other controller needs Secrets, so they stay out of this process.
  const informer = createInformer(context.client, secrets, { namespace: NAMESPACE, fieldSelector: `type=${TYPE}` });
  const controller = queuedController({
    name: 'bootstrap-token-cleaner',
    context,
    needs: [informer],
    connect: (queue) => {
      informer.onChange((_before, now) => {
        if (now !== undefined) queue.add(keyOf(now));
      });
    },
    reconcile: async (key, signal, queue) => {
      const { namespace, name } = splitKey(key);
      const secret = informer.lister.get(namespace, name);
      const leftMs = secret === undefined ? undefined : untilExpiryMs(secret, context.clock.nowMs());
      if (leftMs === undefined) return;
      if (leftMs > 0) return queue.addAfter(key, Math.min(leftMs, LOOK_MAX_MS));
      const { uid = '' } = secret?.metadata ?? {};
      await context.client
        .delete(secrets, { namespace, name }, { preconditions: { uid }, signal })
        .catch(ignoring('NotFound', 'Conflict'));
    },
  });
  return { run: async (signal) => runTogether([informer, controller], signal) };
};

/** Undefined for a token without end. One whose end cannot be read has ended. */
function untilExpiryMs(secret: Secret, nowMs: number): number | undefined {
  const encoded = secret.data?.['expiration'];
  if (encoded === undefined || encoded === '') return undefined;
  const end = Date.parse(Buffer.from(encoded, 'base64').toString('utf8'));
  return Number.isNaN(end) ? 0 : end - nowMs;
}
