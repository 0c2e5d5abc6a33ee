/** Does the gateway greet whoever connects? The only proof that clients are served: listener, accept loop and session work. */
import { connect } from 'node:net';
import type { Endpoint } from '../config/settings-api.ts';

const PATIENCE_MS = 10_000;
const longest = 512;

/** Resolves with the first reply line: 220, or the 421 of a full house, which is served too. Rejects without one in time. */
export function greetingOf({ host, port }: Endpoint, patienceMs = PATIENCE_MS): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    let text = '';
    socket.setTimeout(patienceMs, () => socket.destroy(new Error(`no greeting within ${patienceMs} ms`)));
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      const [line = ''] = text.split('\r\n');
      if (line.length === text.length && text.length < longest) return;
      if (/^(220|421)[ -]/.test(line)) {
        resolve(line);
        socket.end('QUIT\r\n');
      } else socket.destroy(new Error(`the greeting is ${JSON.stringify(line.slice(0, 80))}`));
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed before a greeting')));
  });
}
