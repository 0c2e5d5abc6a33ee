/**
 * One FTP session that moves many small files, as plainly as can be. Not curl: curl 7.88 waits a whole second whenever the
 * answer to EPSV comes in the same moment as it asks, so a fast server would look slow.
 */
import { once } from 'node:events';
import { connect, type OnReadOpts, type Socket } from 'node:net';

const IN_FLIGHT = 4 << 20;
/** Nothing that a file system or a link could make smaller. */
export const block = Buffer.alloc(1 << 20);
for (let at = 0, word = 1; at < block.length; at += 4) {
  word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
  block.writeUInt32LE(word, at);
}

export class FtpSession {
  readonly #socket: Socket;
  readonly #host: string;
  #text = '';
  #wake: () => void = () => undefined;
  #failure: Error | null = null;

  private constructor(socket: Socket, host: string) {
    this.#socket = socket;
    this.#host = host;
    socket.setNoDelay(true);
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      this.#text += chunk;
      this.#wake();
    });
    const end = (error?: Error) => {
      this.#failure ??= error ?? new Error('the server closed the session');
      this.#wake();
    };
    socket.on('error', end);
    socket.on('close', () => end());
  }

  /** `binary`: ready for transfers, one command more. */
  static async open(host: string, port: number, login: string, binary = true): Promise<FtpSession> {
    const session = new FtpSession(connect(port, host), host);
    const [user = '', password = ''] = login.split(':');
    await session.#reply(220);
    // vsftpd without anonymous passwords says 230 at once.
    const greeting = await session.ask(`USER ${user}`, 331, 230);
    if (greeting.startsWith('331')) await session.ask(`PASS ${password}`, 230);
    if (binary) await session.ask('TYPE I', 200);
    return session;
  }

  async ask(command: string, ...expected: readonly number[]): Promise<string> {
    this.#socket.write(`${command}\r\n`);
    return await this.#reply(...expected);
  }

  async #reply(...expected: readonly number[]): Promise<string> {
    for (;;) {
      const line = /^(\d{3}) .*\r\n/m.exec(this.#text);
      if (line !== null) {
        this.#text = this.#text.slice(line.index + line[0].length);
        if (expected.includes(Number(line[1]))) return line[0];
        throw new Error(`expected ${expected.join(' or ')}, got ${line[0].trim()}`);
      }
      if (this.#failure !== null) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async #data(more: { readonly onread?: OnReadOpts } = {}): Promise<Socket> {
    const reply = await this.ask('EPSV', 229);
    const port = Number(/\(\|\|\|(\d+)\|\)/.exec(reply)?.[1]);
    // `writableHighWaterMark` is handed on to the stream; the types do not know it.
    const options = { port, host: this.#host, writableHighWaterMark: IN_FLIGHT, ...more };
    const socket = connect(options);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return socket;
  }

  async store(path: string, content: Buffer): Promise<void> {
    const data = await this.#data();
    await this.ask(`STOR ${path}`, 125, 150);
    data.end(content);
    await this.#reply(226);
    data.destroy();
  }

  /** Bytes that came. */
  async retrieve(path: string): Promise<number> {
    const data = await this.#data();
    let bytes = 0;
    const ended = new Promise<void>((resolve, reject) => {
      data.on('data', (chunk) => {
        bytes += chunk.length;
      });
      data.once('end', resolve);
      data.once('error', reject);
    });
    await this.ask(`RETR ${path}`, 125, 150);
    await Promise.all([ended, this.#reply(226)]);
    data.destroy();
    return bytes;
  }

  /** `bytes` of the same block again and again, as fast as the server takes them. */
  async storeBig(path: string, bytes: number): Promise<void> {
    const data = await this.#data();
    await this.ask(`STOR ${path}`, 125, 150);
    const failed = once(data, 'error').then(([error]) => Promise.reject(error));
    failed.catch(() => undefined);
    for (let left = bytes; left > 0; left -= block.length) {
      if (data.write(left < block.length ? block.subarray(0, left) : block)) continue;
      await Promise.race([once(data, 'drain'), failed]);
    }
    data.end();
    await this.#reply(226);
    data.destroy();
  }

  /** Reads into one buffer again and again; gives back how many bytes came. `command`: RETR, LIST or MLSD with its path. */
  async retrieveBig(command: string): Promise<number> {
    let bytes = 0;
    const callback = (read: number): boolean => {
      bytes += read;
      return true;
    };
    const onread = { buffer: Buffer.alloc(1 << 20), callback };
    const data = await this.#data({ onread });
    const ended = once(data, 'end');
    data.resume();
    await this.ask(command, 125, 150);
    await Promise.all([ended, this.#reply(226)]);
    data.destroy();
    return bytes;
  }

  async close(): Promise<void> {
    await this.ask('QUIT', 221);
    this.#socket.destroy();
  }
}
