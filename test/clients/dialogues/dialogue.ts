/**
 * What a device says, as data: lines with the code that it waits for, and transfers. Played over real sockets; whatever the
 * server answers otherwise ends the dialogue, as it ends the device's (many give up for good after one unexpected code).
 */
import { once } from 'node:events';
import { createServer, connect as openSocket, type Socket } from 'node:net';
import { RawClient, readAll } from '../../proxy/raw-client.ts';

/** How the data connection comes about; `late` ones are opened only when the 150 is there. */
export type Way = 'PASV' | 'PASV late' | 'EPSV' | 'PORT' | 'EPRT' | 'pasv';

export type Step =
  | { readonly kind: 'say'; readonly line: string; readonly code: number; readonly holds: RegExp | null }
  | {
      readonly kind: 'put';
      readonly way: Way;
      readonly line: string;
      readonly bytes: string;
      readonly heard: boolean;
    }
  | { readonly kind: 'get'; readonly way: Way; readonly line: string; readonly holds: RegExp }
  | { readonly kind: 'hang up'; readonly how: 'FIN' | 'reset' };

export interface Dialogue {
  readonly title: string;
  /** Bytes on the wire are Latin-1, one a character, instead of UTF-8. */
  readonly latin1?: boolean;
  /** An account that may neither list, read nor delete is enough for it. */
  readonly uploadOnly?: boolean;
  /** One connection each, one after the other. */
  readonly sessions: readonly (readonly Step[])[];
  /** Path and content of what lies on every member afterwards; null: nothing of that name. */
  readonly stored: { readonly [path: string]: string | null };
}

export const say = (line: string, code: number, holds: RegExp | null = null): Step => ({
  kind: 'say',
  line,
  code,
  holds,
});
export const put = (way: Way, line: string, bytes: string): Step => ({
  kind: 'put',
  way,
  line,
  bytes,
  heard: true,
});
/** The device does not wait for the 226. */
export const putUnheard = (way: Way, line: string, bytes: string): Step => ({
  kind: 'put',
  way,
  line,
  bytes,
  heard: false,
});
export const get = (way: Way, line: string, holds: RegExp): Step => ({ kind: 'get', way, line, holds });
export const hangUp = (how: 'FIN' | 'reset'): Step => ({ kind: 'hang up', how });
export const login: readonly Step[] = [say('USER guest', 331), say('PASS guest', 230)];

export interface DialogueDoor {
  readonly host: string;
  readonly port: number;
}

/** @throws Error with the whole conversation when an answer is not the one the device waits for. */
export async function play(dialogue: Dialogue, door: DialogueDoor): Promise<void> {
  for (const [index, steps] of dialogue.sessions.entries()) {
    const session = await DeviceSession.open(door, dialogue.latin1 === true ? 'latin1' : 'utf8');
    try {
      for (const step of steps) await session.take(step);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`${dialogue.title}, connection ${index + 1}: ${why}\n${session.conversation()}`);
    } finally {
      session.end();
    }
  }
}

class DeviceSession {
  readonly #client: RawClient;
  readonly #encoding: 'latin1' | 'utf8';
  readonly #said: string[] = [];

  private constructor(client: RawClient, encoding: 'latin1' | 'utf8') {
    this.#client = client;
    this.#encoding = encoding;
  }

  static async open({ host, port }: DialogueDoor, encoding: 'latin1' | 'utf8'): Promise<DeviceSession> {
    return new DeviceSession(await RawClient.connect(port, { host }), encoding);
  }

  conversation(): string {
    return this.#said.join('\n');
  }

  end(): void {
    this.#client.destroy();
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'say': {
        const text = await this.#say(step.line, step.code);
        if (step.holds !== null && !step.holds.test(text)) throw new Error(`not ${step.holds}: ${text}`);
        return;
      }
      case 'put':
        return await this.#put(step.way, step.line, step.bytes, step.heard);
      case 'get': {
        const bytes = await this.#get(step.way, step.line);
        if (!step.holds.test(bytes)) throw new Error(`not ${step.holds}: ${JSON.stringify(bytes)}`);
        return;
      }
      case 'hang up':
        return this.#hangUp(step.how);
    }
  }

  async #say(line: string, code: number): Promise<string> {
    this.#said.push(`> ${line}`);
    this.#client.send(Buffer.from(`${line}\r\n`, this.#encoding));
    return await this.#hear(code);
  }

  async #hear(code: number): Promise<string> {
    const { code: found, lines } = await this.#client.reply();
    const text = Buffer.from(lines.join('\n'), 'latin1').toString(this.#encoding);
    this.#said.push(text);
    if (found !== code) throw new Error(`expected ${code}: ${text}`);
    return text;
  }

  async #put(way: Way, line: string, bytes: string, heard: boolean): Promise<void> {
    const data = await this.#prepare(way);
    const early = way === 'PASV late' ? null : data();
    // 125 or 150; all that a device looks at is the first digit.
    await this.#say(line, 150);
    const socket = await (early ?? data());
    socket.resume();
    socket.end(Buffer.from(bytes, this.#encoding));
    if (heard) await this.#hear(226);
    else await once(socket, 'finish');
  }

  async #get(way: Way, line: string): Promise<string> {
    const data = await this.#prepare(way);
    const early = way === 'PASV late' ? null : data();
    await this.#say(line, 150);
    const bytes = await readAll(await (early ?? data()));
    await this.#hear(226);
    return bytes.toString(this.#encoding);
  }

  /** Says what makes the data connection, and gives what opens it. */
  async #prepare(way: Way): Promise<() => Promise<Socket>> {
    const { host, socket } = this.#client;
    if (way === 'PORT' || way === 'EPRT') {
      const address = socket.localAddress ?? '127.0.0.1';
      const server = createServer();
      server.listen(0, address);
      await once(server, 'listening');
      const bound = server.address();
      const port = bound !== null && typeof bound === 'object' ? bound.port : 0;
      const arrived = once(server, 'connection').then((arguments_) => {
        server.close();
        return (arguments_ as [Socket])[0];
      });
      const octets = [...address.split('.'), port >> 8, port & 255].join(',');
      await this.#say(way === 'PORT' ? `PORT ${octets}` : `EPRT |1|${address}|${port}|`, 200);
      return () => arrived;
    }
    const extended = way === 'EPSV';
    const text = await this.#say(extended ? 'EPSV' : way === 'pasv' ? 'pasv' : 'PASV', extended ? 229 : 227);
    const found = extended ? /\|\|\|(\d+)\|/.exec(text) : /\((?:\d+,){4}(\d+),(\d+)\)/.exec(text);
    if (found === null) throw new Error(`no port in ${text}`);
    const port = extended ? Number(found[1]) : Number(found[1]) * 256 + Number(found[2]);
    return async () => {
      const data = openSocket({ host, port });
      data.on('error', () => undefined);
      await once(data, 'connect');
      return data;
    };
  }

  #hangUp(how: 'FIN' | 'reset'): void {
    const { socket } = this.#client;
    this.#said.push(`hangs up: ${how}`);
    if (how === 'reset') socket.resetAndDestroy();
    else socket.destroy();
  }
}
