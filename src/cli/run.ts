/** `cloudroid run`: storage server, proxy and sweep as child processes, kept alive, stopped in order. */
import { loadOrMakeIdentity } from '../config/identity.ts';
import { watchPeersFile } from '../config/peers-watch.ts';
import type { Settings } from '../config/settings-api.ts';
import { loadOrMakeNetworkKey } from '../peers/network-key.ts';
import { type ExitStatus, exitStatus } from '../system/exit-status.ts';
import { startLogger } from '../system/logger.ts';
import type { Logger } from '../system/logger-api.ts';
import { assertCanListen } from '../system/port-in-use.ts';
import { announceReady, announceStopping, onStopRequest } from '../system/service-manager.ts';
import { SupervisedProcess } from '../system/supervised-process.ts';
import { banner } from './banner.ts';
import { readAccounts } from './change-account.ts';
import type { CommandInput } from './command.ts';

/** The children tell what is wrong with the list; once is enough. */
const quiet: Logger = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  with: () => quiet,
};

/** Clients finish what they do; then the sweep; the storage server goes last, nobody uses it any more. */
const stopOrder = ['proxy', 'sweep', 'ftp'] as const;
type Role = (typeof stopOrder)[number];
const graceMs: { readonly [role in Role]: number } = { proxy: 30_000, sweep: 10_000, ftp: 20_000 };

/** Others are started without the storage server when it takes longer (a long recovery): clients are served by peers. */
const STORAGE_WAIT_MS = 15_000;

/**
 * Bytes on their way lie outside of V8's heap, but are freed only when it collects: with its usual 16 MB of young objects
 * that is once in 60 MB of dead buffers. Measured while 1 GiB goes to three members: a proxy of 128 MB instead of 155.
 */
const SMALL_YOUNG_GENERATION = '--max-semi-space-size=1';

/** Of the member that has just started; unsure counts as having some. Never rejects. */
async function hasNoAccounts(settings: Settings): Promise<boolean> {
  return await readAccounts(settings).then(
    ({ digest }) => digest === '',
    () => false,
  );
}

export async function run({ settings, options }: CommandInput): Promise<ExitStatus> {
  process.title = 'cloudroid';
  const logger = startLogger({ role: 'run', level: settings.logLevel });
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const asked = Promise.withResolvers<ExitStatus>();
  const forget = onStopRequest(
    () => asked.resolve(exitStatus.done),
    () => {
      for (const child of children.values()) child.kill();
      process.exit(exitStatus.failed);
    },
  );
  await assertCanListen(settings.listen, 'listen');
  await assertCanListen(settings.storageListen, 'storage-listen');
  const identity = loadOrMakeIdentity(settings);
  await loadOrMakeNetworkKey(settings.networkKeyFile);

  const [program = ''] = process.argv.slice(1);
  const handedOn = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const notReady = new Set<Role>(stopOrder);
  const children = new Map<Role, SupervisedProcess>();
  const supervise = (role: Role): SupervisedProcess => {
    const child = new SupervisedProcess({
      name: role,
      args: [...process.execArgv, SMALL_YOUNG_GENERATION, program, role, ...handedOn],
      logger,
      onFirstReady: () => {
        if (role === 'ftp') startTheOthers();
        notReady.delete(role);
        if (notReady.size === 0) allReady();
      },
      onDeath: () => {
        if (role === 'ftp') startTheOthers();
      },
      onFatal: (status) =>
        asked.resolve(Object.values(exitStatus).find((one) => one === status) ?? exitStatus.failed),
    });
    children.set(role, child);
    return child;
  };
  const storage = supervise('ftp');
  const others = [supervise('proxy'), supervise('sweep')];
  let othersStarted = false;
  const startTheOthers = (): void => {
    clearTimeout(patience);
    if (othersStarted) return;
    othersStarted = true;
    for (const child of others) child.start();
  };
  const patience = setTimeout(startTheOthers, STORAGE_WAIT_MS);
  const peers = watchPeersFile(settings.peersFile, () => undefined, quiet);
  // PEERS.txt is read by the children; they are told when only this process was.
  process.on('SIGHUP', () => {
    for (const child of children.values()) if (child.pid !== null) process.kill(child.pid, 'SIGHUP');
  });
  const allReady = (): void => {
    void hasNoAccounts(settings).then((open) => {
      process.stdout.write(`\n${banner(settings, identity, peers.peers, open)}\n`);
      announceReady(logger);
    });
  };
  storage.start();

  const status = await asked.promise;
  clearTimeout(patience);
  announceStopping(logger);
  if (status === exitStatus.done) logger.info('stopping');
  for (const role of stopOrder) await children.get(role)?.stop(graceMs[role]);
  peers.close();
  forget();
  if (status === exitStatus.done) logger.info('stopped');
  return status;
}
