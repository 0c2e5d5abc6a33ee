/** What a command of the peer protocol is answered with, and the one map from errors to reply codes. */
import { WireError } from '../../peers/wire.ts';
import { Refusal, type RefusalKind } from '../../replication/operation.ts';

export interface Answer {
  readonly code: number;
  /** One line, no CR or LF. */
  readonly text: string;
}

/**
 * The peer may not do that, whatever it tries: a cloned identity, or a retired one. Answered with 530; the client takes it
 * for untrusted.
 */
export class PeerRefused extends Error {
  override readonly name = 'PeerRefused';
  readonly kind: 'refused' | 'retired';
  constructor(message: string, kind: 'refused' | 'retired' = 'refused') {
    super(message);
    this.kind = kind;
  }
}

/** 425, 426: the data connection did not come or broke. Nothing is wrong with disk or request. */
export class DataConnectionFailed extends Error {
  override readonly name = 'DataConnectionFailed';
  readonly code: 425 | 426;
  constructor(code: 425 | 426, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Kinds that may succeed when tried again, as operation.ts says: 450. The others: 550. */
const retryable: { readonly [kind in RefusalKind]: boolean } = {
  'not-found': false,
  exists: false,
  'not-a-directory': false,
  'is-a-directory': false,
  'not-empty': false,
  'forbidden-name': false,
  changed: true,
  'hash-mismatch': true,
  'missing-content': true,
  'no-space': true,
  'read-only': true,
  busy: true,
  invalid: false,
  io: true,
};

export function answerJson(value: unknown): Answer {
  return { code: 200, text: JSON.stringify(value) };
}

/** Undefined: a defect or a broken disk, which the log must hear about; the peer gets `internalError`. */
export function answerForError(error: unknown): Answer | undefined {
  if (error instanceof Refusal) {
    const { kind, message, path } = error;
    return { code: retryable[kind] ? 450 : 550, text: JSON.stringify({ error: kind, message, path }) };
  }
  if (error instanceof WireError) {
    return { code: 550, text: JSON.stringify({ error: 'invalid', message: error.message }) };
  }
  if (error instanceof PeerRefused) {
    return { code: 530, text: JSON.stringify({ error: error.kind, message: error.message }) };
  }
  if (error instanceof DataConnectionFailed) return { code: error.code, text: oneLine(error.message) };
  return undefined;
}

export const internalError: Answer = {
  code: 450,
  text: JSON.stringify({ error: 'io', message: 'this member met an error of its own; its log tells more' }),
};

function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ');
}
