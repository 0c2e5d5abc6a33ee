/** Memory of a running process, told by itself after a collection: over Node's inspector, which SIGUSR1 opens. */
import { setTimeout as pause } from 'node:timers/promises';
import { waitUntil } from '../network/wait-until.ts';

export interface Memory {
  /** Live objects after a collection, bytes. */
  readonly heap: number;
  /** Buffers outside of V8's heap, bytes. */
  readonly buffers: number;
  /** VmRSS, bytes. */
  readonly resident: number;
}

const LISTENING = /Debugger listening on (ws:\/\/127\.0\.0\.1:\d+\/\S+)/g;

export class Inspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (result: { readonly [key: string]: unknown }) => void>();
  #last = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const { id, result } = JSON.parse(String(data)) as {
        id?: number;
        result?: { readonly [key: string]: unknown };
      };
      if (id === undefined) return;
      this.#waiting.get(id)?.(result ?? {});
      this.#waiting.delete(id);
    });
  }

  /** For the process that is to be asked later: any port of this machine. */
  static environment(): { readonly [name: string]: string } {
    return { NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --inspect-port=127.0.0.1:0`.trim() };
  }

  /** `output`: what the process has written so far, its address among it. */
  static async attach(pid: number, output: () => string): Promise<Inspector> {
    const before = [...output().matchAll(LISTENING)].length;
    process.kill(pid, 'SIGUSR1');
    let url = '';
    await waitUntil('the inspector listens', () => {
      url = [...output().matchAll(LISTENING)][before]?.[1] ?? '';
      return url === '' ? 'no word of it' : null;
    });
    const socket = new WebSocket(url);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve(), { once: true });
      socket.addEventListener('error', () => reject(new Error(`no connection to ${url}`)), { once: true });
    });
    return new Inspector(socket);
  }

  async memory(): Promise<Memory> {
    // Twice: what the first collection finalises, the second frees.
    for (let round = 0; round < 2; round += 1) {
      await this.#ask('HeapProfiler.collectGarbage');
      await pause(50);
    }
    const { result } = await this.#ask('Runtime.evaluate', {
      expression: 'JSON.stringify(process.memoryUsage())',
    });
    const usage = JSON.parse(String((result as { value: unknown }).value)) as NodeJS.MemoryUsage;
    return { heap: usage.heapUsed, buffers: usage.arrayBuffers, resident: usage.rss };
  }

  /** A count of living objects by constructor is in the snapshot; for a person, not for tests. */
  async snapshot(write: (chunk: string) => void): Promise<void> {
    const hear = ({ data }: MessageEvent): void => {
      const { method, params } = JSON.parse(String(data)) as { method?: string; params?: { chunk: string } };
      if (method === 'HeapProfiler.addHeapSnapshotChunk' && params !== undefined) write(params.chunk);
    };
    this.#socket.addEventListener('message', hear);
    await this.#ask('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
    this.#socket.removeEventListener('message', hear);
  }

  close(): void {
    this.#socket.close();
  }

  async #ask(
    method: string,
    params: { readonly [key: string]: unknown } = {},
  ): Promise<{ readonly [key: string]: unknown }> {
    this.#last += 1;
    const id = this.#last;
    const answered = new Promise<{ readonly [key: string]: unknown }>((resolve) =>
      this.#waiting.set(id, resolve),
    );
    this.#socket.send(JSON.stringify({ id, method, params }));
    return await answered;
  }
}
