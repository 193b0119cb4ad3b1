import t from 'tap';
import { systemClock } from '../../src/host/clock.ts';
import { FakeImages, FakeRuntime } from '../fake/cri.ts';
import { hostProcess } from '../fake/cri-process.ts';
import { BUSYBOX } from './cri-containerd.ts';
import { criContract } from './cri.contract.ts';

criContract(t, 'the fake runtime', () => ({
  runtime: new FakeRuntime(systemClock, hostProcess),
  images: new FakeImages(BUSYBOX),
  cgroupRoot: '/test',
}));
