/**
 * One control connection of a peer: commands one after another, each answered with exactly one final reply.
 *
 * - Commands run serially; lines that come meanwhile wait in a short queue. The socket is read all the time, so that the
 *   end of a connection is noticed whatever runs; ABOR alone is heeded at once.
 * - While a command runs, `100` is said every 3 s: a peer may take silence for death, however long a commit flushes.
 * - The end of the connection aborts what runs, closes the data port, and lets locks go.
 */
import type { Socket } from 'node:net';
import { MAX_LINE_BYTES } from '../../peers/protocol.ts';
import type { Logger } from '../../system/logger-api.ts';
import { CommandLines } from './command-lines.ts';
import { type Answer, answerForError, DataConnectionFailed, internalError } from './server-answer.ts';

export interface PeerSessionOptions {
  readonly socket: Socket;
  readonly logger: Logger;
  /** Runs one line; null: it was answered already. What it throws becomes the answer. */
  readonly run: (line: string, aborted: AbortSignal) => Promise<Answer | null>;
  /** True while the silent connection is of use (it holds a lock). */
  readonly mayIdle: () => boolean;
}

const WORKING_MS = 3_000;
const IDLE_MS = 300_000;
const MAX_QUEUE = 16;
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;

export class PeerSession {
  readonly #options: PeerSessionOptions;
  readonly #lines = new CommandLines(MAX_LINE_BYTES);
  readonly #queue: (string | Answer)[] = [];
  readonly #ended = new AbortController();
  #running: Promise<void> | null = null;
  #abortCommand: AbortController | null = null;
  #idle: NodeJS.Timeout | undefined;
  #closing = false;

  constructor(options: PeerSessionOptions) {
    this.#options = options;
    const { socket } = options;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 30_000);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.once('close', () => this.#end('the control connection has ended'));
    this.#restartIdleTimer();
  }

  /** Aborted when the connection has ended or is to end. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  get busy(): boolean {
    return this.#running !== null;
  }

  /** Resolves when no command runs any more. */
  async quiet(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  say({ code, text }: Answer): void {
    const { socket } = this.#options;
    if (socket.writable) socket.write(`${code} ${text}\r\n`);
  }

  /** No further command; an idle connection is told 421 and closed, a busy one when its command is done. */
  shutDown(): void {
    this.#closing = true;
    this.#queue.length = 0;
    if (!this.busy) this.#sayGoodbye('This member is stopping.');
  }

  /** What runs is aborted, the connection is cut. */
  destroy(): void {
    this.#end('this member is stopping');
    this.#options.socket.destroy();
  }

  #read(chunk: Buffer): void {
    for (const line of this.#lines.push(chunk)) {
      if (this.#closing || this.#ended.signal.aborted) return;
      if (line.kind === 'line' && /^ABOR\s*$/i.test(line.text)) this.#abortCommand?.abort(aborted());
      if (this.#queue.length >= MAX_QUEUE) {
        this.#options.logger.warn('a peer sends commands faster than they are answered; cut off');
        this.say({ code: 421, text: 'Too many commands at once.' });
        this.destroy();
        return;
      }
      this.#queue.push(line.kind === 'line' ? line.text : complaint(line.kind));
    }
    if (this.#queue.length > 0) this.#running ??= this.#work();
  }

  async #work(): Promise<void> {
    clearTimeout(this.#idle);
    await null; // so that it is known to run before it can be done
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      if (typeof next === 'string') await this.#runOne(next);
      else this.say(next);
      await this.#untilRead();
    }
    this.#running = null;
    if (this.#closing) this.#sayGoodbye('This member is stopping.');
    else this.#restartIdleTimer();
  }

  async #runOne(line: string): Promise<void> {
    const { run, logger } = this.#options;
    const command = new AbortController();
    this.#abortCommand = command;
    const working = setInterval(() => this.say({ code: 100, text: 'Working.' }), WORKING_MS);
    let answer: Answer | null;
    try {
      answer = await run(line, command.signal);
    } catch (error) {
      const known = answerForError(error);
      if (known === undefined)
        logger.error('a command of a peer met a defect', { verb: verbOf(line), error });
      answer = known ?? internalError;
    } finally {
      clearInterval(working);
      this.#abortCommand = null;
    }
    if (answer !== null) this.say(answer);
  }

  /** A peer that does not read its answers gets no more of them. */
  async #untilRead(): Promise<void> {
    const { socket } = this.#options;
    if (socket.writableLength < MAX_UNREAD_BYTES || socket.destroyed) return;
    const read = Promise.withResolvers<void>();
    const done = () => read.resolve();
    socket.once('drain', done);
    socket.once('close', done);
    await read.promise;
    socket.off('drain', done);
    socket.off('close', done);
  }

  #restartIdleTimer(): void {
    if (this.#ended.signal.aborted) return;
    this.#idle = setTimeout(() => {
      if (this.#options.mayIdle()) this.#restartIdleTimer();
      else this.#sayGoodbye('Nothing was asked for 5 minutes.');
    }, IDLE_MS);
  }

  #sayGoodbye(why: string): void {
    clearTimeout(this.#idle);
    const { socket } = this.#options;
    this.#closing = true;
    this.say({ code: 421, text: why });
    socket.end();
    setTimeout(() => socket.destroy(), 1000).unref();
  }

  #end(why: string): void {
    clearTimeout(this.#idle);
    this.#queue.length = 0;
    const reason = new DataConnectionFailed(426, `Aborted: ${why}.`);
    this.#abortCommand?.abort(reason);
    this.#ended.abort(reason);
  }
}

function aborted(): Error {
  return new DataConnectionFailed(426, 'Aborted.');
}

function complaint(kind: 'too-long' | 'not-utf8'): Answer {
  return kind === 'too-long'
    ? { code: 500, text: `Line longer than ${MAX_LINE_BYTES} bytes.` }
    : { code: 501, text: 'Not UTF-8.' };
}

function verbOf(line: string): string {
  return line.split(' ', 2).join(' ').slice(0, 40);
}
