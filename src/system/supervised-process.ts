/**
 * One child process kept alive: started again when it dies, with a growing pause, unless it ended with a status that
 * would only come again (bad configuration, busy port). It ends when its channel to us ends, so that a killed
 * supervisor leaves no orphans.
 *
 * Invariants: at most one child at a time; after `stop` none is started.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { isFatal } from './exit-status.ts';
import type { Logger } from './logger-api.ts';
import { isReadyMessage, SUPERVISED_VARIABLE } from './service-manager.ts';

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5000;
/** A child that lived this long had a good start: the pause begins small again. */
const GOOD_LIFE_MS = 30_000;

export interface SupervisedOptions {
  readonly name: string;
  /** Arguments of this very Node.js. */
  readonly args: readonly string[];
  readonly logger: Logger;
  /** Called at the first start that gets ready. */
  readonly onFirstReady: () => void;
  /** Called each time the child ended without having been asked to, before a new one is started. */
  readonly onDeath: () => void;
  /** The child ended with a status that forbids another try. */
  readonly onFatal: (status: number) => void;
}

export class SupervisedProcess {
  readonly #options: SupervisedOptions;
  #child: ChildProcess | null = null;
  #restart: NodeJS.Timeout | null = null;
  #pauseMs = FIRST_PAUSE_MS;
  #wasReady = false;
  #stopping = false;

  constructor(options: SupervisedOptions) {
    this.#options = options;
  }

  start(): void {
    this.#restart = null;
    if (this.#stopping || this.#child !== null) return;
    const { args, name, logger } = this.#options;
    const startedAt = performance.now();
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, [SUPERVISED_VARIABLE]: '1', NOTIFY_SOCKET: undefined },
    });
    this.#child = child;
    child.on('message', (message) => {
      if (!isReadyMessage(message)) return;
      const first = !this.#wasReady;
      this.#wasReady = true;
      if (first) this.#options.onFirstReady();
      else logger.info('a process is back', { process: name });
    });
    child.once('error', (error) => logger.error('a process could not be started', { process: name, error }));
    child.once('close', (status, signal) => this.#ended(status, signal, performance.now() - startedAt));
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  #ended(status: number | null, signal: NodeJS.Signals | null, livedMs: number): void {
    this.#child = null;
    if (this.#stopping) return;
    const { name, logger, onDeath, onFatal } = this.#options;
    // Once it ran, a busy port or a refused folder may pass; at the first start it is for a person to mend.
    if (!this.#wasReady && isFatal(status)) {
      onFatal(status ?? 0);
      return;
    }
    if (livedMs > GOOD_LIFE_MS) this.#pauseMs = FIRST_PAUSE_MS;
    logger.error('a process died and is started again', {
      process: name,
      status,
      signal,
      pauseMs: this.#pauseMs,
    });
    this.#restart = setTimeout(() => this.start(), this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    onDeath();
  }

  /** Asks it to stop and waits; kills it after `graceMs`. Resolves when it is gone. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    if (this.#restart !== null) clearTimeout(this.#restart);
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    child.kill('SIGTERM');
    const { name, logger } = this.#options;
    const timer = setTimeout(() => {
      logger.warn('a process did not stop in time and is killed', { process: name, seconds: graceMs / 1000 });
      child.kill('SIGKILL');
    }, graceMs);
    await ended;
    clearTimeout(timer);
  }

  kill(): void {
    this.#stopping = true;
    this.#child?.kill('SIGKILL');
  }
}
