/** One process of Cloudroid, started from the sources: its log kept, its readiness waited for, killed by its id only. */
import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isReadyMessage } from '../../src/system/service-manager.ts';

/** Where the tests start the program from; the compiled one is smaller and quicker. */
const sources = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const MAX_LOG = 4 * 1024 * 1024;

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Both streams, as they came. */
  readonly output: string;
}

/** Variables of the tests' own environment must not reach the program, but for a planted bug (test/planted/). */
function environment(extra: { readonly [name: string]: string }): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(CLOUDROID_|JOURNAL_STREAM|NOTIFY_SOCKET|NODE_(?!OPTIONS$))/.test(name),
  );
  return { ...Object.fromEntries(kept), ...extra };
}

export class CloudroidProcess {
  readonly args: readonly string[];
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  readonly #ready = Promise.withResolvers<void>();
  #output = '';
  #running = true;

  /**
   * `command` runs in `prefix`, if any (`unshare`, `setpriv`). The channel to it ends with this test process, and the
   * program stops at the end of its channel: nothing is left running after a test that was killed itself.
   */
  constructor(
    args: readonly string[],
    extra: { readonly [name: string]: string } = {},
    prefix: readonly string[] = [],
    main: string = sources,
  ) {
    this.args = args;
    const [program = '', ...rest] = [
      ...prefix,
      process.execPath,
      '--no-warnings=ExperimentalWarning',
      main,
      ...args,
    ];
    this.#child = spawn(program, rest, {
      cwd: tmpdir(),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: environment(extra),
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        if (this.#output.length < MAX_LOG) this.#output += text;
      });
    }
    this.#child.on('message', (message) => {
      if (isReadyMessage(message)) this.#ready.resolve();
    });
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (status, signal) => {
        this.#running = false;
        resolve({ status, signal, output: this.#output });
      });
    });
    this.ended.then(
      ({ status, signal, output }) =>
        this.#ready.reject(
          new Error(`cloudroid ${args[0]} ended (${status ?? signal}) before it was ready:\n${output}`),
        ),
      (error: unknown) => this.#ready.reject(error),
    );
    this.#ready.promise.catch(() => undefined);
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error(`cloudroid ${this.args[0]} was not started`);
    return pid;
  }

  get output(): string {
    return this.#output;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Resolves when it says that it listens; rejects when it ends before. */
  ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** As a power cut: no chance to tidy up. */
  async kill9(): Promise<Ended> {
    if (this.#running) this.#child.kill('SIGKILL');
    return await this.ended;
  }

  signal(name: NodeJS.Signals): void {
    if (this.#running) this.#child.kill(name);
  }

  /** SIGTERM; after `graceMs` SIGKILL, which is a failure of its own. */
  async stop(graceMs = 20_000): Promise<Ended> {
    if (this.#running) this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), graceMs);
    const ended = await this.ended;
    clearTimeout(timer);
    return ended;
  }
}
