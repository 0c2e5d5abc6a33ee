/** A member's control connection by hand: lines out, reply lines in. */
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { Endpoint } from '../../src/config/settings-api.ts';
import { type TlsCredentials, tlsForClient } from '../../src/peers/trust.ts';

export class RawPeer {
  readonly socket: TLSSocket;
  readonly #lines: string[] = [];
  readonly #sessions: Buffer[] = [];
  readonly #waiting: ((line: string | null) => void)[] = [];
  #text = '';
  #ended = false;

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      this.#text += chunk;
      for (let end = this.#text.indexOf('\n'); end >= 0; end = this.#text.indexOf('\n')) {
        this.#take(this.#text.slice(0, end).replace(/\r$/, ''));
        this.#text = this.#text.slice(end + 1);
      }
    });
    socket.on('session', (session) => this.#sessions.push(session));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#ended = true;
      for (const wake of this.#waiting.splice(0)) wake(null);
    });
  }

  /** Connected and greeted; with `login` logged in as well. */
  static async open({ port }: Endpoint, credentials: TlsCredentials, login = true): Promise<RawPeer> {
    const socket = connect({ host: '127.0.0.1', port, ...tlsForClient(credentials) });
    const peer = new RawPeer(socket);
    await once(socket, 'secureConnect');
    await peer.expect('220');
    if (login) {
      await peer.say(`USER ${credentials.member}`, '331');
      await peer.say('PASS x', '230');
    }
    return peer;
  }

  write(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  /** The next line, null at the end of the connection. `100` lines are skipped. */
  async line(): Promise<string | null> {
    for (;;) {
      const line =
        this.#lines.shift() ??
        (this.#ended ? null : await new Promise<string | null>((resolve) => this.#waiting.push(resolve)));
      if (line?.startsWith('100 ') !== true) return line;
    }
  }

  async expect(code: string): Promise<string> {
    const line = await this.line();
    if (line?.startsWith(`${code} `) !== true) throw new Error(`expected ${code}, got ${line}`);
    return line.slice(4);
  }

  async say(line: string, code: string): Promise<string> {
    this.write(`${line}\r\n`);
    return await this.expect(code);
  }

  /** The TLS sessions that the server has given out, at least one. */
  async sessions(): Promise<readonly Buffer[]> {
    if (this.#sessions.length === 0) await once(this.socket, 'session');
    return this.#sessions;
  }

  /** EPSV and a TLS data connection as these credentials. */
  async data(credentials: TlsCredentials, session?: Buffer): Promise<{ raw: Socket; tls: TLSSocket }> {
    const port = Number(/\|\|\|(\d+)\|/.exec(await this.say('EPSV', '229'))?.[1]);
    return await RawPeer.dataOn(port, credentials, session);
  }

  static async dataOn(
    port: number,
    credentials: TlsCredentials,
    session?: Buffer,
  ): Promise<{ raw: Socket; tls: TLSSocket }> {
    const raw = connectTcp({ host: '127.0.0.1', port });
    raw.on('error', () => undefined);
    await once(raw, 'connect');
    const options = { ...tlsForClient(credentials), host: '127.0.0.1', ...(session && { session }) };
    const tls = connect({ socket: raw, ...options });
    tls.on('error', () => undefined);
    await once(tls, 'secureConnect');
    return { raw, tls };
  }

  close(): void {
    this.socket.destroy();
  }

  #take(line: string): void {
    const wake = this.#waiting.shift();
    if (wake === undefined) this.#lines.push(line);
    else wake(line);
  }
}
