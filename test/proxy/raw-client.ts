/** An FTP client without manners: says exactly the bytes it is told to, and hears every reply. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface HeardReply {
  readonly code: number;
  /** All lines, as they came. */
  readonly lines: readonly string[];
  readonly text: string;
}

export class RawClient {
  readonly socket: Socket;
  readonly host: string;
  #text = '';
  #closed = false;
  #wake: (() => void) | null = null;
  /** Every byte that came. */
  heard = '';

  private constructor(socket: Socket, host: string) {
    this.socket = socket;
    this.host = host;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1');
      this.heard += chunk.toString('latin1');
      this.#stir();
    });
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      this.#closed = true;
      this.#stir();
    });
  }

  /** Connected, the greeting heard. */
  static async connect(
    port: number,
    options: { host?: string; localAddress?: string; greeting?: boolean } = {},
  ) {
    const { host = '127.0.0.1', localAddress, greeting = true } = options;
    const socket = connect({
      host,
      port,
      allowHalfOpen: true,
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    await once(socket, 'connect');
    const client = new RawClient(socket, host);
    if (greeting) await client.reply();
    return client;
  }

  /** On a socket that is connected already, no greeting awaited (TLS). */
  static around(socket: Socket, host: string): RawClient {
    return new RawClient(socket, host);
  }

  static async loggedIn(
    port: number,
    options: { host?: string; localAddress?: string; user?: string; password?: string } = {},
  ): Promise<RawClient> {
    const { user = 'guest', password = 'guest' } = options;
    const client = await RawClient.connect(port, options);
    await client.command(`USER ${user}`);
    const welcome = await client.command(`PASS ${password}`);
    if (welcome.code !== 230) throw new Error(`login failed: ${welcome.text}`);
    return client;
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The next whole reply; rejects when the connection closes first. */
  async reply(): Promise<HeardReply> {
    for (;;) {
      const reply = this.#take();
      if (reply !== null) return reply;
      if (this.#closed)
        throw new Error(`closed while waiting for a reply; left over: ${JSON.stringify(this.#text)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async replies(count: number): Promise<number[]> {
    const codes: number[] = [];
    while (codes.length < count) codes.push((await this.reply()).code);
    return codes;
  }

  async command(line: string): Promise<HeardReply> {
    this.send(`${line}\r\n`);
    return await this.reply();
  }

  /** Resolves when the server has closed. */
  async closed(): Promise<void> {
    while (!this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async passivePort(): Promise<number> {
    const { text } = await this.command('EPSV');
    const port = /\|\|\|(\d+)\|/.exec(text)?.[1];
    if (port === undefined) throw new Error(`no port in: ${text}`);
    return Number(port);
  }

  async dataConnection(): Promise<Socket> {
    const socket = connect({ host: this.host, port: await this.passivePort(), allowHalfOpen: true });
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  }

  /** The final reply. */
  async upload(line: string, bytes: string | Uint8Array): Promise<HeardReply> {
    const data = await this.dataConnection();
    data.end(bytes);
    data.resume();
    const first = await this.command(line);
    return first.code < 200 ? await this.reply() : first;
  }

  async download(line: string): Promise<{ readonly reply: HeardReply; readonly bytes: Buffer }> {
    const data = await this.dataConnection();
    const bytes = readAll(data);
    this.send(`${line}\r\n`);
    const first = await this.reply();
    const reply = first.code < 200 ? await this.reply() : first;
    if (first.code >= 200) data.destroy();
    return { reply, bytes: await bytes };
  }

  destroy(): void {
    this.socket.destroy();
  }

  #take(): HeardReply | null {
    const lines: string[] = [];
    let rest = this.#text;
    for (;;) {
      const end = rest.indexOf('\r\n');
      if (end < 0) return null;
      const line = rest.slice(0, end);
      rest = rest.slice(end + 2);
      lines.push(line);
      if (/^\d{3} /.test(line) && (lines.length === 1 || line.slice(0, 3) === lines[0]?.slice(0, 3))) break;
    }
    this.#text = rest;
    return { code: Number(lines.at(-1)?.slice(0, 3)), lines, text: lines.join('\n') };
  }

  #stir(): void {
    this.#wake?.();
    this.#wake = null;
  }
}

/** All bytes until the end; what came before a reset when it is reset. */
export async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.resume();
  await new Promise<void>((resolve) => {
    socket.once('end', () => {
      socket.end();
      resolve();
    });
    socket.once('close', () => resolve());
    if (socket.destroyed) resolve();
  });
  return Buffer.concat(chunks);
}
