/** The control connection of a fuzzed session: says bytes, keeps what it hears for the transcript, and never waits for long. */
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { resetConnection } from '../../src/ftp/reset-connection.ts';

/** An answer may take longer; the session then goes on without it. */
const PATIENCE_MS = 250;
const MOST_KEPT = 64 * 1024;

export interface TranscriptLine {
  /** Since the session began, ms. */
  readonly at: number;
  readonly who: '>' | '<' | '*';
  /** latin-1; long ones cut. */
  readonly text: string;
}

export class FuzzClient {
  readonly transcript: TranscriptLine[] = [];
  readonly host: string;
  /** Each session has its own: wrong passwords of one must not slow the others down. */
  readonly from: string;
  bytesSent = 0;
  linesSent = 0;
  /** What the member gave last to resume the control connection's TLS session with. */
  session: Buffer | undefined;
  #protection: 'C' | 'P' = 'C';
  #socket: Socket | TLSSocket;
  #heard = '';
  #wake: (() => void) | null = null;
  readonly #begun = performance.now();

  private constructor(socket: Socket, host: string, from: string) {
    this.#socket = socket;
    this.host = host;
    this.from = from;
    this.#listen(socket);
  }

  static async open(
    { host, port, tlsPort }: { readonly host: string; readonly port: number; readonly tlsPort: number },
    implicitTls: boolean,
    from: string,
  ): Promise<FuzzClient | null> {
    const socket = connect({
      ...{ host, port: implicitTls ? tlsPort : port, localAddress: from },
      ...{ allowHalfOpen: true, noDelay: true },
    });
    const there = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    if (!there) return null;
    const client = new FuzzClient(socket, host, from);
    if (implicitTls) {
      client.#protection = 'P';
      await client.secure(0);
    }
    await client.answered();
    return client;
  }

  get gone(): boolean {
    return this.#socket.destroyed || !this.#socket.writable;
  }

  /** As far as a client can tell that does not look at the answers. */
  get protectsData(): boolean {
    return 'encrypted' in this.#socket && this.#protection === 'P';
  }

  note(text: string): void {
    this.#tell('*', text);
  }

  say(bytes: Buffer, lines = 1): void {
    if (this.gone) return;
    this.#heard = '';
    this.linesSent += lines;
    this.bytesSent += bytes.length;
    const text = bytes.toString('latin1');
    for (const [, word] of text.matchAll(/^PROT ([CP])\r?$/gim)) this.#protection = word === 'P' ? 'P' : 'C';
    this.#tell('>', text);
    this.#socket.write(bytes);
  }

  /** What was heard since the last `say`, after the first whole line or a while. */
  async answered(ms = PATIENCE_MS): Promise<string> {
    const end = performance.now() + ms;
    while (!this.gone && !this.#heard.includes('\n') && performance.now() < end) {
      await Promise.race([
        new Promise<void>((resolve) => (this.#wake = resolve)),
        pause(Math.max(1, end - performance.now())),
      ]);
    }
    return this.#heard;
  }

  /** The reply behind the first: of a transfer. */
  async finished(ms: number): Promise<void> {
    const end = performance.now() + ms;
    while (!this.gone && !/^[2-5]\d\d /m.test(this.#heard) && performance.now() < end) {
      await Promise.race([
        new Promise<void>((resolve) => (this.#wake = resolve)),
        pause(Math.max(1, end - performance.now())),
      ]);
    }
  }

  deaf(yes: boolean): void {
    if (yes) this.#socket.pause();
    else this.#socket.resume();
  }

  /** A handshake; `cutAfter` bytes of it go out, 0: all. False when there was none. */
  async secure(cutAfter: number): Promise<boolean> {
    const raw = this.#socket;
    raw.removeAllListeners('data');
    const secure = connectTls({ socket: raw, rejectUnauthorized: false });
    secure.on('error', () => undefined);
    secure.on('session', (session: Buffer) => {
      this.session = session;
    });
    if (cutAfter > 0) {
      await pause(cutAfter / 20);
      raw.destroy();
      return false;
    }
    const done = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), 2000);
      const end = (secured: boolean) => {
        clearTimeout(timer);
        resolve(secured);
      };
      secure.once('secureConnect', () => end(true));
      secure.once('close', () => end(false));
    });
    this.#socket = secure;
    this.#listen(secure);
    this.note(done ? 'TLS' : 'no TLS');
    return done;
  }

  leave(how: 'quit' | 'end' | 'reset' | 'destroy'): void {
    this.note(how);
    if (how === 'quit') this.say(Buffer.from('QUIT\r\n'));
    else if (how === 'end') this.#socket.end();
    else if (how === 'reset' && !('encrypted' in this.#socket) && !this.gone) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  /** At the latest after `ms` by force. */
  async over(ms: number): Promise<void> {
    const socket = this.#socket;
    if (socket.destroyed) return;
    socket.resume();
    // A destroyed socket that has said its end already is not noticed over there.
    const timer = setTimeout(() => ('encrypted' in socket ? socket.destroy() : resetConnection(socket)), ms);
    await new Promise<void>((resolve) => socket.once('close', () => resolve()));
    clearTimeout(timer);
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1');
      this.#tell('<', text);
      if (this.#heard.length < MOST_KEPT) this.#heard += text;
      this.#stir();
    });
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
    socket.on('close', () => this.#stir());
  }

  #tell(who: TranscriptLine['who'], text: string): void {
    const at = Math.round(performance.now() - this.#begun);
    this.transcript.push({
      at,
      who,
      text: text.length > 2000 ? `${text.slice(0, 2000)}... ${text.length}` : text,
    });
  }

  #stir(): void {
    this.#wake?.();
    this.#wake = null;
  }
}
