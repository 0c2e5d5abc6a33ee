/**
 * ftp-srv 4.6.3, unmaintained, with what is wrong in it put right, all in this place. It accepts TLS connections, greets,
 * and answers USER, PASS, NOOP, TYPE, PBSZ, PROT and QUIT; everything that touches data is ours. What is mended, and where:
 *
 * | defect of ftp-srv                                                    | here                                        |
 * |----------------------------------------------------------------------|---------------------------------------------|
 * | 43 ms a transfer (Nagle against delayed ACK), 50 ms polls            | setNoDelay; passive-port.ts wakes by event   |
 * | commands cut by TCP chunk, lines and memory without limit            | peer-session.ts, command-lines.ts            |
 * | `"` and words like -x taken out of arguments                         | `commands.parse`, replaced below             |
 * | writes over its target, unlinks it after a failure, REST truncates   | peer-tree.ts: staging only; site-verbs.ts    |
 * | 226 for half a file                                                  | the hash in COMMIT decides                   |
 * | paused control connection, ABOR never aborts, a dropped RETR hangs   | peer-session.ts, transfers.ts                |
 * | a listener for each EPSV, left behind                                | passive-port.ts: one a connection            |
 * | `timeout` kills long uploads                                         | 0; peer-session.ts has its own idle timer    |
 * | handlers of SIGTERM, SIGINT, SIGQUIT that exit                       | removed (ftp-srv-internals.ts)               |
 * | no limits on connections                                             | connection-limits.ts, and mutual TLS first   |
 * | LIST, MKD, RNFR, SITE CHMOD ... on the real disk; paths in replies   | not reachable: a closed list of verbs        |
 */
import type { TLSSocket } from 'node:tls';
import type { Logger } from '../../system/logger-api.ts';
import type { SrvCommand, SrvConnection, SrvConnector, SrvLog } from './ftp-srv-internals.ts';
import { admit } from './members-verbs.ts';
import { type CommandContext, peerCommands } from './peer-commands.ts';
import type { Answer } from './server-answer.ts';

/** Verbs that ftp-srv itself answers; none of them reaches a disk. */
export const SRV_VERBS: readonly string[] = ['USER', 'PASS', 'NOOP', 'TYPE', 'PBSZ', 'PROT', 'QUIT'];

/** All verbs that are not answered with 502, for ftp-srv's own `whitelist` as well. */
export const ALLOWED_VERBS: readonly string[] = [...SRV_VERBS, ...Object.keys(peerCommands)];

/** Takes the control socket away from ftp-srv's reader and timers. Call it in the 'connect' event, before the greeting. */
export function takeOverSocket({ commandSocket }: SrvConnection): TLSSocket {
  commandSocket.removeAllListeners('data');
  commandSocket.removeAllListeners('timeout');
  return commandSocket;
}

/** Verb and argument as they came: no quotes stripped, no words dropped. */
export function parseCommand(line: string): SrvCommand {
  const space = line.indexOf(' ');
  const directive = (space < 0 ? line : line.slice(0, space)).trim().toUpperCase();
  return { directive, arg: space < 0 ? null : line.slice(space + 1), flags: [], raw: line };
}

/** Makes the connection's command table ours. Returns what runs one line (peer-session.ts). */
export function mendCommands(
  connection: SrvConnection,
  context: CommandContext,
): (line: string, aborted: AbortSignal) => Promise<Answer | null> {
  const { commands } = connection;
  const handleBySrv = commands.handle.bind(commands);
  commands.parse = parseCommand;
  // ftp-srv puts a new connector in the place of one that has ended; ours is the same all the time.
  const connector: SrvConnector = { end: () => context.port.close('the control connection has ended') };
  Object.defineProperty(connection, 'connector', { get: () => connector, set: () => undefined });
  return async (line, aborted) => {
    const command = parseCommand(line);
    const { directive, arg } = command;
    if (SRV_VERBS.includes(directive)) {
      await handleBySrv(command);
      return null;
    }
    const run = Object.hasOwn(peerCommands, directive) ? peerCommands[directive] : undefined;
    if (run === undefined) return { code: 502, text: 'No such command here.' };
    if (connection.authenticated !== true) return { code: 530, text: 'Say USER and PASS first.' };
    await admit(context.services, context.peer);
    return await run(arg ?? '', context, aborted);
  };
}

/** ftp-srv logs through bunyan; what it finds worth a line is worth one at debug. */
export function srvLog(logger: Logger): SrvLog {
  const nothing = () => undefined;
  const note = (...words: readonly unknown[]) => {
    logger.debug('ftp-srv', { said: words.map(String).join(' ') });
  };
  const log: SrvLog = {
    child: () => log,
    trace: nothing,
    debug: nothing,
    info: nothing,
    warn: nothing,
    error: note,
  };
  return log;
}
