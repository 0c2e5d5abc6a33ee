/** A storage server with a real store in a folder of its own, and replicas to speak with it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openReplica, type ReplicaOptions } from '../../src/peers/ftp-replica.ts';
import type { ReplicaClient } from '../../src/peers/replica-client-api.ts';
import { credentialsFor, loadOrMakeNetworkKey, type TlsCredentials } from '../../src/peers/trust.ts';
import {
  type StorageServer,
  type StorageServerOptions,
  startStorageServer,
} from '../../src/storage/server/storage-server.ts';
import { openStore } from '../../src/storage/store.ts';
import type { Store } from '../../src/storage/store-api.ts';
import type { Logger } from '../../src/system/logger-api.ts';

export const MEMBER = 'odroid-a-x1y2';
export const PEER = 'odroid-b-z3w4';

export interface Lab {
  readonly folder: string;
  readonly keyFile: string;
  readonly store: Store;
  readonly server: StorageServer;
  /** As `level message`. */
  readonly logged: string[];
  /** Credentials of a member with this network's key. */
  credentials(member?: string): Promise<TlsCredentials>;
  /** Closed with the lab. */
  replica(options?: Partial<ReplicaOptions>): Promise<ReplicaClient>;
}

export function listeningLogger(logged: string[]): Logger {
  const note = (level: string) => (message: string, details?: object) => {
    logged.push(`${level} ${message}${details === undefined ? '' : ` ${JSON.stringify(details)}`}`);
  };
  const logger: Logger = {
    error: note('error'),
    warn: note('warn'),
    info: note('info'),
    debug: note('debug'),
    with: () => logger,
  };
  return logger;
}

export async function withStorageServer(
  run: (lab: Lab) => Promise<void>,
  options: Partial<StorageServerOptions> = {},
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'cloudroid-storage-'));
  const keyFile = join(folder, 'network.key');
  const logged: string[] = [];
  const replicas: ReplicaClient[] = [];
  const key = await loadOrMakeNetworkKey(keyFile);
  const credentials = (member = MEMBER) => credentialsFor(key, member);
  const store = await openStore({
    filesDir: join(folder, 'files'),
    stateDir: join(folder, 'state'),
    member: MEMBER,
    name: 'odroid-a',
    reserveBytes: 0,
    now: Date.now,
    log: () => undefined,
  });
  try {
    const server = await startStorageServer({
      store,
      listen: { host: '127.0.0.1', port: 0 },
      passivePorts: { from: 0, to: 0 },
      credentials: await credentials(),
      member: MEMBER,
      boot: 'boot-of-the-lab',
      version: '0.0.0',
      logger: listeningLogger(logged),
      ...options,
    });
    const replica = async (wanted: Partial<ReplicaOptions> = {}) => {
      const opened = openReplica({ endpoint: server.endpoint, credentials: await credentials(), ...wanted });
      replicas.push(opened);
      return opened;
    };
    try {
      await run({ folder, keyFile, store, server, logged, credentials, replica });
    } finally {
      for (const each of replicas) each.close();
      await server.close();
    }
  } finally {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  }
}
