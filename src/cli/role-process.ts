/** What proxy, storage server and sweep share as processes: log, identity, ready, stop, and how a crash is told. */
import { randomBytes } from 'node:crypto';
import { loadOrMakeIdentity } from '../config/identity.ts';
import type { Identity, Settings } from '../config/settings-api.ts';
import { type ExitStatus, exitStatus } from '../system/exit-status.ts';
import { startLogger } from '../system/logger.ts';
import type { Logger } from '../system/logger-api.ts';
import { announceReady, announceStopping, onStopRequest } from '../system/service-manager.ts';
import { type Proof, startWatchdog } from '../system/watchdog.ts';

export interface RoleContext {
  readonly settings: Settings;
  readonly identity: Identity;
  readonly logger: Logger;
  /** Random, new at every start. */
  readonly boot: string;
}

export interface RunningRole {
  /** Rejects while the role does not serve (watchdog.ts). */
  readonly prove: Proof;
  /** Resolves when the role wants to end by itself. */
  readonly ended?: Promise<ExitStatus>;
  /** Drains: nothing new is accepted, what runs is finished. */
  stop(): Promise<void>;
}

/** Dead terminals and closed pipes must not take a member down: losing log lines is the lesser evil. */
function surviveClosedOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}

/** A defect ends the process with its stack in the log: the supervisor starts a clean one, which redoes what was open. */
function dieOfDefects(logger: Logger): void {
  const die = (error: unknown): void => {
    logger.error('this process met a defect of its own and ends', {
      error,
      stack: error instanceof Error ? error.stack : undefined,
    });
    process.exit(exitStatus.internal);
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
}

/** Resolves with the exit status once the role was asked to stop and did. Rejects when it cannot start. */
export async function runRole(
  role: 'proxy' | 'ftp' | 'sweep',
  settings: Settings,
  start: (context: RoleContext) => Promise<RunningRole>,
): Promise<ExitStatus> {
  process.title = `cloudroid-${role}`;
  const logger = startLogger({ role, level: settings.logLevel });
  surviveClosedOutput();
  dieOfDefects(logger);
  const asked = Promise.withResolvers<ExitStatus>();
  const forget = onStopRequest(
    () => asked.resolve(exitStatus.done),
    () => process.exit(exitStatus.failed),
  );
  // One a file that is read again on SIGHUP: a terminal that closes must not kill before the watch is set up.
  process.on('SIGHUP', () => undefined);
  const identity = loadOrMakeIdentity(settings);
  const running = await start({ settings, identity, logger, boot: randomBytes(8).toString('hex') });
  announceReady(logger);
  const endWatchdog = startWatchdog(running.prove, logger);
  const status = await Promise.race([asked.promise, running.ended ?? asked.promise]);
  endWatchdog();
  announceStopping(logger);
  await running.stop();
  forget();
  return status;
}
