/**
 * An event as one line of text: `12:00:00 info  proxy  message key=value`. Names that clients choose go into lines, so
 * every control character is escaped: nobody writes a second line into the log, or moves the reader's cursor.
 */
import { inspect } from 'node:util';

export type Level = 'error' | 'warn' | 'info' | 'debug';

/** sd-daemon(3): what journald reads as the priority of a line. */
const priorities: { readonly [level in Level]: string } = {
  error: '<3>',
  warn: '<4>',
  info: '<6>',
  debug: '<7>',
};

const MAX_VALUE_LENGTH = 2000;

// Controls, Unicode line ends and everything that changes the direction or shape of what follows.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
const unsafe = /[\u0000-\u001F\u007F-\u009F\u200E\u200F\u2028\u2029\u202A-\u202E\u2066-\u2069\uFEFF]/g;
const named: { readonly [character: string]: string } = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

export function escapeControls(text: string): string {
  return text.replace(
    unsafe,
    (found) => named[found] ?? `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function describeError(error: Error): string {
  const cause = error.cause instanceof Error ? ` (because: ${describeError(error.cause)})` : '';
  return `${error.message || error.name}${cause}`;
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Error) return describeError(value);
  if (typeof value === 'object' && value !== null) {
    // JSON refuses bigint and cycles; a log line must never throw.
    try {
      return JSON.stringify(value);
    } catch {
      return inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 3 });
    }
  }
  return String(value);
}

/** `key=value`, in quotes where a blank, a quote or an equals sign would blur where it ends. */
function formatDetail(key: string, value: unknown): string {
  const whole = asText(value);
  const text = whole.length > MAX_VALUE_LENGTH ? `${whole.slice(0, MAX_VALUE_LENGTH)}...` : whole;
  const quoted = text === '' || /[\s"=\\]/.test(text);
  const body = quoted ? `"${text.replace(/["\\]/g, '\\$&')}"` : text;
  return `${escapeControls(key)}=${escapeControls(body)}`;
}

export interface LogEvent {
  readonly level: Level;
  readonly role: string;
  readonly message: string;
  readonly details: object;
}

/** `journal`: systemd adds time and priority by itself, so the line has no time and begins with its priority. */
export function formatLine(event: LogEvent, at: Date, journal: boolean): string {
  const { level, role, message, details } = event;
  const pairs = Object.entries(details).filter(([, value]) => value !== undefined);
  const rest = [escapeControls(message), ...pairs.map(([key, value]) => formatDetail(key, value))].join(' ');
  if (journal) return `${priorities[level]}${role}: ${rest}`;
  return `${at.toISOString().slice(0, 19).replace('T', ' ')} ${level.padEnd(5)} ${role.padEnd(5)}  ${rest}`;
}
