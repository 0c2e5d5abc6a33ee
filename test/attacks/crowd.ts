/** Very many connections at once, opened in batches so that this machine keeps up. */
import { connect, type Socket } from 'node:net';

export interface CrowdOptions {
  readonly host: string;
  readonly port: number;
  readonly count: number;
  /** Connections under way at once. */
  readonly batch?: number;
  /** The n-th connection comes from there. */
  readonly from: (index: number) => string;
  /** Said at once by each. */
  readonly words?: string;
}

export class Crowd {
  readonly sockets = new Set<Socket>();
  /** By the code of the first line heard; `none` for a connection that was closed without a word. */
  readonly firstWords = new Map<string, number>();

  static async gather(options: CrowdOptions): Promise<Crowd> {
    const crowd = new Crowd();
    const { count, batch = 500 } = options;
    for (let begin = 0; begin < count; begin += batch) {
      const size = Math.min(batch, count - begin);
      await Promise.all(Array.from({ length: size }, (_, index) => crowd.#join(options, begin + index)));
    }
    return crowd;
  }

  count(code: string): number {
    return this.firstWords.get(code) ?? 0;
  }

  disperse(): void {
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
  }

  /** Until the first line, or the end. */
  #join({ host, port, from, words }: CrowdOptions, index: number): Promise<void> {
    return new Promise((resolve) => {
      const socket = connect({ host, port, localAddress: from(index), allowHalfOpen: true });
      this.sockets.add(socket);
      let heard = '';
      const tell = (code: string): void => {
        socket.off('data', hear);
        socket.off('close', ended);
        socket.resume();
        this.firstWords.set(code, (this.firstWords.get(code) ?? 0) + 1);
        resolve();
      };
      const hear = (chunk: Buffer): void => {
        heard += chunk.toString('latin1');
        if (heard.includes('\n')) tell(heard.slice(0, 3));
      };
      const ended = (): void => tell('none');
      socket.on('data', hear);
      socket.on('error', () => undefined);
      socket.once('close', ended);
      socket.on('close', () => this.sockets.delete(socket));
      if (words !== undefined) socket.write(words);
    });
  }
}
