/** A client that speaks FTPS, with Node's TLS, one version of it at a time. */
import { once } from 'node:events';
import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls, type SecureVersion, type TLSSocket } from 'node:tls';
import { type HeardReply, RawClient, readAll } from './raw-client.ts';

export const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

export interface TlsClientOptions {
  readonly version?: SecureVersion;
  /** On the implicit port: TLS before the greeting. */
  readonly implicit?: boolean;
}

/** Resolves when the handshake is done. */
export async function overTls(socket: Socket, version?: SecureVersion, session?: Buffer): Promise<TLSSocket> {
  const secured = connectTls({
    socket,
    rejectUnauthorized: false,
    ...(version === undefined ? {} : { minVersion: version, maxVersion: version }),
    ...(session === undefined ? {} : { session }),
  });
  await once(secured, 'secureConnect');
  secured.on('error', () => undefined);
  return secured;
}

/** A data connection that waits for its handshake; the client begins it behind the 150, as all do. */
export class TlsData {
  readonly plain: Socket;
  readonly #client: TlsClient;
  constructor(plain: Socket, client: TlsClient) {
    this.plain = plain;
    this.#client = client;
  }
  secure(session: Buffer | undefined = this.#client.session): Promise<TLSSocket> {
    return overTls(this.plain, this.#client.version, session);
  }
}

export class TlsClient {
  readonly control: RawClient;
  readonly tls: TLSSocket;
  readonly port: number;
  readonly version: SecureVersion | undefined;
  /** What the server gave last to resume with. */
  session: Buffer | undefined;

  constructor(tls: TLSSocket, port: number, version: SecureVersion | undefined) {
    this.tls = tls;
    this.port = port;
    this.version = version;
    this.session = tls.getProtocol() === 'TLSv1.2' ? tls.getSession() : undefined;
    tls.on('session', (session: Buffer) => {
      this.session = session;
    });
    this.control = RawClient.around(tls, '127.0.0.1');
  }

  /** TLS is on, nobody is logged in. */
  static async connect(
    port: number,
    { version, implicit = false }: TlsClientOptions = {},
  ): Promise<TlsClient> {
    const plain = implicit ? connectTcp(port, '127.0.0.1') : (await RawClient.connect(port)).socket;
    if (implicit) await once(plain, 'connect');
    else {
      plain.write('AUTH TLS\r\n');
      const [answer] = (await once(plain, 'data')) as [Buffer];
      if (!answer.toString().startsWith('234')) throw new Error(`AUTH: ${answer}`);
    }
    const client = new TlsClient(await overTls(plain, version), port, version);
    if (implicit) await client.control.reply();
    return client;
  }

  /** Logged in, PROT P. */
  static async loggedIn(port: number, options: TlsClientOptions = {}): Promise<TlsClient> {
    const client = await TlsClient.connect(port, options);
    for (const line of ['USER guest', 'PASS guest', 'PBSZ 0', 'PROT P']) {
      const { code, text } = await client.command(line);
      if (code >= 400) throw new Error(`${line}: ${text}`);
    }
    return client;
  }

  command(line: string): Promise<HeardReply> {
    return this.control.command(line);
  }

  async passive(): Promise<TlsData> {
    const plain = connectTcp({
      port: await this.control.passivePort(),
      host: '127.0.0.1',
      allowHalfOpen: true,
    });
    plain.on('error', () => undefined);
    await once(plain, 'connect');
    return new TlsData(plain, this);
  }

  /** The data connection of a transfer command, by PORT. */
  async active(line: string): Promise<{ readonly first: HeardReply; readonly data: TlsData }> {
    const server: Server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const answer = await this.command(`PORT 127,0,0,1,${port >> 8},${port & 255}`);
    if (answer.code !== 200) throw new Error(answer.text);
    const arrived = once(server, 'connection');
    this.control.send(`${line}\r\n`);
    const [socket] = (await arrived) as [Socket];
    server.close();
    return { first: await this.control.reply(), data: new TlsData(socket, this) };
  }

  /** The final reply, and whether the session was resumed. */
  async upload(line: string, bytes: string | Uint8Array, how: 'passive' | 'active' = 'passive') {
    const { first, data } = await this.#begin(line, how);
    if (first.code >= 200) return { reply: first, resumed: false };
    const socket = await data.secure();
    const resumed = socket.isSessionReused();
    socket.resume();
    socket.end(bytes);
    return { reply: await this.control.reply(), resumed };
  }

  async download(line: string, how: 'passive' | 'active' = 'passive') {
    const { first, data } = await this.#begin(line, how);
    if (first.code >= 200) return { reply: first, bytes: Buffer.alloc(0), resumed: false };
    const socket = await data.secure();
    const resumed = socket.isSessionReused();
    const bytes = await readAll(socket);
    return { reply: await this.control.reply(), bytes, resumed };
  }

  async #begin(line: string, how: 'passive' | 'active') {
    if (how === 'active') return await this.active(line);
    const data = await this.passive();
    return { first: await this.command(line), data };
  }

  destroy(): void {
    this.tls.destroy();
    this.control.destroy();
  }
}
