/** Does somebody answer where clients and members connect, and are the passive ports free for it? */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { PortRange, Settings } from '../../config/settings-api.ts';
import { greetingOf } from '../../proxy/greets.ts';
import { formatEndpoint } from '../../system/port-in-use.ts';
import { reachable } from '../running-member.ts';
import { type Finding, messageOf, ok, problem, warning } from './finding.ts';

const PATIENCE_MS = 5000;

export async function checkPorts(settings: Settings): Promise<Finding[]> {
  const { listen, passivePorts, storagePassivePorts } = settings;
  return [
    await greeting(settings),
    ...(await range('passive ports', passivePorts, 'passive-ports')),
    ...(await range('passive ports of members', storagePassivePorts, 'storage-passive-ports')),
    ...lent(listen.port),
  ];
}

async function greeting({ listen }: Settings): Promise<Finding> {
  const where = formatEndpoint(reachable(listen));
  try {
    const line = await greetingOf(reachable(listen), PATIENCE_MS);
    if (line.startsWith('220')) return ok('port for clients', `${where} answers`);
    return warning(
      'port for clients',
      `${where} turns clients away: ${line}`,
      'See cloudroid status; limits are settings (--max-sessions).',
    );
  } catch (error) {
    const cure =
      'Is the gateway running (systemctl status cloudroid-proxy)? Does another program have this port?';
    return problem('port for clients', `nothing greets on ${where}: ${messageOf(error)}`, cure);
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '0.0.0.0' }, () => server.close(() => resolve(true)));
  });
}

/** A tenth of them, spread over the range: who has taken one has mostly taken many. */
async function range(check: string, { from, to }: PortRange, setting: string): Promise<Finding[]> {
  const step = Math.max(1, Math.floor((to - from + 1) / 10));
  const taken: number[] = [];
  for (let port = from; port <= to; port += step) if (!(await canListen(port))) taken.push(port);
  // Transfers under way have some.
  if (taken.length <= 2) return [ok(check, `${from}-${to} are free for data connections`)];
  return [
    warning(
      check,
      `many of ${from}-${to} are taken (${taken.slice(0, 5).join(', ')} ...)`,
      `End what uses them, or choose others: --${setting}.`,
    ),
  ];
}

/** The kernel gives ports of its range to outgoing connections of any program; a listener among them may find its port taken. */
function lent(port: number): Finding[] {
  let text: string;
  try {
    text = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8');
  } catch {
    return [];
  }
  const [least = 0, most = 0] = text.trim().split(/\s+/).map(Number);
  if (port < least || port > most) return [];
  const cure = `Choose a port outside ${least}-${most} (--listen), or reserve it (sysctl net.ipv4.ip_local_reserved_ports).`;
  return [
    warning('port for clients', `${port} is among those that the system lends to outgoing connections`, cure),
  ];
}
