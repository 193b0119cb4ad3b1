import t from 'tap';
import { runtimeConfigResponse } from '../../../src/host/cri/cri-messages.ts';
import { CriRuntime } from '../../../src/host/cri/cri-runtime.ts';
import type { GrpcChannel } from '../../../src/host/grpc/grpc-channel.ts';

void t.test('CriRuntime.cgroupDriver() reads what the runtime says, of which systemd is the zero', async (t) => {
  const { signal } = new AbortController();
  const driverOf = async (answer: string): Promise<string | undefined> => {
    const channel = { unary: async () => runtimeConfigResponse.decode(Buffer.from(answer, 'hex')) };
    return new CriRuntime(channel as unknown as GrpcChannel).cgroupDriver(signal);
  };
  t.equal(await driverOf('0a020801'), 'cgroupfs');
  t.equal(await driverOf('0a00'), 'systemd');
  t.equal(await driverOf(''), undefined);
});
