/** The log of one process: winston with our one-line form, on standard error. */
import type { Writable } from 'node:stream';
import { createLogger, format, transports } from 'winston';
import { formatLine, type Level } from './log-line.ts';
import type { Logger } from './logger-api.ts';

export interface LoggerOptions {
  /** proxy, ftp, sweep, run. */
  readonly role: string;
  readonly level: Level;
  readonly stream?: Writable;
  /** Standard error goes to journald: systemd sets JOURNAL_STREAM. */
  readonly journal?: boolean;
}

export function startLogger(options: LoggerOptions): Logger {
  const {
    role,
    level,
    stream = process.stderr,
    journal = process.env['JOURNAL_STREAM'] !== undefined,
  } = options;
  const ourForm = format((info) => {
    const event = {
      level: levelOf(info.level),
      role,
      message: String(info.message),
      details: detailsOf(info),
    };
    return Object.assign(info, { [Symbol.for('message')]: formatLine(event, new Date(), journal) });
  });
  const sink = createLogger({
    level,
    levels: { error: 0, warn: 1, info: 2, debug: 3 },
    format: ourForm(),
    transports: [new transports.Stream({ stream })],
    exitOnError: false,
  });
  const bound = (fixed: object): Logger => {
    // Details travel under a key of their own: winston would join a detail called "message" or "level" to its own.
    const at = (name: Level) => (message: string, details?: object) => {
      // winston writes the line first and looks at the level afterwards.
      if (!sink.isLevelEnabled(name)) return;
      sink.log({ level: name, message, details: { ...fixed, ...details } });
    };
    return {
      error: at('error'),
      warn: at('warn'),
      info: at('info'),
      debug: at('debug'),
      with: (details) => bound({ ...fixed, ...details }),
    };
  };
  return bound({});
}

function levelOf(text: string): Level {
  return text === 'error' || text === 'warn' || text === 'debug' ? text : 'info';
}

function detailsOf(info: object): object {
  const details: unknown = 'details' in info ? info.details : {};
  return typeof details === 'object' && details !== null ? details : {};
}
