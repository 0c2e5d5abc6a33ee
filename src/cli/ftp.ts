/** `cloudroid ftp`: the storage server, the one process that changes catalog and volume. */

import { openReplica } from '../peers/ftp-replica.ts';
import { credentialsFor, loadOrMakeNetworkKey } from '../peers/trust.ts';
import { isMountPoint, watchMount } from '../storage/disk/mount-point.ts';
import { noteLostCatalog } from '../storage/rebuild/state-marks.ts';
import { startStorageServer } from '../storage/server/storage-server.ts';
import { openStore, StoreInUse, VolumeUnfit } from '../storage/store.ts';
import type { Store, StoreOptions } from '../storage/store-api.ts';
import { CommandError, type ExitStatus, exitStatus } from '../system/exit-status.ts';
import { formatEndpoint, listenError } from '../system/port-in-use.ts';
import type { CommandInput } from './command.ts';
import { runRole } from './role-process.ts';
import { ownSocket, reachable } from './running-member.ts';

/** Between finding the catalog damaged and the end of the process. */
const LAST_WORDS_MS = 500;

/** What keeps a store from opening says in its message what to do; here it gets its exit status. */
async function openStoreOrExplain(options: StoreOptions): Promise<Store> {
  try {
    return await openStore(options);
  } catch (error) {
    if (error instanceof StoreInUse)
      throw new CommandError(exitStatus.inUse, error.message, { cause: error });
    if (error instanceof VolumeUnfit)
      throw new CommandError(exitStatus.cannotCreate, error.message, { cause: error });
    throw error;
  }
}

export function ftp({ settings, version }: CommandInput): Promise<ExitStatus> {
  return runRole('ftp', settings, async ({ identity, logger, boot }) => {
    const key = await loadOrMakeNetworkKey(settings.networkKeyFile);
    const credentials = await credentialsFor(key, identity.member);
    const diskWasThere = settings.mountDir !== null && isMountPoint(settings.mountDir);
    const store = await openStoreOrExplain({
      filesDir: settings.filesDir,
      stateDir: settings.stateDir,
      mountDir: settings.mountDir,
      member: identity.member,
      name: identity.name,
      now: Date.now,
      log: (level, message, details) => logger[level](message, details),
      // The supervisor starts a new one, which moves the catalog aside and rebuilds it; the answers under way go out first.
      onCatalogDamaged: (why) => {
        noteLostCatalog(settings.stateDir, why);
        setTimeout(() => process.exit(exitStatus.inputOutput), LAST_WORDS_MS);
      },
    });
    const listen = settings.storageListen;
    const server = await startStorageServer({
      store,
      listen,
      socketPath: ownSocket(settings),
      passivePorts: settings.storagePassivePorts,
      credentials,
      member: identity.member,
      boot,
      version,
      logger,
    }).catch(async (error: unknown) => {
      await store.close();
      throw listenError(error, listen, 'storage-listen');
    });
    logger.info('members may connect', { address: formatEndpoint(server.endpoint) });
    // By the way that proxy, sweep and peers take: a listener that answers nobody proves nothing.
    const own = openReplica({ endpoint: reachable(server.endpoint), credentials });
    const diskCame = Promise.withResolvers<ExitStatus>();
    const forgetDisk =
      settings.mountDir === null
        ? () => undefined
        : watchMount(settings.mountDir, diskWasThere, () => {
            logger.info('the disk is there now: starting again with it', { mount: settings.mountDir });
            diskCame.resolve(exitStatus.again);
          });
    return {
      prove: async () => {
        await own.hello();
      },
      ended: diskCame.promise,
      stop: async () => {
        forgetDisk();
        own.close();
        await server.close();
        await store.close();
      },
    };
  });
}
