import { createFakeApiClient } from '../fake/api-client.ts';
import { runContract } from './api-client.contract.ts';

runContract('the fake', async () => ({ client: createFakeApiClient() }));
