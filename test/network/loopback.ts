/**
 * Addresses and ports of a test's own. All of 127.0.0.0/8 is this machine, so every network takes a /24 of its own and
 * two test runs never meet; ports stay below 32768, where no outgoing connection can sit on them.
 */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

export class Loopback {
  readonly #prefix = `127.${randomInt(10, 250)}.${randomInt(0, 255)}`;

  address(last: number): string {
    return `${this.#prefix}.${last}`;
  }
}

const FIRST_PORT = 20_000;
const LAST_PORT = 29_000;

async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
    return true;
  } catch {
    return false;
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

/** The first of `count` ports in a row that are free on the address. */
export async function freePorts(host: string, count: number): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const first = randomInt(FIRST_PORT, LAST_PORT - count);
    const ends = [...new Set([first, first + count - 1])];
    if ((await Promise.all(ends.map((port) => isFree(host, port)))).every(Boolean)) return first;
  }
  throw new Error(`no ${count} free ports on ${host}`);
}
