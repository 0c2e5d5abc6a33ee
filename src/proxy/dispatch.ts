/** From a line to the reply, by the command table. */
import { type ParsedCommand, parseCommand } from '../ftp/command.ts';
import type { Line } from '../ftp/line-reader.ts';
import { lastReply, type Reply, reply } from '../ftp/reply.ts';
import { NoReplicaError } from '../peers/replica-set-api.ts';
import { Refusal } from '../replication/operation.ts';
import type { CommandDefinition } from './command-definition.ts';
import { findCommand } from './command-table.ts';
import { errorReply } from './error-reply.ts';
import type { NameEncoding } from './name-encoding.ts';
import { mayDo } from './rights.ts';
import type { Session } from './session.ts';

/** A line with the row of the table that answers it, or the refusal. */
export type Request =
  | { readonly kind: 'run'; readonly definition: CommandDefinition; readonly argument: string }
  | { readonly kind: 'refused'; readonly reply: Reply };

/** A web page can make a browser send lines of its choice behind a request: none of them must be heard as commands. */
const HTTP_REQUEST = / HTTP\/\d(\.\d)?$/;
const NOT_HTTP = lastReply(500, 'This is FTP, not HTTP.');

export function understand(line: Line, names: NameEncoding): Request {
  if (line.kind === 'too-long') return refused(500, `A line may have at most ${line.longestBytes} bytes.`);
  const command: ParsedCommand = parseCommand(line.bytes, (bytes) => names.decode(bytes));
  switch (command.kind) {
    case 'unintelligible':
      return refused(500, command.why);
    case 'bad-argument':
      return findCommand(command.name, '') === null
        ? refused(500, `${command.name} is not known here; HELP lists what is.`)
        : refused(501, command.why);
    case 'command': {
      const found = findCommand(command.name, command.argument);
      if (found === null && HTTP_REQUEST.test(command.argument)) return { kind: 'refused', reply: NOT_HTTP };
      return found === null
        ? refused(500, `${command.name} is not known here; HELP lists what is.`)
        : { kind: 'run', ...found };
    }
  }
}

function refused(code: number, text: string): Request {
  return { kind: 'refused', reply: reply(code, text) };
}

/** Never throws: whatever happens, the client gets an answer. */
export async function answer(session: Session, request: Request): Promise<Reply> {
  return session.encoded(await plainAnswer(session, request));
}

async function plainAnswer(session: Session, request: Request): Promise<Reply> {
  if (request.kind === 'refused') return request.reply;
  const { definition, argument } = request;
  if (definition.needsLogin !== false && session.login.kind !== 'logged-in') {
    return reply(530, 'Log in with USER and PASS first.');
  }
  if (!session.services.rules.allows(definition.name)) {
    return reply(502, `${definition.name} is not allowed here.`);
  }
  const { account } = session;
  if (definition.right !== undefined && account !== null && !mayDo(account.rights, definition.right)) {
    return reply(550, 'Permission denied.');
  }
  if (definition.argument === 'none' && argument.trim() !== '') {
    return reply(501, `${definition.name} takes no argument.`);
  }
  if (definition.argument === 'required' && argument === '') {
    return reply(501, `Say ${definition.name} ${definition.syntax ?? '<argument>'}.`);
  }
  try {
    return await definition.run(session, argument);
  } catch (error) {
    return failureReply(session, definition, error);
  }
}

function failureReply(session: Session, definition: CommandDefinition, error: unknown): Reply {
  const command = definition.name;
  const answer = errorReply(error);
  if (answer === null) {
    session.logger.error('a command failed in a way that nobody foresaw', { command, error });
    return reply(451, 'That failed here; see the log of this member.');
  }
  if (definition.transfers) return answer;
  if (error instanceof NoReplicaError || (error instanceof Refusal && answer.code < 500)) {
    session.logger.warn('refused', { command, code: answer.code, why: error.message });
  } else {
    session.logger.debug('refused', { command, code: answer.code, why: answer.lines[0] });
  }
  return answer;
}
