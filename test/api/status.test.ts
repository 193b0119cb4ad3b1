import t from 'tap';
import { ignoring, isReason, StatusError } from '../../src/api/status.ts';

void t.test('ignoring() takes the named reasons for done, and throws everything else', async (t) => {
  const failing = async (error: unknown): Promise<string> => {
    throw error;
  };
  const gone = new StatusError('NotFound', 'gone');
  const busy = new StatusError('Conflict', 'busy');
  t.equal(await failing(gone).catch(ignoring('NotFound', 'Conflict')), undefined);
  t.equal(await failing(busy).catch(ignoring('NotFound', 'Conflict')), undefined);
  await t.rejects(failing(busy).catch(ignoring('NotFound')), { message: 'busy' });
  await t.rejects(
    failing(new TypeError('broken')).catch(ignoring('NotFound')),
    TypeError,
    'a fault of ours is no answer',
  );
  t.ok(isReason(busy, 'Conflict'));
});
