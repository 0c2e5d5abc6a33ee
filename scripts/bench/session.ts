/**
 * One FTP session that moves many small files, as plainly as can be. Not curl: curl 7.88 waits a whole second whenever the
 * answer to EPSV comes in the same moment as it asks, so a fast server would look slow.
 */
import { connect, type Socket } from 'node:net';

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

  static async open(host: string, port: number, login: string): Promise<FtpSession> {
    const session = new FtpSession(connect(port, host), host);
    const [user = '', password = ''] = login.split(':');
    await session.#reply(220);
    // vsftpd without anonymous passwords says 230 at once.
    const greeting = await session.ask(`USER ${user}`, 331, 230);
    if (greeting.startsWith('331')) await session.ask(`PASS ${password}`, 230);
    await session.ask('TYPE I', 200);
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

  async #data(): Promise<Socket> {
    const reply = await this.ask('EPSV', 229);
    const port = Number(/\(\|\|\|(\d+)\|\)/.exec(reply)?.[1]);
    const socket = connect(port, this.#host);
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

  async close(): Promise<void> {
    await this.ask('QUIT', 221);
    this.#socket.destroy();
  }
}
