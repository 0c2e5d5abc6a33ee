/**
 * What starts and stops a process of ours: systemd, `cloudroid run`, or a person at a terminal. Ready is told to
 * whoever asked; the wish to stop comes as SIGTERM, as SIGINT (Ctrl-C), or as the end of the channel to the parent.
 */
import { execFile } from 'node:child_process';
import type { Logger } from './logger-api.ts';

/** From a role's process to `cloudroid run`. */
export interface ReadyMessage {
  readonly ready: true;
}

export function isReadyMessage(message: unknown): message is ReadyMessage {
  return typeof message === 'object' && message !== null && 'ready' in message && message.ready === true;
}

/** Set for the processes that `cloudroid run` starts: it stops them in order, so they leave Ctrl-C to it. */
export const SUPERVISED_VARIABLE = 'CLOUDROID_SUPERVISED';

/** sd_notify(3). Node.js has no datagram sockets of that kind, systemd's own program has. */
export function tellSystemd(state: string, logger: Logger): void {
  if (process.env['NOTIFY_SOCKET'] === undefined) return;
  execFile('systemd-notify', [`--pid=${process.pid}`, state], (error) => {
    if (error) logger.warn('systemd could not be told', { state, error });
  });
}

/** Call once everything listens. */
export function announceReady(logger: Logger): void {
  tellSystemd('READY=1', logger);
  process.send?.({ ready: true } satisfies ReadyMessage);
}

export function announceStopping(logger: Logger): void {
  tellSystemd('STOPPING=1', logger);
}

/** Why this process is to stop. */
export type StopReason = 'SIGTERM' | 'SIGINT' | 'parent gone';

/**
 * Calls `onStop` once for the first wish to stop, and `onHurry` for one that follows more than a second later (npm and
 * the terminal both send the same Ctrl-C). A supervised process leaves SIGINT to its parent: the terminal sends it to the
 * whole group.
 */
export function onStopRequest(onStop: (reason: StopReason) => void, onHurry?: () => void): () => void {
  let stoppedAt: number | null = null;
  const request = (reason: StopReason): void => {
    if (stoppedAt === null) {
      stoppedAt = performance.now();
      onStop(reason);
    } else if (reason !== 'parent gone' && performance.now() - stoppedAt > 1000) {
      onHurry?.();
    }
  };
  const onTerm = (): void => request('SIGTERM');
  const supervised = process.env[SUPERVISED_VARIABLE] !== undefined;
  const onInterrupt = (): void => {
    if (!supervised) request('SIGINT');
  };
  const onGone = (): void => request('parent gone');
  process.on('SIGTERM', onTerm);
  process.on('SIGINT', onInterrupt);
  process.on('disconnect', onGone);
  // The channel may have ended before this was called.
  if (process.send !== undefined && !process.connected) setImmediate(onGone);
  return () => {
    process.off('SIGTERM', onTerm);
    process.off('SIGINT', onInterrupt);
    process.off('disconnect', onGone);
  };
}
