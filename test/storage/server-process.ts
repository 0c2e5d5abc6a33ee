/** `node server-process.ts <folder>`: a storage server in a process of its own, to be killed. Prints its port. */
import { join } from 'node:path';
import { credentialsFor, loadOrMakeNetworkKey } from '../../src/peers/trust.ts';
import { startStorageServer } from '../../src/storage/server/storage-server.ts';
import { openStore } from '../../src/storage/store.ts';
import { listeningLogger, MEMBER } from './with-storage-server.ts';

const folder = process.argv[2] ?? '';
const store = await openStore({
  filesDir: join(folder, 'files'),
  stateDir: join(folder, 'state'),
  member: MEMBER,
  name: 'odroid-a',
  reserveBytes: 0,
  now: Date.now,
  log: () => undefined,
});
const { endpoint } = await startStorageServer({
  store,
  listen: { host: '127.0.0.1', port: Number(process.argv[3] ?? 0) },
  passivePorts: { from: 0, to: 0 },
  credentials: await credentialsFor(await loadOrMakeNetworkKey(join(folder, 'network.key')), MEMBER),
  member: MEMBER,
  boot: `boot-${process.pid}`,
  version: '0.0.0',
  logger: listeningLogger([]),
});
process.stdout.write(`${endpoint.port}\n`);
