/** Replies (RFC 959 section 4.2): a code and one line, or several lines with the code on the first and the last. */

export interface Reply {
  readonly code: number;
  /** At least one; the lines between first and last are sent behind a space, so that none looks like an end. */
  readonly lines: readonly string[];
  /** The control connection ends after this reply. */
  readonly closes?: true;
  /** Behind this reply TLS begins. */
  readonly startsTls?: true;
  /** How its text becomes bytes; UTF-8 when absent. */
  readonly encode?: (text: string) => Buffer;
}

export function reply(code: number, text: string): Reply {
  return { code, lines: [text] };
}

export function lastReply(code: number, text: string): Reply {
  return { code, lines: [text], closes: true };
}

export function multilineReply(code: number, first: string, between: readonly string[], last: string): Reply {
  return { code, lines: [first, ...between, last] };
}

/** What goes over the wire, in one piece. No text can break out of its line. */
export function formatReply({ code, lines, encode }: Reply): string | Buffer {
  const last = lines.length - 1;
  const text = lines
    .map((line, index) => {
      const text = oneLine(line);
      if (index === last) return `${code} ${text}\r\n`;
      return index === 0 ? `${code}-${text}\r\n` : ` ${text}\r\n`;
    })
    .join('');
  return encode === undefined ? text : encode(text);
}

function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is the purpose
  return text.replace(/[\u0000-\u001f\u007f]/g, '?');
}

/** A path inside a 257 reply: quotes doubled (RFC 959 appendix II). */
export function quotedPath(path: string): string {
  return `"${path.replaceAll('"', '""')}"`;
}
