import t from 'tap';
import { CriImages } from '../../src/host/cri/cri-images.ts';
import { CriRuntime } from '../../src/host/cri/cri-runtime.ts';
import { startContainerd, whyNoContainerd } from './cri-containerd.ts';
import { criContract } from './cri.contract.ts';

const why = whyNoContainerd();
void t.test('containerd', { ...(why === undefined ? {} : { skip: why }), timeout: 120_000 }, async (t) => {
  const containerd = await startContainerd();
  t.teardown(() => containerd.close());
  const { channel, cgroupRoot } = containerd;
  const runtime = new CriRuntime(channel);
  criContract(t, 'containerd', () => ({ runtime, images: new CriImages(channel), cgroupRoot }));
});
