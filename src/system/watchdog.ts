/**
 * The watchdog of systemd (sd_notify(3), WATCHDOG_USEC): a ping as long as the role proves that it serves. A process that
 * hangs, or that nobody can talk to any more, is silent, and systemd kills it and starts a new one.
 */
import type { Logger } from './logger-api.ts';
import { tellSystemd } from './service-manager.ts';

/** Rejects, or does not settle, while the role does not serve. */
export type Proof = () => Promise<void>;

/** Microseconds within which systemd wants to hear from this process, or null: there is no watchdog. */
function intervalUs(environment: NodeJS.ProcessEnv): number | null {
  const { WATCHDOG_USEC: text, WATCHDOG_PID: pid } = environment;
  if (pid !== undefined && pid !== String(process.pid)) return null;
  const us = Number(text);
  return Number.isFinite(us) && us > 0 ? us : null;
}

/** Pings three times in each interval. Returns how to end it. */
export function startWatchdog(prove: Proof, logger: Logger, environment = process.env): () => void {
  const wanted = intervalUs(environment);
  if (wanted === null) return () => undefined;
  let proving = false;
  const ping = async (): Promise<void> => {
    if (proving) return;
    proving = true;
    try {
      await prove();
      tellSystemd('WATCHDOG=1', logger);
    } catch (error) {
      logger.warn('this process does not serve; systemd starts a new one unless that passes', { error });
    } finally {
      proving = false;
    }
  };
  void ping();
  const timer = setInterval(() => void ping(), wanted / 1000 / 3);
  return () => clearInterval(timer);
}
